import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { planStep, runLaneOf } from '../../src/core/approval-edges.js'
import type { ApprovalStep } from '../../src/core/approval-edges.js'
import { approvalEffects, approvalStatuses, hasEnded } from '../../src/core/approval.js'
import type { ApprovalEffect, ApprovalRecord, ApprovalStatus } from '../../src/core/approval.js'
import { makeApproval, someInstant as start } from '../../src/testing/suite/records.js'

const expiresAt = start + 1_000
const purgeAt = start + 90_000
const fence = 3

/** An approval as it stands in each status, with what led there. */
const standing: Readonly<Record<ApprovalStatus, Partial<ApprovalRecord>>> = {
  pending: { lane: 'pending', dueAt: expiresAt, fence: 0 },
  approved: { lane: 'app:main', dueAt: start, votes: 1, decidedBy: 'user:1' },
  executing: { lane: 'app:main', dueAt: start + 30, votes: 1, startedAt: start },
  unknown: { lane: 'none', dueAt: null, votes: 1, startedAt: start, outcome: 'lease_lost' },
  succeeded: { lane: 'ended', dueAt: purgeAt, outcome: 'done', endedAt: start },
  failed: { lane: 'ended', dueAt: purgeAt, outcome: 'handler_failed', endedAt: start },
  rejected: { lane: 'ended', dueAt: purgeAt, endedAt: start },
  expired: { lane: 'ended', dueAt: purgeAt, endedAt: start },
  cancelled: { lane: 'ended', dueAt: purgeAt, outcome: 'cancelled_by_caller', endedAt: start },
  stale: { lane: 'ended', dueAt: purgeAt, outcome: 'key_changed', endedAt: start },
}

function approvalIn(status: ApprovalStatus, fields: Partial<ApprovalRecord> = {}): ApprovalRecord {
  return makeApproval(1, { fence, expiresAt, status, ...standing[status], ...fields })
}

const at = start + 500
const decided = { at, by: 'user:7', reason: 'fine' }

/** Every step there is, at a time at which it can be taken. */
const steps = {
  vote: { edge: 'vote', ...decided },
  approve: { edge: 'approve', ...decided },
  reject: { edge: 'reject', ...decided, purgeAt },
  expire: { edge: 'expire', at: expiresAt, purgeAt },
  cancel: { edge: 'cancel', ...decided, outcome: 'cancelled_by_caller', purgeAt },
  outdate: { edge: 'outdate', at, outcome: 'key_changed', fence, purgeAt },
  claim: { edge: 'claim', at, leaseEndsAt: at + 30 },
  renew: { edge: 'renew', fence, leaseEndsAt: at + 60 },
  succeed: { edge: 'succeed', at, outcome: 'done', fence, resultStatus: 201, purgeAt },
  fail: { edge: 'fail', at, outcome: 'refused_by_handler', fence, resultStatus: 422, purgeAt },
  lose: { edge: 'lose', at, outcome: 'no_answer', fence, resultStatus: null },
  forget: { edge: 'forget', at },
  'recover a run': { edge: 'recover', ...decided, as: 'succeeded', outcome: 'done', purgeAt },
  'recover a rejection': { edge: 'recover', ...decided, as: 'rejected', outcome: null, purgeAt },
  'recover no end': { edge: 'recover', ...decided, as: 'approved', outcome: null, purgeAt },
  'vote again': { edge: 'vote-again', ...decided },
  'resolve as succeeded': { edge: 'resolve', ...decided, as: 'succeeded', purgeAt },
  'resolve as failed': { edge: 'resolve', ...decided, as: 'failed', purgeAt },
  'resolve again': { edge: 'resolve', ...decided, as: 'again', purgeAt },
} as const satisfies Readonly<Record<string, ApprovalStep>>

type StepName = keyof typeof steps

const decision = { decidedAt: at, decidedBy: 'user:7', reason: 'fine' }
const ending = { lane: 'ended', dueAt: purgeAt, endedAt: at } as const
const waitingToRun = { status: 'approved', lane: 'app:main', dueAt: at } as const

