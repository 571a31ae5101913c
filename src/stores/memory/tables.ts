import type { EventRecord } from '../../core/audit.js'
import type { KeyRecord, KeySecretRecord } from '../../core/key.js'
import type { MessageRecord, RecordType, Records } from '../../ports/change.js'
import { recordTypes } from '../columns.js'
import { compareText } from '../text-order.js'
import { CredentialIndex } from './credential-index.js'
import { OrderedList } from './ordered-list.js'
import { UsageTable } from './usage-table.js'

/** Change events by time, those of one instant by id. */
function compareEvents(a: Pick<EventRecord, 'at' | 'id'>, b: Pick<EventRecord, 'at' | 'id'>): number {
  return a.at - b.at || compareText(a.id, b.id)
}

/** The name of the list of messages that one destination gets. */
export function queueName(message: Pick<MessageRecord, 'kind' | 'destination'>): string {
  return `${message.kind}:${message.destination}`
}

/** All that a memory store keeps, and the indexes over it. */
export class Tables {
  readonly credentials = new CredentialIndex()
  readonly digests = new Map<string, string>()
  readonly counters = new Map<string, number>()
  readonly lastUses = new Map<string, number>()
  readonly usage = new UsageTable()
  readonly ending = new Set<string>()
  readonly keyLists = new Map<string, OrderedList<string>>()
  readonly eventLists = new Map<string, OrderedList<EventRecord>>()
  readonly queues = new Map<string, OrderedList<string>>()
  readonly #tables = new Map<RecordType, Map<string, unknown>>(recordTypes.map((type) => [type, new Map()]))

  all<T extends RecordType>(type: T): ReadonlyMap<string, Records[T]> {
    return this.#tables.get(type) as ReadonlyMap<string, Records[T]>
  }

  find<T extends RecordType>(type: T, id: string): Records[T] | undefined {
    return this.all(type).get(id)
  }

  /** Puts a record in the place of its earlier version, or takes it away. */
  replace(type: RecordType, id: string, after: Records[RecordType] | null): void {
    const table = this.#tables.get(type)!
    const before = table.get(id)
    if (after) table.set(id, after)
    else table.delete(id)
    if (before === undefined && !after) return
    if (type === 'key') this.#keyReplaced(before as KeyRecord | undefined, after as KeyRecord | null)
    else if (type === 'secret')
      this.#secretReplaced(before as KeySecretRecord | undefined, after as KeySecretRecord | null)
    else if (type === 'event') {
      const list = (event: EventRecord) =>
        listOf<EventRecord>(this.eventLists, event.workspaceId, compareEvents)
      if (before) list(before as EventRecord).remove(before as EventRecord)
      if (after) list(after as EventRecord).add(after as EventRecord)
    } else if (type === 'message') {
      const list = (message: MessageRecord) => listOf(this.queues, queueName(message), compareText)
      if (before) list(before as MessageRecord).remove(id)
      if (after) list(after as MessageRecord).add(id)
    }
  }

  #keyReplaced(before: KeyRecord | undefined, after: KeyRecord | null): void {
    if (!before && after) listOf(this.keyLists, after.workspaceId, compareText).add(after.id)
    if (before && !after) listOf(this.keyLists, before.workspaceId, compareText).remove(before.id)
    this.credentials.keyChanged(before, after ?? undefined)
  }

  #secretReplaced(before: KeySecretRecord | undefined, after: KeySecretRecord | null): void {
    const id = (after ?? before)!.id
    if (before && this.digests.get(before.digest) === id) this.digests.delete(before.digest)
    if (after) this.digests.set(after.digest, id)
    if (after && after.endsAt !== null) this.ending.add(id)
    else this.ending.delete(id)
    const key = after ? this.find('key', after.keyId) : undefined
    this.credentials.secretChanged(before, after ?? undefined, key)
  }
}

function listOf<T>(
  lists: Map<string, OrderedList<T>>,
  name: string,
  compare: (a: T, b: T) => number,
): OrderedList<T> {
  let list = lists.get(name)
  if (!list) lists.set(name, (list = new OrderedList(compare)))
  return list
}
