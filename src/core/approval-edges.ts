import { hasEnded } from './approval.js'
import type { ApprovalLane, ApprovalOutcome, ApprovalRecord, ApprovalStatus } from './approval.js'

/** Something that is to happen to an approval; instants are milliseconds since 1970. */
export type ApprovalStep =
  | {
      readonly edge: 'vote' | 'approve'
      readonly at: number
      readonly by: string
      readonly reason: string | null
    }
  /** A human wants an unknown run once more, and others still have to. */
  | {
      readonly edge: 'vote-again'
      readonly at: number
      readonly by: string
      readonly reason: string | null
    }
  | {
      readonly edge: 'reject'
      readonly at: number
      readonly by: string
      readonly reason: string
      readonly purgeAt: number
    }
  | { readonly edge: 'expire'; readonly at: number; readonly purgeAt: number }
  | {
      readonly edge: 'cancel'
      readonly at: number
      /** Null where nobody did, but what the approval hung on is gone. */
      readonly by: string | null
      readonly outcome: ApprovalOutcome
      readonly reason: string | null
      readonly purgeAt: number
    }
  | {
      readonly edge: 'outdate'
      readonly at: number
      readonly outcome: ApprovalOutcome
      readonly fence: number
      readonly purgeAt: number
    }
  | { readonly edge: 'claim'; readonly at: number; readonly leaseEndsAt: number }
  | { readonly edge: 'renew'; readonly fence: number; readonly leaseEndsAt: number }
  | {
      readonly edge: 'succeed' | 'fail'
      readonly at: number
      readonly outcome: ApprovalOutcome
      readonly fence: number
      readonly resultStatus: number | null
      readonly purgeAt: number
    }
  | {
      readonly edge: 'lose'
      readonly at: number
      readonly outcome: ApprovalOutcome
      readonly fence: number
      readonly resultStatus: number | null
    }
  /** After a restore nobody knows whether it has run since. */
  | { readonly edge: 'forget'; readonly at: number }
  /** After a restore a trail tells how it ended. */
  | {
      readonly edge: 'recover'
      readonly at: number
      readonly as: ApprovalStatus
      readonly by: string
      readonly outcome: ApprovalOutcome | null
      readonly reason: string | null
      readonly purgeAt: number
    }
  /** A human says how an unknown run ended, or has it run again. */
  | {
      readonly edge: 'resolve'
      readonly at: number
      readonly by: string
      readonly as: 'succeeded' | 'failed' | 'again'
      readonly reason: string | null
      readonly purgeAt: number
    }

/** The write that makes a step: the columns, and the instant before which it has to be committed. */
export interface ApprovalPlan {
  readonly set: Partial<Omit<ApprovalRecord, 'id' | 'workspaceId' | 'version'>>
  readonly before?: number
}

/** Whose turn it is once an approval is approved. */
export function runLaneOf({ kind, app }: Pick<ApprovalRecord, 'kind' | 'app'>): ApprovalLane {
  return kind === 'replay' ? `app:${app}` : 'named'
}

/**
 * Works out what a step writes to an approval as it was read; `null` where there is no such way from where it stands.
 * The write is to be made only over the version that was read.
 */
