import * as z from 'zod/mini'
import { workspaceOf } from '../../core/actor.js'
import type { Actor } from '../../core/actor.js'
import { invalid } from '../../core/errors.js'
import { isId } from '../../core/id.js'
import { isInstant } from '../../core/time.js'
import type { KeyFilter } from '../../ports/key-store.js'
import { nextIdOf } from '../../ports/unread.js'
import type { ServiceContext } from '../context.js'
import { formatCursor, parseCursor } from '../cursor.js'
import { admitActor } from '../management.js'
import { countUpTo, hostText, objectOf, oneOf, readFields, searchText } from './fields.js'
import { inWorkspace } from './found.js'
import { expiringMs, toKeyView } from './view.js'
import type { KeyView } from './view.js'

/** Which keys to list; what is left out does not narrow. */
export interface ListKeysInput {
  /** As of now; `expiring`: active, and expires within 14 days. */
  readonly status?: 'active' | 'expiring' | 'expired' | 'revoked' | undefined
  /** Only keys that expire before this instant, in milliseconds since 1970; those that never expire are not among them. */
  readonly expiresBefore?: number | undefined
  /** Only keys of this owner. */
  readonly ownerId?: string | undefined
  /** Only keys that this actor has created, as `type:id`, such as `user:ann`. */
  readonly createdBy?: string | undefined
  /** Part of the name in any case, the last four characters of a secret, or the whole id. */
  readonly text?: string | undefined
  /** The `next` of the page before. */
  readonly cursor?: string | undefined
  /** 1 to 100; 25 unless said otherwise. */
  readonly limit?: number | undefined
}

/** One page of keys, newest first. */
export interface KeyPage {
  readonly keys: readonly KeyView[]
  /** The next page's cursor; null on the last. */
  readonly next: string | null
}

const usualLimit = 25
const mostLimit = 100

const isCursor = (value: unknown): value is string => idAt(value) !== undefined

const listing = objectOf({
  status: z.optional(oneOf(['active', 'expiring', 'expired', 'revoked'])),
  expiresBefore: z.optional(z.custom<number>(isInstant, { error: 'must be an instant' })),
  ownerId: z.optional(hostText),
  createdBy: z.optional(hostText),
  text: z.optional(searchText),
  cursor: z.optional(z.custom<string>(isCursor, { error: 'must be the `next` of another page' })),
  limit: z.optional(countUpTo(mostLimit)),
})

/** Lists the keys of the actor's own workspace, a page at a time. */
export async function listKeys(context: ServiceContext, given: Actor, input: unknown): Promise<KeyPage> {
  const actor = await admitActor(context, given, 'list')
  const { value, faults } = readFields(listing, input === undefined ? {} : input)
  if (!value) throw invalid('input_invalid', faults)
  const { status, text, cursor, limit = usualLimit, expiresBefore, ownerId, createdBy } = value
  const workspaceId = workspaceOf(actor)
  const before = idAt(cursor)
  const rows = await context.store.listKeys({
    workspaceId,
    ...(ownerId && { ownerId }),
    ...(createdBy && { createdBy }),
    ...filterOf(status, context.clock.now(), expiresBefore),
    ...(text && { text: text.toLowerCase() }),
    ...(before && { before }),
    // One more than is shown tells whether there is another page.
    limit: limit + 1,
  })
  const now = context.clock.now()
  const keys = rows
    .slice(0, limit)
    .map((row) => toKeyView(context.catalog, inWorkspace(row, workspaceId), now, context.notify))
  const next = nextIdOf(rows, limit, (i) => keys[i]!.id)
  return { keys, next: next === null ? null : formatCursor([next]) }
}

/** What a status as of now is in a store, where time changes nothing. */
function filterOf(
  status: ListKeysInput['status'],
  now: number,
  expiresBefore = Infinity,
): Pick<KeyFilter, 'status' | 'expiresBefore' | 'expiresFrom'> {
  const end = status === 'expired' ? now + 1 : status === 'expiring' ? now + expiringMs + 1 : Infinity
  const before = Math.min(end, expiresBefore)
  return {
    ...(status && { status: status === 'revoked' ? 'revoked' : 'active' }),
    ...((status === 'active' || status === 'expiring') && { expiresFrom: now + 1 }),
    ...(before !== Infinity && { expiresBefore: before }),
  }
}

function idAt(cursor: unknown): string | undefined {
  const position = parseCursor(cursor)
  return position?.length === 1 && isId('key', position[0]) ? position[0] : undefined
}
