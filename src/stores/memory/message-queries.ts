import type { MessageRecord } from '../../ports/change.js'
import type { DueRequest } from '../../ports/outbox-store.js'
import { queueName } from './tables.js'
import type { Tables } from './tables.js'

/** The messages of a destination that are due, oldest first. */
export function listDueMessages(tables: Tables, request: DueRequest): readonly MessageRecord[] {
  const messages: MessageRecord[] = []
  if (request.limit <= 0) return messages
  for (const id of tables.queues.find(queueName(request))?.ascending() ?? []) {
    const message = tables.find('message', id)!
    if (message.dueAt <= request.now && messages.push(message) >= request.limit) break
  }
  return messages
}

/** How many messages wait, by destination. */
export function countMessages(tables: Tables): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { destination } of tables.all('message').values()) {
    counts.set(destination, (counts.get(destination) ?? 0) + 1)
  }
  return counts
}
