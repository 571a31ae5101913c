import { type ApprovalQueries, type ApprovalRecord, type DeliveryQueries, type DeliveryRecord } from 'keyrung'
import { sealedParts, type PurgeRequest, type Records, type RecordType } from 'keyrung'
import { type SealedCount, type Store } from 'keyrung'

/** By UTF-16 units, as `<` has it: never by a language's rules. */
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Says whether a record has what a request demands of it; what is left out demands nothing. */
function has<T>(record: T, demanded: { readonly [C in keyof T]?: T[C] | undefined }): boolean {
  return Object.entries(demanded).every(
    ([name, value]) => value === undefined || record[name as keyof T] === value,
  )
}

/**
 * What is asked about approvals and webhooks' deliveries.
 *
 * @param recordsOf the records of one kind
 */
export function approvalQueries(
  recordsOf: <T extends RecordType>(type: T) => Records[T][],
): ApprovalQueries & DeliveryQueries {
  return {
    findApproval: (workspaceId, id) => recordsOf('approval').find((one) => has(one, { workspaceId, id })),
    findApprovalContent: (workspaceId, id) =>
      recordsOf('approvalContent').find((one) => has(one, { workspaceId, id })),
    listApprovals: ({ before, limit, ...demanded }) =>
      recordsOf('approval')
        .filter((one) => has(one, demanded))
        .filter(({ id }) => before === undefined || compare(id, before) < 0)
        .sort((a, b) => compare(b.id, a.id))
        .slice(0, limit),
    listDueApprovals: ({ lane, now, after, limit }) =>
      recordsOf('approval')
        .flatMap((one) =>
          one.lane === lane && one.dueAt !== null ? [{ one, ...one, dueAt: one.dueAt }] : [],
        )
        .filter(({ dueAt }) => dueAt <= now)
        .filter(
          (due) => !after || due.dueAt > after.dueAt || (due.dueAt === after.dueAt && due.id > after.id),
        )
        .sort((a, b) => a.dueAt - b.dueAt || compare(a.id, b.id))
        .slice(0, limit)
        .map(({ one }) => one),
    listVotes: (approvalId) =>
      recordsOf('vote')
        .filter((vote) => has(vote, { approvalId }))
        .sort((a, b) => a.at - b.at || compare(a.id, b.id)),
    findDelivery: (workspaceId, id) => recordsOf('delivery').find((one) => has(one, { workspaceId, id })),
    listDeliveries: ({ before, limit, ...demanded }) =>
      recordsOf('delivery')
        .filter((one) => has(one, demanded))
        .filter(({ id }) => before === undefined || compare(id, before) < 0)
        .sort((a, b) => compare(b.id, a.id))
        .slice(0, limit),
    listDueDeliveries: ({ status, now, limit }) =>
      recordsOf('delivery')
        .filter((one) => one.status === status && one.dueAt <= now)
        .sort((a, b) => a.dueAt - b.dueAt || compare(a.id, b.id))
        .slice(0, limit),
  }
}

/**
 * What is asked about what hangs on the secrets of the host.
 *
 * @param recordsOf the records of one kind
 */
export function sealedQueries(
  recordsOf: <T extends RecordType>(type: T) => Records[T][],
): Pick<Store, 'countSealed' | 'listSealed'> {
  return {
    countSealed() {
      const counts = new Map<string, SealedCount>()
      for (const type of ['approvalContent', 'delivery', 'key'] as const) {
        for (const part of recordsOf(type).flatMap((record) => sealedParts(type, record))) {
          const name = `${part.kind} ${part.hostSecretId}`
          counts.set(name, { ...part, count: (counts.get(name)?.count ?? 0) + 1 })
        }
      }
      return [...counts.values()]
    },
    listSealed: ({ type, after = '', limit }) =>
      recordsOf(type)
        .filter(({ id }) => compare(id, after) > 0)
        .sort((a, b) => compare(a.id, b.id))
        .slice(0, limit)
        .map((record) => ({
          id: record.id,
          workspaceId: record.workspaceId,
          hostSecretIds: sealedParts(type, record).map(({ hostSecretId }) => hostSecretId),
        })),
  }
}

/** Takes out of all records what approvals have left behind; `isAll`: nothing that can go hangs on deleted keys any more. */
export function purgeApprovals(
  records: Map<string, Records[RecordType]>,
  { now, limit }: PurgeRequest,
): { readonly removed: number; readonly isAll: boolean } {
  const all = <T extends RecordType>(type: T) =>
    [...records].filter(([name]) => name.startsWith(`${type} `)).map(([, record]) => record as Records[T])
  const isGone = ({ keyId }: { readonly keyId: string }): boolean => records.has(`tombstone ${keyId}`)
  const isDue = ({ dueAt }: { readonly dueAt: number | null }): boolean => dueAt !== null && dueAt <= now
  function drop(approval: ApprovalRecord): void {
    for (const vote of all('vote')) if (vote.approvalId === approval.id) records.delete(`vote ${vote.id}`)
    records.delete(`approvalContent ${approval.id}`)
    records.delete(`approval ${approval.id}`)
  }
  function dropDeliveries(isOver: (delivery: DeliveryRecord) => boolean): number {
    const over = all('delivery').filter(isOver).slice(0, limit)
    for (const { id } of over) records.delete(`delivery ${id}`)
    return over.length
  }

  const ended = all('approval').filter(({ lane }) => lane === 'ended')
  const due = ended.filter(isDue).slice(0, limit)
  for (const approval of due) {
    if (!records.has(`key ${approval.keyId}`)) drop(approval)
    else {
      records.delete(`approvalContent ${approval.id}`)
      const { version } = approval
      records.set(`approval ${approval.id}`, { ...approval, version: version + 1, dueAt: null })
    }
  }
  const sent = (['delivered', 'given_up'] as const).map((status) =>
    dropDeliveries((one) => one.status === status && isDue(one)),
  )

  const orphans = ended.filter((one) => isGone(one) && records.has(`approval ${one.id}`)).slice(0, limit)
  for (const approval of orphans) drop(approval)
  const unsent = dropDeliveries(isGone)
  const removed = [due.length, ...sent, orphans.length, unsent].reduce((sum, n) => sum + n)
  return { removed, isAll: orphans.length < limit && unsent < limit }
}
