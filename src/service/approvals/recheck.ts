import type { ApprovalOutcome, ApprovalRecord } from '../../core/approval.js'
import type { DenyCode } from '../../core/decision.js'
import { evaluate } from '../../core/evaluate.js'
import type { KeyRow } from '../../core/key.js'
import type { Change } from '../../ports/change.js'
import type { Caller } from '../authenticate.js'
import { createAuthorizer } from '../authorize.js'
import type { ServiceContext } from '../context.js'
import { judgeCredential } from '../credential-status.js'
import { readKey, secretOf } from '../keys/found.js'
import { askerOf, demandOfApproval } from './caller.js'
import { checkVoters } from './voters.js'

/** Whether what was asked for may still be done, and on behalf of whom. */
export type Recheck =
  | {
      readonly ok: true
      /** Who asked, as its key is now. */
      readonly caller: Caller
      /** What has to hold still in the commit that goes on from this. */
      readonly checks: readonly Change[]
    }
  | { readonly ok: false; readonly outcome: ApprovalOutcome }

/**
 * Looks anew at all that an approved operation hangs on: the key that asked, its owner, the plan, and everyone who
 * approved.
 *
 * @throws KeyrungError where it could not be found out: `hook_failed`, `store_unavailable`
 */
export async function recheck(context: ServiceContext, record: ApprovalRecord): Promise<Recheck> {
  const asker = await recheckAsker(context, record)
  if (!asker.ok) return asker
  const voters = await checkVoters(context, record)
  if (voters === null) return { ok: false, outcome: 'approver_lost' }
  return { ...asker, checks: [...asker.checks, ...voters] }
}

/** The same for who asked alone, as whoever decides is only being asked. */
export async function recheckAsker(context: ServiceContext, record: ApprovalRecord): Promise<Recheck> {
  const row = await readKey(context, record.workspaceId, record.keyId)
  const lost = judgeKey(context, record, row)
  if (lost !== null) return { ok: false, outcome: lost }
  const { key } = row!
  const caller = askerOf(context, record, key)
  const layers = await createAuthorizer(context.rights).layersOf(caller)
  const decision = evaluate(demandOfApproval(context, record.permissions), layers)
  if (decision.effect === 'deny') return { ok: false, outcome: outcomeOf(decision.code) }
  return {
    ok: true,
    caller,
    checks: [{ do: 'check', type: 'key', id: key.id, version: key.version }],
  }
}

/**
 * Says why a key can no longer do what an approval is about, by what it is in itself; null: it can. What was asked with a
 * secret ends with that secret: after a leak, nobody knows who asked.
 */
export function judgeKey(
  context: Pick<ServiceContext, 'catalog' | 'clock' | 'keyFormat' | 'approvalSettings'>,
  record: ApprovalRecord,
  row: KeyRow | undefined,
): ApprovalOutcome | null {
  if (!row) return 'key_deleted'
  const { key } = row
  if (key.status !== 'active' || key.revocations !== record.keyRevocations) return 'key_revoked'
  const now = context.clock.now()
  const secret = secretOf(row, record.secretId)
  const status = judgeCredential({ key, secret }, now, record.address, context.keyFormat)
  if (status === 'key_expired' || status === 'secret_rotated') return status
  const isSame = key.environment === record.environment && key.ownerId === record.ownerId
  if (status !== undefined || !isSame) return 'key_changed'
  const { grant, part } = askerOf(context, record, key)
  const layers = { key: grant.levels, token: part?.levels }
  const decision = evaluate(demandOfApproval(context, record.permissions), layers)
  return decision.effect === 'deny' ? 'insufficient' : null
}

function outcomeOf(code: DenyCode): ApprovalOutcome {
  return code === 'not_entitled' || code === 'owner_insufficient' ? code : 'insufficient'
}
