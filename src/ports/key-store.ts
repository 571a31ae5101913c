import type { CredentialRow, KeyRow, KeyStatus } from '../core/key.js'
import type { IdempotencyRecord } from './change.js'
import type { MaybePromise } from '../core/maybe-promise.js'

/** Which keys of a workspace; what is left out does not narrow. */
export interface KeyFilter {
  readonly workspaceId: string
  readonly status?: KeyStatus
  /** Only keys that expire, and do so before this instant. */
  readonly expiresBefore?: number
  /** Only keys that never expire, or do so at this instant or later. */
  readonly expiresFrom?: number
  readonly ownerId?: string
  /** The actor that created them, as `type:id`. */
  readonly createdBy?: string
}

/** Which keys to list; newest first, by id. */
export interface KeyListRequest extends KeyFilter {
  /** In lower case: part of the name in lower case, or the last four characters of a secret, exactly, or the whole id. */
  readonly text?: string
  /** Only keys whose id is below this one. */
  readonly before?: string
  readonly limit: number
}

/** That a key was used. */
export interface KeyUse {
  readonly keyId: string
  readonly at: number
}

/** The most digests that a store is asked about at once where their answers have to be of one instant. */
export const digestsAtOnce = 200

/** What is asked about keys. */
export interface KeyQueries {
  /** The secret with this digest, ended or not, and its key; on the hot path. */
  findCredential(digest: string): MaybePromise<CredentialRow | undefined>
  /**
   * The same for several digests at once; only those that are there, in any order. Up to 200 of them are answered as of
   * one instant (one query): a secret that moves from one to another meanwhile is found, under either.
   */
  findCredentials(digests: readonly string[]): MaybePromise<readonly CredentialRow[]>
  /** The same by the secret's id, for principals that were kept. */
  findCredentialById(secretId: string): MaybePromise<CredentialRow | undefined>
  findKey(workspaceId: string, id: string): MaybePromise<KeyRow | undefined>
  listKeys(request: KeyListRequest): MaybePromise<readonly KeyRow[]>
  countKeys(filter: KeyFilter): MaybePromise<number>
  /** How many living secrets were made under each host secret, by its id. */
  countSecrets(): MaybePromise<ReadonlyMap<string, number>>
  /** Notes uses; the latest time wins, a key that is not there is passed over, no other record is touched. */
  recordUses(uses: readonly KeyUse[]): MaybePromise<void>
  /** What was made under an idempotency key, if anything, expired or not. */
  findIdempotency(id: string): MaybePromise<IdempotencyRecord | undefined>
}
