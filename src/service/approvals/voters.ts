import type { Actor } from '../../core/actor.js'
import type { ApprovalRecord, VoteRecord } from '../../core/approval.js'
import { isKeyrungError, KeyrungError } from '../../core/errors.js'
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
 * Refuses whoever has approved already, also by another credential: a vote uses up everyone who stands behind the voter.
 * It holds for the version of the approval that was read, as each vote changes that.
 *
 * @throws KeyrungError `voted`
 */
export async function demandVoice(
  context: ServiceContext,
  { hand }: Decider,
  record: ApprovalRecord,
): Promise<void> {
  for (const vote of await context.store.listVotes(record.id)) {
    if (!isVoteOn(record, vote)) continue
    const voter = await handOf(context, record.workspaceId, vote.actor)
    // A vote of which nobody knows any more whose it was counts for nothing when it comes to the run.
    if (isKnownAkin(hand, voter)) throw new KeyrungError('voted')
  }
}

/**
 * Asks again whether everyone who approved may still decide, and still is somebody else than whoever asked and the other
 * voters: the checks to go into the commit that goes on from that, or null where too few still may.
 *
 * @throws KeyrungError where it could not be found out: `hook_failed`, `store_unavailable`
 */
export async function checkVoters(
  context: ServiceContext,
  record: ApprovalRecord,
): Promise<readonly Change[] | null> {
  const checks: Change[] = []
  const hands: Hand[] = []
  for (const vote of await context.store.listVotes(record.id)) {
    const held = isVoteOn(record, vote) ? await checkVoter(context, record, vote) : null
    if (held === null) return null
    checks.push(...held)
    const hand = await handOf(context, record.workspaceId, vote.actor)
    if (!(await isOther(context, vote.actor, hand, record))) return null
    if (!hands.some((other) => isAkin(hand, other))) hands.push(hand)
  }
  return hands.length >= Math.max(record.quorum, 1) ? checks : null
}

function isVoteOn(record: ApprovalRecord, vote: VoteRecord): boolean {
  return vote.approvalId === record.id && vote.workspaceId === record.workspaceId
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
    const actor: Actor =
      type === 'user' ? { type, id, workspaceId, role: vote.role } : { type: 'system', name: id, workspaceId }
    await admitBy(context, actor, 'canDecide', ask)
    return []
  } catch (error) {
    if (isKeyrungError(error) && losing.has(error.code)) return null
    throw error
  }
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
