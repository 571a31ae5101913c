import type { ApprovalLane, ApprovalRecord } from '../../core/approval.js'
import type { MaybePromise } from '../../core/maybe-promise.js'
import type { Store } from '../../ports/store.js'

/** The most approvals that one query answers. */
const pageSize = 50

/** The most queries of one look for work: the next look goes on where this one ended. */
const mostPages = 10

/** Goes through the approvals that are due, over several looks where there are many of them that cannot be taken up. */
export interface DueScan {
  /**
   * Looks at what is due, oldest first, until `take` says that it has enough; `now` is the store's.
   *
   * @returns false where there was more to look at than one look may
   * @throws KeyrungError `store_unavailable`
   */
  look(take: (record: ApprovalRecord, now: number) => MaybePromise<'more' | 'enough'>): Promise<boolean>
}

/** Makes a scan of lanes; what is passed over holds up nothing behind it. */
export function createDueScan(
  { store }: { readonly store: Pick<Store, 'listDueApprovals' | 'now'> },
  lanes: () => readonly ApprovalLane[],
): DueScan {
  /** Where the last look ended without having seen all of a lane. */
  const places = new Map<ApprovalLane, { readonly dueAt: number; readonly id: string }>()
  let first = 0

  return {
    async look(take) {
      const all = lanes()
      // Each lane is the first in its turn, so that a flood in one keeps the others waiting for one look at most.
      const start = first++ % Math.max(1, all.length)
      let pages = 0
      for (const lane of [...all.slice(start), ...all.slice(0, start)]) {
        for (;;) {
          if (++pages > mostPages) return false
          const after = places.get(lane)
          const now = await store.now()
          const request = { lane, now, limit: pageSize, ...(after && { after }) }
          const due = await store.listDueApprovals(request)
          for (const record of due) {
            if ((await take(record, now)) === 'more') continue
            places.delete(lane)
            return true
          }
          const last = due.at(-1)
          if (last === undefined || due.length < pageSize) {
            places.delete(lane)
            break
          }
          places.set(lane, { dueAt: last.dueAt!, id: last.id })
        }
      }
      return true
    },
  }
}
