import type { ErrorCode } from './errors.js'
import type { Effect } from './permission.js'

/** Where a decision can fall. */
export type Layer = 'key' | 'token' | 'client' | 'owner' | 'plan' | 'operation'

/** Why a permission is refused to a credential that is valid; in this order of precedence. */
export type Refusal = 'unknown_permission' | 'hidden' | 'not_entitled' | 'owner_insufficient' | 'insufficient'

/** Why a credential is refused whatever it asks for. */
export type CredentialRefusal = Extract<
  ErrorCode,
  | 'credential_missing'
  | 'credential_repeated'
  | 'credential_invalid'
  | 'key_revoked'
  | 'key_expired'
  | 'secret_rotated'
  | 'key_not_yet_valid'
  | 'token_expired'
  | 'address_denied'
>

/** Every code a denial can carry. */
export type DenyCode = Refusal | CredentialRefusal

/** What became of one permission. */
export interface Reason {
  readonly permission: string
  readonly effect: Effect
  /** Why it is denied. */
  readonly code?: Refusal
  /** The layer that denies it, or sends it to approval. */
  readonly layer?: Layer
  /** The scopes that would do, where the lack of one is all that is wrong. */
  readonly scopes?: readonly string[]
}

/** It may be done. */
export interface Allowed {
  readonly effect: 'allow'
  /** What was demanded, by canonical names. */
  readonly permissions: readonly string[]
  readonly reasons: readonly Reason[]
}

/** It may be done once a human has approved it. */
export interface Queued {
  readonly effect: 'approval'
  readonly permissions: readonly string[]
  /** Those of the permissions that need the approval. */
  readonly queued: readonly string[]
  readonly reasons: readonly Reason[]
}

/** It may not be done. */
export interface Denied {
  readonly effect: 'deny'
  readonly code: DenyCode
  readonly permissions: readonly string[]
  /** The permission the code is about; null if it is about the credential or the workspace as a whole. */
  readonly permission: string | null
  /** For `insufficient`, all scopes the operation needs, those already held included; else none. */
  readonly scopes: readonly string[]
  /** For the operator: unlike `scopes`, these may tell what the caller must not learn. */
  readonly reasons: readonly Reason[]
}

/** An answer and its reasons, as one value. */
export type Decision = Allowed | Queued | Denied

/** The denial of everything, for a credential (or a workspace) that counts for nothing. */
export function denial(code: DenyCode, permissions: readonly string[] = []): Denied {
  return { effect: 'deny', code, permissions, permission: null, scopes: [], reasons: [] }
}
