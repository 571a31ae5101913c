import type { MaybePromise } from '../core/maybe-promise.js'
import type { Records } from './change.js'

/** Where something that is sealed under a secret of the host, or derived from one, tells which secret that is. */
interface SealedPlace {
  readonly type: 'approvalContent' | 'delivery' | 'key'
  readonly column: string
  /** The first character of the secret's id in the column's text, counted from 1. */
  readonly at: number
}

/** Every kind of what hangs on a secret of the host, beside the secrets of keys, which have a column that says it. */
export const sealedKinds = {
  requests: { type: 'approvalContent', column: 'request', at: 3 },
  results: { type: 'approvalContent', column: 'result', at: 3 },
  deliveries: { type: 'delivery', column: 'payload', at: 3 },
  webhooks: { type: 'key', column: 'webhook', at: 18 },
} as const satisfies Record<string, SealedPlace>

/** How many characters the id of a host secret has. */
export const hostSecretIdLength = 8

/** A kind of what hangs on a secret of the host. */
export type SealedKind = keyof typeof sealedKinds

/** A kind of records that have something which hangs on a secret of the host. */
export type SealedType = (typeof sealedKinds)[SealedKind]['type']

/** How many of a kind hang on one secret of the host. */
export interface SealedCount {
  readonly kind: SealedKind
  readonly hostSecretId: string
  readonly count: number
}

/** Which records to look through: those of a kind, of all workspaces, by id. */
export interface SealedListRequest {
  readonly type: SealedType
  /** Only those whose id is above this one. */
  readonly after?: string
  readonly limit: number
}

/** On which secrets of the host a record hangs; on none where it has nothing of the kind. */
export interface SealedRow {
  readonly id: string
  readonly workspaceId: string
  readonly hostSecretIds: readonly string[]
}

/** Queries for the records sealed or derived under the host's secrets. */
export interface SealedQueries {
  /** How much of each kind hangs on each secret, in any order; only what is there. */
  countSealed(): MaybePromise<readonly SealedCount[]>
  /** All records of a kind, a page at a time, by id. */
  listSealed(request: SealedListRequest): MaybePromise<readonly SealedRow[]>
}

const kinds = Object.keys(sealedKinds) as SealedKind[]

/** Names the kinds that a kind of records has, in the order of their columns. */
export function sealedKindsOf(type: SealedType): readonly SealedKind[] {
  return kinds.filter((kind) => sealedKinds[kind].type === type)
}

/**
 * Reads on which secrets of the host a record hangs, and with what; for stores that have their records at hand.
 *
 * @example
 * ```ts
 * const delivery = (await store.findDelivery('ws_1', 'dlv_1'))!
 * for (const { kind, hostSecretId } of sealedParts('delivery', delivery)) console.log(kind, hostSecretId)
 * ```
 */
export function sealedParts<T extends SealedType>(
  type: T,
  record: Records[T],
): readonly Omit<SealedCount, 'count'>[] {
  return sealedKindsOf(type).flatMap((kind) => {
    const { column, at } = sealedKinds[kind]
    const text = (record as unknown as Readonly<Record<string, string | null>>)[column]
    return typeof text === 'string' && text.length >= at
      ? [{ kind, hostSecretId: text.slice(at - 1, at - 1 + hostSecretIdLength) }]
      : []
  })
}
