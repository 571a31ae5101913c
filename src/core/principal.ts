import type { JsonObject } from './plain-value.js'

/**
 * Who is calling, after authentication, as the key was then.
 *
 * It may be kept (by a socket, a job, a session): what it may do is looked up each time it is used, and nothing that it
 * says of the key decides.
 */
export type Principal = KeyPrincipal | TokenPrincipal

/** A caller with one of a key's secrets. */
export interface KeyPrincipal {
  readonly type: 'key'
  readonly keyId: string
  /** The secret that was presented, or that a token began with; both die with its grace period. */
  readonly secretId: string
  readonly keyName: string
  readonly workspaceId: string
  readonly environment: string
  /** The user whose own rights cap the key. */
  readonly ownerId: string | null
  /** The address it called from, where that was known; allow-lists are checked against it again. */
  readonly address: string | null
  /** The scopes that the key has; canonical, and empty for one with full access. To know what it may do, ask `authorize`. */
  readonly scopes: readonly string[]
  /** The host's own, frozen. */
  readonly metadata: JsonObject
}

/** A caller with an access token that a key, or a token of it, was exchanged for. */
export interface TokenPrincipal extends Omit<KeyPrincipal, 'type' | 'scopes'> {
  readonly type: 'token'
  readonly tokenId: string
  /** What it was given of the key; canonical. What it may do now is what the key still holds of this. */
  readonly scopes: readonly string[]
  /** Whom it is for. */
  readonly audience: readonly string[]
  /** The first instant at which it is no longer accepted, in milliseconds since 1970. */
  readonly expiresAt: number
  /** Who acts, newest first; empty: whoever holds the key. */
  readonly chain: readonly string[]
}