/** What a restore makes of all that has not ended. */
const forgotten = {
  forget: { status: 'unknown', lane: 'none', dueAt: null, outcome: 'restored', resultStatus: null },
}
const recovered = {
  'recover a run': { ...ending, status: 'succeeded', outcome: 'done' },
  'recover a rejection': { ...decision, ...ending, status: 'rejected', outcome: null },
}

/** All edges: what each writes. What is not here is no way. */
const edges: Readonly<Partial<Record<ApprovalStatus, Partial<Record<StepName, object>>>>> = {
  pending: {
    ...{ ...forgotten, ...recovered },
    approve: { ...decision, ...waitingToRun, votes: 1 },
    reject: { ...decision, ...ending, status: 'rejected', outcome: null },
    expire: { ...ending, endedAt: expiresAt, status: 'expired', outcome: null },
    cancel: { ...decision, ...ending, status: 'cancelled', outcome: 'cancelled_by_caller' },
    outdate: { ...ending, status: 'stale', outcome: 'key_changed' },
  },
  approved: {
    ...{ ...forgotten, ...recovered },
    cancel: { ...decision, ...ending, status: 'cancelled', outcome: 'cancelled_by_caller' },
    outdate: { ...ending, status: 'stale', outcome: 'key_changed' },
    claim: { status: 'executing', dueAt: at + 30, fence: fence + 1, startedAt: at },
  },
  executing: {
    ...{ ...forgotten, ...recovered },
    outdate: { ...ending, status: 'stale', outcome: 'key_changed' },
    renew: { dueAt: at + 60 },
    succeed: { ...ending, status: 'succeeded', outcome: 'done', resultStatus: 201 },
    fail: { ...ending, status: 'failed', outcome: 'refused_by_handler', resultStatus: 422 },
    lose: { status: 'unknown', lane: 'none', dueAt: null, outcome: 'no_answer', resultStatus: null },
  },
  unknown: {
    ...recovered,
    'vote again': decision,
    'resolve as succeeded': { ...decision, ...ending, status: 'succeeded', outcome: 'marked_done' },
    'resolve as failed': { ...decision, ...ending, status: 'failed', outcome: 'marked_failed' },
    'resolve again': { ...decision, ...waitingToRun, outcome: null, resultStatus: null },
  },
}

const pairs = approvalStatuses.flatMap((status) =>
  (Object.keys(steps) as StepName[]).map((step) => [status, step] as const),
)

describe('the edges of an approval', () => {
  test.each(pairs)('%s: %s', (status, step) => {
    const plan = planStep(approvalIn(status), steps[step])
    expect(plan?.set ?? null).toEqual(edges[status]?.[step] ?? null)
  })

  test('there is no way out of an end', () => {
    for (const status of approvalStatuses) {
      expect(Object.keys(edges[status] ?? {}).length === 0).toBe(hasEnded(status))
    }
  })

  test('a vote before the last counts, and the last one approves: neither can be taken for the other', () => {
    const plans = [0, 1, 2].map((votes) => {
      const record = approvalIn('pending', { quorum: 3, votes })
      return [planStep(record, steps.vote), planStep(record, steps.approve)]
    })
    const counted = (votes: number) => ({ set: { ...decision, votes }, before: expiresAt })
    expect(plans).toEqual([
      [counted(1), null],
      [counted(2), null],
      [null, { set: { ...decision, ...waitingToRun, votes: 3 }, before: expiresAt }],
    ])
  })

  test('what is decided has to be committed before the expiry, and cannot be decided from it on', () => {
    for (const edge of ['approve', 'reject'] as const) {
      expect(planStep(approvalIn('pending'), steps[edge])?.before).toBe(expiresAt)
      const latest = planStep(approvalIn('pending'), { ...steps[edge], at: expiresAt - 1 })
      expect(latest?.before).toBe(expiresAt)
      expect(planStep(approvalIn('pending'), { ...steps[edge], at: expiresAt })).toBeNull()
    }
    expect(planStep(approvalIn('pending'), { ...steps.expire, at: expiresAt - 1 })).toBeNull()
  })

  test.each(['renew', 'succeed', 'fail', 'lose', 'outdate'] as const)(
    'who holds an older claim, or one that is not there yet, can write nothing: %s',
    (edge) => {
      for (const held of [fence - 1, fence + 1, 0]) {
        expect(planStep(approvalIn('executing'), { ...steps[edge], fence: held })).toBeNull()
      }
    },
  )

  test.each(approvalEffects)(
    'a run is taken over only after its lease, and only where it may be: %s',
    (effect) => {
      const running = approvalIn('executing', { effect, dueAt: at })
      expect(planStep(running, { ...steps.claim, at: at - 1 })).toBeNull()
      const taken = planStep(running, steps.claim)
      if (effect === 'unsafe') expect(taken).toBeNull()
      // The first claim is when it was started.
      else expect(taken?.set).toMatchObject({ status: 'executing', fence: fence + 1, startedAt: start })
    },
  )

  test('an approval that is not due yet is not claimed', () => {
    const waiting = approvalIn('approved', { dueAt: at })
    expect(planStep(waiting, { ...steps.claim, at: at - 1 })).toBeNull()
    expect(planStep(approvalIn('approved', { dueAt: null }), steps.claim)).toBeNull()
  })

  test('a replay waits for its app, a named operation for whoever knows it', () => {
    expect(runLaneOf({ kind: 'replay', app: 'main' })).toBe('app:main')
    expect(runLaneOf({ kind: 'named', app: '' })).toBe('named')
  })
})

