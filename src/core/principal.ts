/**
 * Who is calling, after authentication: ids and names only.
 *
 * It may be kept (by a socket, a job, a session): what it may do is looked up anew each time it is used.
 */
export interface Principal {
  readonly type: 'key'
  readonly keyId: string
  /** The secret that was presented; a rotated-out secret's principal dies with its grace period. */
  readonly secretId: string
  readonly keyName: string
  readonly workspaceId: string
  readonly environment: string
  /** The user whose own rights cap the key. */
  readonly ownerId: string | null
  /** The address it called from, where that was known; allow-lists are checked against it again. */
  readonly address: string | null
}
