/** `full`: whatever the workspace can do; `custom`: the scopes it was given. */
export type KeyMode = 'full' | 'custom'

/** Whether a key is in use; expiry is not a status but a matter of the clock. */
export type KeyStatus = 'active' | 'revoked'

/** An API key as it is stored; nothing in it can be turned back into a secret. */
export interface KeyRecord {
  readonly id: string
  readonly workspaceId: string
  /** Counts the changes, from 1. */
  readonly version: number
  readonly name: string
  /** The name in lower case, for searching. */
  readonly nameSearch: string
  readonly environment: string
  readonly mode: KeyMode
  /** Canonical scope text: scopes sorted, separated by one space; unknown ones are kept. */
  readonly scopes: string
  readonly status: KeyStatus
  readonly revokedAt: number | null
  /** The actor that revoked it, as `type:id`. */
  readonly revokedBy: string | null
  readonly revokedReason: string | null
  /** The first instant at which it is no longer valid. */
  readonly expiresAt: number | null
  /** The first instant at which it is valid. */
  readonly notBefore: number | null
  /** Canonical addresses and CIDR ranges, separated by one space; empty: from anywhere. */
  readonly addressRules: string
  /** A JSON object of the host's own. */
  readonly metadata: string
  /** The user whose own rights cap the key. */
  readonly ownerId: string | null
  /** The actor that created it, as `type:id`. */
  readonly createdBy: string
  readonly createdAt: number
  readonly updatedAt: number
  /** Limits of its own, as the JSON of a list of `Limit`s in canonical order; null: those of the plan and the host. */
  readonly limits: string | null
  /** How often it was revoked: what was approved before counts no more, also after it was activated again. */
  readonly revocations: number
  /** Where it is told about its approvals, as the JSON of a `WebhookSetting`; null: nowhere. */
  readonly webhook: string | null
}

/** One secret of a key: at most two are alive at a time, the second during a grace period. */
export interface KeySecretRecord {
  readonly id: string
  readonly keyId: string
  readonly workspaceId: string
  readonly version: number
  /** SHA-256, or HMAC-SHA-256 under the pepper, of the whole secret: 32 characters, one a byte; unique. */
  readonly digest: string
  /** The host secret whose pepper made the digest; `none` without a pepper. */
  readonly hostSecretId: string
  readonly lastFour: string
  readonly createdAt: number
  /** The first instant at which it is no longer valid: the end of the grace period. */
  readonly endsAt: number | null
}

/** What stays of a deleted key until all that hung on it is purged. */
export interface TombstoneRecord {
  /** The key's id. */
  readonly id: string
  readonly workspaceId: string
  readonly version: number
  readonly deletedAt: number
}

/** A secret and its key as they stand at one moment: what a credential check reads. */
export interface CredentialRow {
  readonly secret: KeySecretRecord
  readonly key: KeyRecord
}

/** A key with its living secrets, newest first, and when it was last used. */
export interface KeyRow {
  readonly key: KeyRecord
  readonly secrets: readonly KeySecretRecord[]
  readonly lastUsedAt: number | null
}
