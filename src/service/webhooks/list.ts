import * as z from 'zod/mini'
import { workspaceOf } from '../../core/actor.js'
import type { Actor } from '../../core/actor.js'
import type { DeliveryRecord, DeliveryStatus } from '../../core/delivery.js'
import { invalid, KeyrungError } from '../../core/errors.js'
import { isId } from '../../core/id.js'
import { nextIdOf } from '../../ports/unread.js'
import type { ServiceContext } from '../context.js'
import { formatCursor, parseCursor } from '../cursor.js'
import { countUpTo, objectOf, oneOf, readFields } from '../keys/fields.js'
import { admitActor } from '../management.js'
import type { DeliveryView } from './view.js'
import { toDeliveryView } from './view.js'

/** Which deliveries to list; what is left out does not narrow. */
export interface ListDeliveriesInput {
  readonly status?: DeliveryStatus | undefined
  readonly keyId?: string | undefined
  readonly approvalId?: string | undefined
  /** The `next` of the page before. */
  readonly cursor?: string | undefined
  /** 1 to 100; 25 unless said otherwise. */
  readonly limit?: number | undefined
}

/** One page of deliveries, newest first. */
export interface DeliveryPage {
  readonly deliveries: readonly DeliveryView[]
  /** The next page's cursor; null on the last. */
  readonly next: string | null
}

const usualLimit = 25
const mostLimit = 100

const idOf = (kind: 'key' | 'apr', of: string) =>
  z.custom<string>((value) => isId(kind, value), { error: `must be the id of ${of}` })

const listing = objectOf({
  status: z.optional(oneOf(['waiting', 'delivered', 'given_up'])),
  keyId: z.optional(idOf('key', 'a key')),
  approvalId: z.optional(idOf('apr', 'an approval')),
  cursor: z.optional(
    z.custom<string>((value) => idAt(value) !== undefined, { error: 'must be the `next` of another page' }),
  ),
  limit: z.optional(countUpTo(mostLimit)),
})

/** Lists what was sent to the webhooks of the actor's own workspace, a page at a time. */
export async function listDeliveries(
  context: ServiceContext,
  given: Actor,
  input: unknown,
): Promise<DeliveryPage> {
  const actor = await admitActor(context, given, 'list')
  const { value, faults } = readFields(listing, input === undefined ? {} : input)
  if (!value) throw invalid('input_invalid', faults)
  const { cursor, limit = usualLimit, status, keyId, approvalId } = value
  const workspaceId = workspaceOf(actor)
  const before = idAt(cursor)
  const records = await context.store.listDeliveries({
    workspaceId,
    ...(status && { status }),
    ...(keyId && { keyId }),
    ...(approvalId && { approvalId }),
    ...(before && { before }),
    limit: limit + 1,
  })
  const shown = records.slice(0, limit).map((record) => ofWorkspace(record, workspaceId))
  const next = nextIdOf(records, limit, (i) => records[i]!.id)
  return { deliveries: shown.map(toDeliveryView), next: next === null ? null : formatCursor([next]) }
}

/** Lets a record through that belongs to a workspace. */
export function ofWorkspace(record: DeliveryRecord, workspaceId: string): DeliveryRecord {
  if (record.workspaceId === workspaceId) return record
  throw new KeyrungError('store_unavailable', {
    internal: 'the store answered with a delivery of another workspace',
  })
}

function idAt(cursor: unknown): string | undefined {
  const position = parseCursor(cursor)
  return position?.length === 1 && isId('dlv', position[0]) ? position[0] : undefined
}
