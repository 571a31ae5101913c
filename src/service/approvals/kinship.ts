import type { ApprovalRecord } from '../../core/approval.js'
import type { KeyRecord } from '../../core/key.js'
import { isId } from '../../core/id.js'
import type { ServiceContext } from '../context.js'
import { readKey } from '../keys/found.js'

/** How far a key's making is followed back: longer chains are not known to their end. */
const longestLineage = 16

/** What stands for the rest of a chain that is not known. */
const unknownRest = '?'

/** A key and those it was made by, nearest first. */
export interface Lineage {
  /** Their ids, separated by one space; a last `?`: the rest is not known. */
  readonly text: string
  /** The users that own any of them. */
  readonly ownerIds: ReadonlySet<string>
  /** Who made the first of them, as `type:id`; null: it is not known. */
  readonly madeBy: string | null
}

/**
 * Follows a key's making back to whoever made the first, as far as it can be read.
 *
 * @throws KeyrungError `store_unavailable`
 */
export async function readLineage(context: Pick<ServiceContext, 'store'>, key: KeyRecord): Promise<Lineage> {
  const ids = [key.id]
  const ownerIds = new Set<string>()
  let last: KeyRecord | undefined = key
  while (last) {
    if (last.ownerId !== null) ownerIds.add(last.ownerId)
    const parentId: string | undefined = /^key:(.*)$/s.exec(last.createdBy)?.[1]
    if (parentId === undefined) return { text: ids.join(' '), ownerIds, madeBy: last.createdBy }
    const isNew: boolean = isId('key', parentId) && !ids.includes(parentId) && ids.length < longestLineage
    last = isNew ? await readKey(context, key.workspaceId, parentId).then((row) => row?.key) : undefined
    if (last) ids.push(last.id)
  }
  return { text: [...ids, unknownRest].join(' '), ownerIds, madeBy: null }
}

/**
 * Says whether two credentials come from one hand: a key in both chains, or an owner of both. Where a chain is not
 * known to its end, they count as if they did.
 */
export function isAkin(one: Lineage, other: Lineage): boolean {
  const ids = new Set(one.text.split(' '))
  return (
    one.madeBy === null ||
    other.madeBy === null ||
    other.text.split(' ').some((id) => ids.has(id)) ||
    [...other.ownerIds].some((id) => one.ownerIds.has(id))
  )
}

/**
 * Whose voice a credential is: its owner's, that of the user who made the first of its chain, else that first key's
 * own, so that nobody votes twice by having several.
 */
export function voiceOf({ text, madeBy }: Lineage, key: KeyRecord): string {
  if (key.ownerId !== null) return `user:${key.ownerId}`
  if (madeBy?.startsWith('user:')) return madeBy
  return `key:${text.split(' ').at(-1)!}`
}

/**
 * The chain of whoever asked, as it was when it asked, with the owners of today.
 *
 * @throws KeyrungError `store_unavailable`
 */
export async function askersLineage(
  context: Pick<ServiceContext, 'store'>,
  record: Pick<ApprovalRecord, 'workspaceId' | 'lineage' | 'ownerId'>,
): Promise<Lineage> {
  const ids = record.lineage.split(' ')
  const ownerIds = new Set<string>()
  if (record.ownerId !== null) ownerIds.add(record.ownerId)
  let isKnown = true
  for (const id of ids) {
    const row = await readKey(context, record.workspaceId, id)
    // Whose a key was that is gone cannot be told any more.
    if (!row) isKnown = false
    else if (row.key.ownerId !== null) ownerIds.add(row.key.ownerId)
  }
  return { text: record.lineage, ownerIds, madeBy: isKnown ? '' : null }
}
