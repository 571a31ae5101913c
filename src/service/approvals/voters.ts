import { formatActor } from '../../core/actor.js'
import type { Actor } from '../../core/actor.js'
import type { ApprovalRecord, VoteRecord } from '../../core/approval.js'
import { isKeyrungError, KeyrungError } from '../../core/errors.js'
import { digestTexts } from '../../crypto/request-digest.js'
import type { Change } from '../../ports/change.js'
import type { ServiceContext } from '../context.js'
import { anyAddress, judgeCredential } from '../credential-status.js'
import { readKey, secretOf } from '../keys/found.js'
import { admitBy, demandYes } from '../management.js'
import { callerOf } from './caller.js'
import { demandReach, isOther } from './deciders.js'
import type { Decider } from './deciders.js'
import { handOf, isAkin, isKnownAkin } from './kinship.js'
import type { Hand } from './kinship.js'
import { toApprovalView } from './view.js'

/**
 * Makes the vote of a decider in the approval's current round: the first, or one about running it once more, which
 * goes by the fence.
 */
export function voteChange(
  record: ApprovalRecord,
  { actor, hand }: Decider,
  { at, reason }: { readonly at: number; readonly reason: string | null },
): Change {
  const by = formatActor(actor)
  const vote: VoteRecord = {
    id: voteId(record.id, currentRound(record), by, hand),
    workspaceId: record.workspaceId,
    version: 1,
    approvalId: record.id,
    keyId: record.keyId,
    actor: by,
    role: actor.type === 'user' ? actor.role : '',
    secretId: actor.type === 'principal' ? actor.principal.secretId : null,
    at,
    reason,
  }
  return { do: 'insert', type: 'vote', record: vote }
}

/** The first round approves; each later one is about running it again after so many claims. */
function currentRound({ status, fence }: ApprovalRecord): number {
  return status === 'unknown' ? fence + 1 : 0
}

/** The id of a vote: it is one of this round, by this actor, behind whom nobody else stood. */
export function voteId(approvalId: string, round: number, actor: string, { marks }: Hand): string {
  return digestTexts(['vote', approvalId, String(round), actor, ...[...marks].sort()])
}

/**
 * Refuses a decider who has voted in the approval's current round, also by another credential: a vote uses up
 * everyone who stands behind the voter. It holds for the version of the approval that was read, as each vote changes that.
 *
 * @returns how many have voted in this round
 * @throws KeyrungError `voted`
 */
export async function demandVoice(
  context: ServiceContext,
  { hand }: Decider,
  record: ApprovalRecord,
): Promise<number> {
  // Those of no known round are in the way as well.
  const votes = (await readVotes(context, record)).filter(({ round }) => !(round < currentRound(record)))
  if (votes.some((vote) => isKnownAkin(hand, vote.hand))) throw new KeyrungError('voted')
  return votes.length
}

/**
 * Asks again whether everyone who approved, or wanted it run again if that was decided last, may still decide, and still
 * is somebody else than whoever asked and the other voters: the checks to go into the commit that goes on from that, or
 * null where too few still may.
 *
 * @throws KeyrungError where it could not be found out: `hook_failed`, `store_unavailable`
 */
export async function checkVoters(
  context: ServiceContext,
  record: ApprovalRecord,
): Promise<readonly Change[] | null> {
  const votes = await readVotes(context, record)
  const last = Math.max(...votes.map(({ round }) => round))
  const checks: Change[] = []
  const hands: Hand[] = []
  for (const { vote, hand, round } of votes) {
    if (Number.isNaN(round)) return null
    if (round !== last) continue
    const held = await checkVoter(context, record, vote)
    if (held === null || !(await isOther(context, vote.actor, hand, record))) return null
    checks.push(...held)
    if (!hands.some((other) => isAkin(hand, other))) hands.push(hand)
  }
  return hands.length >= Math.max(record.quorum, 1) ? checks : null
}

interface ReadVote {
  readonly vote: VoteRecord
  readonly hand: Hand
  /** NaN: it is none of this approval, or others stand behind the voter than when it was given. */
  readonly round: number
}

async function readVotes(context: ServiceContext, record: ApprovalRecord): Promise<readonly ReadVote[]> {
  const votes: ReadVote[] = []
  for (const vote of await context.store.listVotes(record.id)) {
    const hand = await handOf(context, record.workspaceId, vote.actor)
    votes.push({ vote, hand, round: roundOf(record, vote, hand) })
  }
  return votes
}

function roundOf(record: ApprovalRecord, vote: VoteRecord, hand: Hand): number {
  if (vote.approvalId !== record.id || vote.workspaceId !== record.workspaceId) return NaN
  for (let round = record.fence + 1; round >= 0; round--) {
    if (vote.id === voteId(record.id, round, vote.actor, hand)) return round
  }
  return NaN
}

async function checkVoter(
  context: ServiceContext,
  record: ApprovalRecord,
  vote: VoteRecord,
): Promise<readonly Change[] | null> {
  const { canDecide } = context.approvalSettings
  const view = Object.freeze(toApprovalView(record))
  const ask = (actor: Actor) => canDecide(actor, 'approve', view)
  const [, type, id = ''] = /^(user|system|key):(.*)$/s.exec(vote.actor) ?? []
  const { workspaceId } = record
  try {
    if (type === 'key') return await checkKey(context, record, vote, id, ask)
    if (type === 'user' && context.rights.hasDirectory) {
      await admitBy(context, { type, id, workspaceId, role: vote.role }, 'canDecide', ask)
      return []
    }
    const actor: Actor =
      type === 'user'
        ? { type, id, workspaceId, role: await roleOf(context, record, vote) }
        : { type: 'system', name: id, workspaceId }
    await demandYes(context, 'canDecide', () => ask(Object.freeze(actor)))
    return []
  } catch (error) {
    if (isKeyrungError(error) && losing.has(error.code)) return null
    throw error
  }
}

/**
 * The role of a voter where no directory knows it: what the host said as the vote decided, for a run that is begun within
 * the time that one may take; else nobody knows.
 */
async function roleOf(
  { store, approvalSettings }: ServiceContext,
  record: ApprovalRecord,
  vote: VoteRecord,
): Promise<string> {
  const hasDecided = vote.actor === record.decidedBy && vote.at === record.decidedAt
  const isToday = record.status === 'executing' || (await store.now()) - vote.at < approvalSettings.runMs
  return hasDecided && isToday ? vote.role : ''
}

/** That somebody is not admitted; anything else says that it could not be found out. */
const losing: ReadonlySet<string> = new Set(['forbidden', 'input_invalid', 'credential_invalid'])

/** The key and the secret that it decided with have to be in force; the address it came from is a thing of the past. */
async function checkKey(
  context: ServiceContext,
  record: ApprovalRecord,
  vote: VoteRecord,
  keyId: string,
  ask: (actor: Actor) => ReturnType<ServiceContext['approvalSettings']['canDecide']>,
): Promise<readonly Change[]> {
  const row = await readKey(context, record.workspaceId, keyId)
  if (!row) throw new KeyrungError('forbidden')
  const { key } = row
  const secret = secretOf(row, vote.secretId)
  const status = judgeCredential({ key, secret }, context.clock.now(), anyAddress, context.keyFormat)
  if (status !== undefined) throw new KeyrungError('forbidden')
  const secretId = vote.secretId ?? ''
  const { principal } = callerOf(context, key, { secretId, address: null })
  await demandYes(context, 'canDecide', () => ask({ type: 'principal', principal }))
  await demandReach(context, key, secretId, record)
  return [{ do: 'check', type: 'key', id: key.id, version: key.version }]
}
