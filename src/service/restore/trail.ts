import type { AuditEvent } from '../../core/audit.js'
import { isLastPage } from '../../ports/unread.js'
import type { Store } from '../../ports/store.js'
import { readLine } from './line.js'

/** How many events are looked up at once. */
const batchSize = 500

/** The most events that one question answers. */
const pageSize = 200

/** What there is in a trail that the store does not have. */
export interface LostEvents {
  /** In the order in which they were made. */
  readonly events: readonly AuditEvent[]
  /** All workspaces of the trail. */
  readonly workspaces: ReadonlySet<string>
  readonly read: number
  readonly torn: number
}

/** The lines or events of a trail. */
export type Trail = AsyncIterable<string | AuditEvent> | Iterable<string | AuditEvent>

/**
 * Reads a trail and keeps what the store has forgotten: each event is part of the commit of its change, so where there is
 * no event, there is no change.
 *
 * @param from earlier events are passed over
 * @throws KeyrungError `store_unavailable`, and what the trail itself throws
 */
export async function findLost(
  store: Pick<Store, 'listEvents'>,
  trail: Trail,
  from: number,
  tell: (read: number, torn: number) => void,
): Promise<LostEvents> {
  const lost = new Map<string, AuditEvent>()
  const workspaces = new Set<string>()
  let batch: AuditEvent[] = []
  let read = 0
  let torn = 0

  async function look(): Promise<void> {
    for (const event of await missing(store, batch)) lost.set(event.id, event)
    batch = []
    tell(read, torn)
  }

  for await (const given of trail) {
    const line = typeof given === 'string' ? readLine(given) : given
    if (line === 'torn') torn++
    if (typeof line === 'string') continue
    read++
    workspaces.add(line.workspaceId)
    if (line.at >= from) batch.push(line)
    if (batch.length === batchSize) await look()
  }
  await look()
  const events = [...lost.values()].sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1))
  return { events, workspaces, read, torn }
}

async function missing(
  store: Pick<Store, 'listEvents'>,
  events: readonly AuditEvent[],
): Promise<readonly AuditEvent[]> {
  const known = new Set<string>()
  for (const workspaceId of new Set(events.map((event) => event.workspaceId))) {
    const instants = events.filter((event) => event.workspaceId === workspaceId).map(({ at }) => at)
    const range = { workspaceId, from: Math.min(...instants), to: Math.max(...instants) + 1 }
    for (let before: { at: number; id: string } | undefined; ;) {
      const page = await store.listEvents({ ...range, ...(before && { before }), limit: pageSize })
      for (const { id } of page) known.add(id)
      if (isLastPage(page, pageSize)) break
      const { at, id } = page.at(-1)!
      before = { at, id }
    }
  }
  return events.filter(({ id }) => !known.has(id))
}