export function planStep(record: ApprovalRecord, step: ApprovalStep): ApprovalPlan | null {
  const { status } = record
  switch (step.edge) {
    case 'vote':
    case 'approve':
      return status === 'pending' && step.at < record.expiresAt ? planVote(record, step) : null
    case 'reject':
      if (status !== 'pending' || step.at >= record.expiresAt) return null
      return {
        set: {
          ...ended('rejected', step, null),
          decidedAt: step.at,
          decidedBy: step.by,
          reason: step.reason,
        },
        before: record.expiresAt,
      }
    case 'expire':
      return status === 'pending' && step.at >= record.expiresAt
        ? { set: ended('expired', step, null) }
        : null
    case 'cancel': {
      if (status !== 'pending' && status !== 'approved') return null
      const { at, by, reason, outcome } = step
      return { set: { ...ended('cancelled', step, outcome), decidedAt: at, decidedBy: by, reason } }
    }
    case 'outdate':
      if (status !== 'pending' && status !== 'approved' && !isHeld(record, step.fence)) return null
      return { set: ended('stale', step, step.outcome) }
    case 'claim':
      return planClaim(record, step)
    case 'renew':
      return isHeld(record, step.fence) ? { set: { dueAt: step.leaseEndsAt } } : null
    case 'succeed':
    case 'fail':
      if (!isHeld(record, step.fence)) return null
      return {
        set: {
          ...ended(step.edge === 'succeed' ? 'succeeded' : 'failed', step, step.outcome),
          resultStatus: step.resultStatus,
        },
      }
    case 'lose':
      if (!isHeld(record, step.fence)) return null
      return {
        set: {
          status: 'unknown',
          lane: 'none',
          dueAt: null,
          outcome: step.outcome,
          resultStatus: step.resultStatus,
        },
      }
    case 'forget':
      if (status === 'unknown' || hasEnded(status)) return null
      return {
        set: { status: 'unknown', lane: 'none', dueAt: null, outcome: 'restored', resultStatus: null },
      }
    case 'recover': {
      if (hasEnded(status) || !hasEnded(step.as)) return null
      const { at, by, reason } = step
      const decided = isDecision(step.as) ? { decidedAt: at, decidedBy: by, reason } : {}
      return { set: { ...decided, ...ended(step.as, step, step.outcome) } }
    }
    case 'vote-again':
      return status === 'unknown' ? { set: decidedBy(step) } : null
    case 'resolve':
      return status === 'unknown' ? planResolution(record, step) : null
  }
}

type StepOf<E extends ApprovalStep['edge']> = Extract<ApprovalStep, { readonly edge: E }>

/** The vote that completes the quorum approves; one before it only counts. */
function planVote(
  record: ApprovalRecord,
  { at, by, reason, edge }: StepOf<'vote' | 'approve'>,
): ApprovalPlan | null {
  const votes = record.votes + 1
  const isEnough = votes >= record.quorum
  if (isEnough !== (edge === 'approve')) return null
  const decided = { votes, decidedAt: at, decidedBy: by, reason }
  const set = isEnough
    ? { ...decided, status: 'approved' as const, lane: runLaneOf(record), dueAt: at }
    : decided
  return { set, before: record.expiresAt }
}

/** A run that was begun is taken over only after its lease, and only where it may be repeated. */
function planClaim(record: ApprovalRecord, { at, leaseEndsAt }: StepOf<'claim'>): ApprovalPlan | null {
  const { status, dueAt, effect } = record
  const isOpen = status === 'approved' || (status === 'executing' && effect !== 'unsafe')
  if (!isOpen || dueAt === null || at < dueAt) return null
  return {
    set: {
      status: 'executing',
      dueAt: leaseEndsAt,
      fence: record.fence + 1,
      startedAt: record.startedAt ?? at,
    },
  }
}

function planResolution(record: ApprovalRecord, step: StepOf<'resolve'>): ApprovalPlan {
  const decided = decidedBy(step)
  if (step.as === 'again') {
    const again = { status: 'approved' as const, lane: runLaneOf(record), dueAt: step.at }
    return { set: { ...decided, ...again, outcome: null, resultStatus: null } }
  }
  const outcome = step.as === 'succeeded' ? 'marked_done' : 'marked_failed'
  return { set: { ...decided, ...ended(step.as, step, outcome) } }
}

/** Says whether somebody has ended it, and not the run or the time. */
function isDecision(status: ApprovalStatus): boolean {
  return status === 'rejected' || status === 'cancelled'
}

function decidedBy({ at, by, reason }: StepOf<'vote-again' | 'resolve'>): ApprovalPlan['set'] {
  return { decidedAt: at, decidedBy: by, reason }
}

function isHeld({ status, fence }: ApprovalRecord, held: number): boolean {
  return status === 'executing' && fence === held
}

function ended(
  status: ApprovalStatus,
  { at, purgeAt }: { readonly at: number; readonly purgeAt: number },
  outcome: ApprovalOutcome | null,
): ApprovalPlan['set'] {
  return { status, outcome, lane: 'ended', dueAt: purgeAt, endedAt: at }
}