/** What the steps are judged by, in other words than theirs. */
interface Model {
  now: number
  phase: 'pending' | 'approved' | 'executing' | 'unknown' | 'over'
  votes: number
  /** How often a human, or enough of them, said that it may run. */
  consents: number
  claims: number
  leaseEndsAt: number
}

interface Real {
  record: ApprovalRecord
}

/** Takes a step if there is such a way, as a store would. */
function take(real: Real, step: ApprovalStep, now: number): boolean {
  const plan = planStep(real.record, step)
  if (plan === null || now >= (plan.before ?? Infinity)) return false
  real.record = { ...real.record, ...plan.set, version: real.record.version + 1 }
  return true
}

type ModelStep = (
  model: Model,
  record: ApprovalRecord,
) => { readonly step: ApprovalStep; readonly isWay: boolean }

/** A step at the model's now, and whether the model knows such a way. */
class Take implements fc.Command<Model, Real> {
  constructor(
    readonly name: string,
    readonly make: ModelStep,
    readonly apply: (model: Model) => void,
  ) {}

  check = () => true

  run(model: Model, real: Real): void {
    const before = real.record
    const { step, isWay } = this.make(model, before)
    expect(take(real, step, model.now)).toBe(isWay)
    if (isWay) this.apply(model)
    const { record } = real

    expect(record.fence).toBe(model.claims)
    expect(record.fence).toBeGreaterThanOrEqual(before.fence)
    expect(hasEnded(record.status)).toBe(model.phase === 'over')
    if (model.phase !== 'over') expect(record.status).toBe(model.phase)
    expect(record.votes).toBe(model.votes)
    // Nothing runs that humans have not agreed to, and what is unsafe no more often than they did.
    if (model.consents > 0) expect(record.votes).toBe(record.quorum)
    else expect(record.fence).toBe(0)
    if (record.effect === 'unsafe') expect(record.fence).toBeLessThanOrEqual(model.consents)
  }

  toString = () => this.name
}

class Wait implements fc.Command<Model, Real> {
  constructor(readonly ms: number) {}
  check = () => true
  run(model: Model): void {
    model.now += this.ms
  }
  toString = () => `wait(${this.ms})`
}

const human = { by: 'user:7', reason: 'fine' }
const over = (model: Model): void => void (model.phase = 'over')

function isOpenToDecide({ phase, now }: Model): boolean {
  return phase === 'pending' && now < expiresAt
}

const vote = (edge: 'vote' | 'approve') =>
  new Take(
    edge,
    (model, { quorum }) => ({
      step: { edge, at: model.now, ...human },
      isWay: isOpenToDecide(model) && (model.votes + 1 === quorum) === (edge === 'approve'),
    }),
    (model) => {
      model.votes++
      if (edge === 'vote') return
      model.phase = 'approved'
      model.consents++
      model.leaseEndsAt = model.now
    },
  )

