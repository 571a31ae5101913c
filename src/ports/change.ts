import type { ApprovalContentRecord, ApprovalRecord, VoteRecord } from '../core/approval.js'
import type { EventRecord } from '../core/audit.js'
import type { DeliveryRecord } from '../core/delivery.js'
import type { KeyRecord, KeySecretRecord, TombstoneRecord } from '../core/key.js'

/** A message on its way to a destination outside the store; it is deleted when it has arrived. */
export interface MessageRecord {
  readonly id: string
  readonly workspaceId: string
  readonly version: number
  /** What kind of destination: `sink` is an audit sink. */
  readonly kind: 'sink'
  /** The destination's name. */
  readonly destination: string
  /** What is to be delivered, as JSON text. */
  readonly payload: string
  readonly createdAt: number
  /** Not before this instant; a claim moves it on, so that a crashed worker's messages come up again. */
  readonly dueAt: number
  readonly attempts: number
}

/** That a creation under some idempotency key was done, and what it made. */
export interface IdempotencyRecord {
  /** A digest over workspace, actor and key. */
  readonly id: string
  readonly workspaceId: string
  readonly version: number
  /** A digest over what was asked for. */
  readonly fingerprint: string
  /** The id of what was made. */
  readonly resultId: string
  readonly expiresAt: number
}

/** A fact that all instances on a store share, e.g. the lease. */
export interface SettingRecord {
  /** Its name. */
  readonly id: string
  readonly workspaceId: string
  readonly version: number
  readonly value: string
}

/**
 * The kinds of records there are. Each has `id` (unique within its kind, byte-exact), `workspaceId`
 * (`''` for what belongs to none) and `version` (1 on insert, raised by one with each update, by the store).
 * A secret's `digest` is unique too.
 */
export interface Records {
  readonly key: KeyRecord
  readonly secret: KeySecretRecord
  readonly tombstone: TombstoneRecord
  readonly event: EventRecord
  readonly message: MessageRecord
  readonly idempotency: IdempotencyRecord
  readonly setting: SettingRecord
  readonly approval: ApprovalRecord
  readonly approvalContent: ApprovalContentRecord
  readonly vote: VoteRecord
  readonly delivery: DeliveryRecord
}

/** The name of a kind of records. */
export type RecordType = keyof Records

/** The columns that an update may set. */
export type Settable<T extends RecordType> = Partial<Omit<Records[T], 'id' | 'workspaceId' | 'version'>>

/** A condition on the time of a commit. */
export interface Timed {
  /** The commit succeeds only while the store's now is below this instant. */
  readonly before?: number
}

type OfType<F> = { readonly [T in RecordType]: F extends 'insert' ? Insert<T> : Update<T> }[RecordType]

interface Insert<T extends RecordType> extends Timed {
  readonly do: 'insert'
  readonly type: T
  readonly record: Records[T]
}

interface Update<T extends RecordType> extends Timed {
  readonly do: 'update'
  readonly type: T
  readonly id: string
  readonly expectVersion: number
  /** Only these columns are written. */
  readonly set: Settable<T>
}

/** One step of a commit. */
export type Change =
  | OfType<'insert'>
  | OfType<'update'>
  | (Timed & {
      readonly do: 'delete'
      readonly type: RecordType
      readonly id: string
      readonly expectVersion: number
    })
  | (Timed & {
      readonly do: 'check'
      readonly type: RecordType
      readonly id: string
      readonly version: number
    })
  | (Timed & {
      /** Adds to a named number, from 0; a sum above `max` (null: none) fails. */
      readonly do: 'counter'
      readonly name: string
      readonly delta: number
      readonly max: number | null
    })

/** Why a commit was refused: the index of the first change that could not be made, and its reason. */
export type CommitResult =
  | { readonly ok: true }
  | {
      readonly ok: false
      readonly failed: number
      /**
       * `duplicate`: an id or a unique column is taken; `missing`: there is no such record; `version`: it was
       * changed meanwhile; `limit`: a counter would pass its maximum; `late`: `before` is over.
       */
      readonly why: 'duplicate' | 'missing' | 'version' | 'limit' | 'late'
    }
