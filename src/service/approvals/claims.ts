import type { ApprovalRecord } from '../../core/approval.js'
import { KeyrungError } from '../../core/errors.js'
import { digestTexts } from '../../crypto/request-digest.js'
import type { Change } from '../../ports/change.js'
import type { ServiceContext } from '../context.js'

/** That a request under some name leads to one approval. */
export interface ApprovalClaim {
  readonly id: string
  readonly workspaceId: string
  readonly fingerprint: string
  /** The first instant at which it no longer holds. */
  readonly expiresAt: number
}

/** What there is under a claim: the approval that it leads to, if any, and the change that makes it lead to another. */
export interface FoundClaim {
  readonly approvalId: string | null
  /** The digest of what was asked for under it. */
  readonly fingerprint: string | null
  settle(approvalId: string): Change
}

/**
 * The claim of a credential to one approval under an `Idempotency-Key` of its choosing: a key is the same whichever of its
 * secrets it presents, and each access token is one of its own.
 */
export function claimByName(
  { workspaceId, keyId, tokenId }: Pick<ApprovalRecord, 'workspaceId' | 'keyId' | 'tokenId'>,
  name: string,
  rest: Pick<ApprovalClaim, 'fingerprint' | 'expiresAt'>,
): ApprovalClaim {
  const id = digestTexts(['approval by name', workspaceId, keyId, tokenId ?? '', name])
  return { id, workspaceId, ...rest }
}

/** The claim of a key to one pending approval of all that are equal. */
export function claimByDigest(
  { workspaceId, keyId }: Pick<ApprovalRecord, 'workspaceId' | 'keyId'>,
  { fingerprint, expiresAt }: Pick<ApprovalClaim, 'fingerprint' | 'expiresAt'>,
): ApprovalClaim {
  const id = digestTexts(['approval by digest', workspaceId, keyId, fingerprint])
  return { id, workspaceId, fingerprint, expiresAt }
}

/** @throws KeyrungError `store_unavailable` */
export async function findApprovalClaim(
  { store }: Pick<ServiceContext, 'store'>,
  claim: ApprovalClaim,
): Promise<FoundClaim> {
  const record = await store.findIdempotency(claim.id)
  if (record && (record.id !== claim.id || record.workspaceId !== claim.workspaceId)) {
    throw new KeyrungError('store_unavailable', { internal: 'the store answered with another claim' })
  }
  const { id, workspaceId, fingerprint, expiresAt } = claim
  if (!record) {
    return {
      approvalId: null,
      fingerprint: null,
      settle: (resultId) => ({
        do: 'insert',
        type: 'idempotency',
        record: { id, workspaceId, version: 1, fingerprint, resultId, expiresAt },
      }),
    }
  }
  const isOver = record.expiresAt <= (await store.now())
  return {
    approvalId: isOver ? null : record.resultId,
    fingerprint: isOver ? null : record.fingerprint,
    settle: (resultId) => ({
      do: 'update',
      type: 'idempotency',
      id,
      expectVersion: record.version,
      set: { fingerprint, resultId, expiresAt },
    }),
  }
}