const isHolder = ({ phase, claims }: Model, held: number): boolean => phase === 'executing' && held === claims

/** A step of whoever holds the claim before this many others. */
const holders = (edge: 'renew' | 'succeed' | 'fail' | 'lose' | 'outdate', back: number) =>
  new Take(
    `${edge}(-${back})`,
    (model, record) => {
      const held = record.fence - back
      const given = { ...steps[edge], fence: held, at: model.now } as ApprovalStep
      const step = edge === 'renew' ? { ...steps.renew, fence: held, leaseEndsAt: model.now + 30 } : given
      const isUnbegun = model.phase === 'pending' || model.phase === 'approved'
      return { step, isWay: isHolder(model, held) || (edge === 'outdate' && isUnbegun) }
    },
    (model) => {
      if (edge === 'renew') model.leaseEndsAt = model.now + 30
      else model.phase = edge === 'lose' ? 'unknown' : 'over'
    },
  )

const claim = new Take(
  'claim',
  (model, { effect }) => ({
    step: { edge: 'claim', at: model.now, leaseEndsAt: model.now + 30 },
    isWay:
      model.now >= model.leaseEndsAt &&
      (model.phase === 'approved' || (model.phase === 'executing' && effect !== 'unsafe')),
  }),
  (model) => {
    model.phase = 'executing'
    model.claims++
    model.leaseEndsAt = model.now + 30
  },
)

const resolve = (as: 'succeeded' | 'failed' | 'again') =>
  new Take(
    `resolve(${as})`,
    (model) => ({
      step: { edge: 'resolve', at: model.now, as, purgeAt, ...human },
      isWay: model.phase === 'unknown',
    }),
    (model) => {
      if (as !== 'again') return over(model)
      model.phase = 'approved'
      model.consents++
      model.leaseEndsAt = model.now
    },
  )

const reject = new Take(
  'reject',
  (model) => ({ step: { edge: 'reject', at: model.now, purgeAt, ...human }, isWay: isOpenToDecide(model) }),
  over,
)

const expire = new Take(
  'expire',
  (model) => ({
    step: { edge: 'expire', at: model.now, purgeAt },
    isWay: model.phase === 'pending' && model.now >= expiresAt,
  }),
  over,
)

const cancel = new Take(
  'cancel',
  (model) => ({
    step: { ...steps.cancel, at: model.now },
    isWay: model.phase === 'pending' || model.phase === 'approved',
  }),
  over,
)

const back = fc.integer({ min: 0, max: 2 })

/** Ways on come up more often than ways to an end, so that sequences are long. */
const commands = fc.commands(
  [
    fc.constantFrom('vote' as const, 'approve' as const).map(vote),
    fc.constant(vote('approve')),
    fc.constant(claim),
    fc.constant(claim),
    fc.tuple(fc.constantFrom('renew' as const, 'lose' as const), back).map(([edge, n]) => holders(edge, n)),
    fc
      .tuple(fc.constantFrom('succeed' as const, 'fail' as const, 'outdate' as const), back)
      .map(([edge, n]) => holders(edge, n)),
    fc.constantFrom('again' as const, 'again' as const, 'succeeded' as const, 'failed' as const).map(resolve),
    fc.constantFrom(reject, expire, cancel),
    fc.integer({ min: 0, max: 40 }).map((ms) => new Wait(ms)),
    fc.constantFrom(1, 29, 30, 999, 1_000).map((ms) => new Wait(ms)),
  ],
  { maxCommands: 60, size: 'max' },
)

describe('an approval, whatever is tried with it in whatever order', () => {
  test.each<ApprovalEffect>(approvalEffects)(
    'ends at most once, runs only by consent, and its claims only grow: %s',
    (effect) => {
      fc.assert(
        fc.property(commands, fc.integer({ min: 1, max: 3 }), (given, quorum) => {
          const record = makeApproval(1, { effect, quorum, expiresAt, dueAt: expiresAt })
          fc.modelRun(
            (): { model: Model; real: Real } => ({
              model: { now: start, phase: 'pending', votes: 0, consents: 0, claims: 0, leaseEndsAt: 0 },
              real: { record },
            }),
            given,
          )
        }),
        { numRuns: 150 },
      )
    },
  )
})
