import type { EventRecord } from '../../core/audit.js'
import type { EventListRequest } from '../../ports/audit-store.js'
import type { Tables } from './tables.js'

/** The change events that are asked for, newest first. */
export function listEvents(tables: Tables, request: EventListRequest): readonly EventRecord[] {
  const { actor, action, targetId, from = -Infinity, to = Infinity, before, limit } = request
  const events: EventRecord[] = []
  const list = tables.eventLists.find(request.workspaceId)
  if (!list || limit <= 0) return events
  // Below `to` is below every event at `to`, as no id is below the empty one.
  const bounds = [...(before ? [before] : []), ...(to < Infinity ? [{ at: to, id: '' }] : [])]
  const below = bounds.sort((a, b) => a.at - b.at)[0] as EventRecord | undefined
  for (const event of list.descending(below)) {
    if (event.at < from) break
    if (actor !== undefined && event.actor !== actor) continue
    if (action !== undefined && event.action !== action) continue
    if (targetId !== undefined && event.targetId !== targetId) continue
    if (events.push(event) >= limit) break
  }
  return events
}
