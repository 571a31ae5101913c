import type { ApprovalRecord } from '../../core/approval.js'
import type { KeyRecord } from '../../core/key.js'
import { isId } from '../../core/id.js'
import type { ServiceContext } from '../context.js'
import { readKey } from '../keys/found.js'

type Needs = Pick<ServiceContext, 'store'>

/** How far a key's making is followed back: longer chains are not known to their end. */
const longestLineage = 16

/** What stands for the rest of a chain that is not known. */
const unknownRest = '?'

/** Who stands behind a key, a user or a job. */
export interface Hand {
  /**
   * As `type:id`: of a key itself, the keys it was made by, and its parties: the users that own any of these or have made
   * the first. Of a user or a job, itself.
   */
  readonly marks: ReadonlySet<string>
  /** False: others may stand behind it too. */
  readonly isKnown: boolean
}

/** A key and those it was made by. */
export interface Lineage {
  /** Their ids, nearest first, separated by one space; a last `?`: the rest is not known. */
  readonly text: string
  readonly hand: Hand
}

/**
 * Follows a key's making back to whoever made the first, as far as it can be read.
 *
 * @throws KeyrungError `store_unavailable`
 */
export async function readLineage(context: Needs, key: KeyRecord): Promise<Lineage> {
  const ids = [key.id]
  const marks = new Set<string>()
  let last: KeyRecord | undefined = key
  while (last) {
    addMarks(marks, last)
    const parentId: string | undefined = keyIdOf(last.createdBy)
    if (parentId === undefined) return { text: ids.join(' '), hand: { marks, isKnown: true } }
    const isNew: boolean = isId('key', parentId) && !ids.includes(parentId) && ids.length < longestLineage
    last = isNew ? await readKey(context, key.workspaceId, parentId).then((row) => row?.key) : undefined
    if (last) ids.push(last.id)
  }
  return { text: [...ids, unknownRest].join(' '), hand: { marks, isKnown: false } }
}

/**
 * Reads who asked: the chain as it was then, with the owners of today.
 *
 * @throws KeyrungError `store_unavailable`
 */
export async function askersHand(
  context: Needs,
  { workspaceId, lineage, ownerId }: Pick<ApprovalRecord, 'workspaceId' | 'lineage' | 'ownerId'>,
): Promise<Hand> {
  const marks = new Set<string>()
  if (ownerId !== null) marks.add(`user:${ownerId}`)
  let isKnown = true
  for (const id of lineage.split(' ')) {
    const key = (await readKey(context, workspaceId, id))?.key
    // Whose a key was that is gone cannot be told any more.
    if (key) addMarks(marks, key)
    else isKnown = false
    marks.add(`key:${id}`)
  }
  return { marks, isKnown }
}

/**
 * Reads who stands behind an actor, as records keep it: `type:id`.
 *
 * @throws KeyrungError `store_unavailable`
 */
export async function handOf(context: Needs, workspaceId: string, actor: string): Promise<Hand> {
  const keyId = keyIdOf(actor)
  if (keyId === undefined) return { marks: new Set([actor]), isKnown: true }
  const key = (await readKey(context, workspaceId, keyId))?.key
  return key ? (await readLineage(context, key)).hand : { marks: new Set([actor]), isKnown: false }
}

/** Says whether somebody stands behind both; where that is not known of one, it counts as so. */
export function isAkin(one: Hand, other: Hand): boolean {
  return !one.isKnown || !other.isKnown || isKnownAkin(one, other)
}

/** Says whether somebody is known to stand behind both. */
export function isKnownAkin(one: Hand, other: Hand): boolean {
  return [...one.marks].some((mark) => other.marks.has(mark))
}

/** The id of a key that is an actor, as `type:id`. */
function keyIdOf(actor: string): string | undefined {
  return /^key:(.*)$/s.exec(actor)?.[1]
}

function addMarks(marks: Set<string>, { id, ownerId, createdBy }: KeyRecord): void {
  marks.add(`key:${id}`)
  if (ownerId !== null) marks.add(`user:${ownerId}`)
  // A job of the host's makes keys for many hands.
  if (createdBy.startsWith('user:')) marks.add(createdBy)
}
