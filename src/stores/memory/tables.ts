import type { EventRecord } from '../../core/audit.js'
import type { KeyRecord, KeySecretRecord } from '../../core/key.js'
import type { MessageRecord, RecordType, Records } from '../../ports/change.js'
import { recordTypes } from '../columns.js'
import { compareText } from '../text-order.js'
import { ApprovalIndex } from './approval-index.js'
import { CredentialIndex } from './credential-index.js'
import { listName, OrderedLists } from './ordered-lists.js'
import { UsageTable } from './usage-table.js'

/** Change events by time, those of one instant by id. */
function compareEvents(a: Pick<EventRecord, 'at' | 'id'>, b: Pick<EventRecord, 'at' | 'id'>): number {
  return a.at - b.at || compareText(a.id, b.id)
}

/** The name of the list of messages that one destination gets. */
export function queueName(message: Pick<MessageRecord, 'kind' | 'destination'>): string {
  return listName(message.kind, message.destination)
}

/** All that a memory store keeps, and the indexes over it. */
export class Tables {
  readonly credentials = new CredentialIndex()
  readonly digests = new Map<string, string>()
  readonly counters = new Map<string, number>()
  readonly lastUses = new Map<string, number>()
  readonly usage = new UsageTable()
  readonly ending = new Set<string>()
  readonly approvals = new ApprovalIndex()
  readonly keyLists = new OrderedLists<string>(compareText)
  readonly eventLists = new OrderedLists<EventRecord>(compareEvents)
  readonly queues = new OrderedLists<string>(compareText)
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
    this.#indexed[type]?.(before as never, after as never)
  }

  readonly #indexed: {
    readonly [T in RecordType]?: (before: Records[T] | undefined, after: Records[T] | null) => void
  } = {
    key: (before, after) => this.#keyReplaced(before, after),
    secret: (before, after) => this.#secretReplaced(before, after),
    event: (before, after) => {
      if (before) this.eventLists.remove(before.workspaceId, before)
      if (after) this.eventLists.add(after.workspaceId, after)
    },
    message: (before, after) => {
      const [from, to] = [before ? [queueName(before)] : [], after ? [queueName(after)] : []]
      this.queues.move((after ?? before)!.id, from, to)
    },
    approval: (before, after) => this.approvals.approvalReplaced(before, after),
    vote: (before, after) => this.approvals.voteReplaced(before, after),
    delivery: (before, after) => this.approvals.deliveryReplaced(before, after),
  }

  #keyReplaced(before: KeyRecord | undefined, after: KeyRecord | null): void {
    if (!before && after) this.keyLists.add(after.workspaceId, after.id)
    if (before && !after) this.keyLists.remove(before.workspaceId, before.id)
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
