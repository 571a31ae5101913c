import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { AuditEvent } from '../../../src/core/audit.js'
import { snapshotApproval } from '../../../src/core/audit.js'
import { parseEvent } from '../../../src/core/audit-record.js'
import { hasEnded } from '../../../src/core/approval.js'
import type { ApprovalRecord, ApprovalStatus } from '../../../src/core/approval.js'
import { KeyrungError } from '../../../src/core/errors.js'
import type { Principal } from '../../../src/core/principal.js'
import type { Change } from '../../../src/ports/change.js'
import type { Store } from '../../../src/ports/store.js'
import { createApprovals } from '../../../src/service/approvals.js'
import { sweepJob } from '../../../src/service/approvals/sweep.js'
import { expiryJob } from '../../../src/service/approvals/upkeep.js'
import { createKeys } from '../../../src/service/keys.js'
import { admin, outcome } from '../keys/fixture.js'
import { approved, createApprovalWorld, createInstance, read } from './fixture.js'
import type { ApprovalWorld } from './fixture.js'

/** The state machine, as it is documented. */
const ways: Readonly<Record<ApprovalStatus, readonly ApprovalStatus[]>> = {
  pending: ['approved', 'rejected', 'expired', 'cancelled', 'stale'],
  approved: ['executing', 'cancelled', 'stale'],
  executing: ['executing', 'succeeded', 'failed', 'unknown', 'stale'],
  unknown: ['succeeded', 'failed', 'approved'],
  ...{ succeeded: [], failed: [], rejected: [], expired: [], cancelled: [], stale: [] },
}

const expiresMs = 40_000
const bob = { ...admin, id: 'bob' }

/** What goes wrong with one instance, at which of its calls to the store. */
interface Fault {
  readonly kind: 'dies before' | 'dies after' | 'loses the answer'
  readonly at: number
}

const never = (): Promise<never> => new Promise(() => undefined)

/** A store whose calls are made when the scheduler says so, by an instance with a fault. */
function schedule(store: Store, scheduler: fc.Scheduler, fault: Fault | null) {
  let calls = 0
  let isDead = false
  let die: () => void = () => undefined
  const dead = new Promise<void>((resolve) => (die = resolve))
  const wrapped = Object.entries(store).map(([name, ask]) => {
    if (typeof ask !== 'function') return [name, ask]
    const scheduled = scheduler.scheduleFunction(async (...args: unknown[]) => {
      const isNow = !isDead && fault?.at === calls++
      isDead ||= isNow && fault.kind === 'dies before'
      if (isDead) return { isLost: true, answer: undefined }
      const answer = await (ask as (...given: unknown[]) => unknown).apply(store, args)
      isDead = isNow && fault.kind === 'dies after'
      return { isLost: isNow, answer }
    })
    const call = async (...args: unknown[]) => {
      const { isLost, answer } = await scheduled(...args)
      if (isDead) {
        die()
        return never()
      }
      if (isLost) throw new KeyrungError('store_unavailable')
      return answer
    }
    return [name, call]
  })
  return { store: Object.fromEntries(wrapped) as unknown as Store, dead }
}

/** What was committed: the approval after each commit, and its events in the order in which they were written. */
function watch(world: ApprovalWorld, history: ApprovalRecord[], events: AuditEvent[]): Store {
  return {
    ...world.store,
    async commit(changes: readonly Change[]) {
      const result = await world.store.commit(changes)
      if (!result.ok) return result
      for (const change of changes) {
        if (change.do !== 'insert' || change.type !== 'event') continue
        if (change.record.targetId === history[0]!.id) events.push(parseEvent(change.record))
      }
      const now = await read(world, history[0]!.id)
      if (now.version !== history.at(-1)!.version) history.push(now)
      return result
    },
  }
}

const actions = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('approve', 'wake', 'work') },
  {
    weight: 2,
    arbitrary: fc.constantFrom('reject', 'cancel', 'revoke', 'expire', 'again', 'mark failed', 'sweep'),
  },
  { weight: 2, arbitrary: fc.constantFrom(1, 12_000, 31_000, expiresMs) },
)

const faults = fc.option(
  fc.record<Fault>({
    kind: fc.constantFrom('dies before', 'dies after', 'loses the answer'),
    at: fc.nat(25),
  }),
)

const plans = fc.array(fc.tuple(actions, fc.nat(1)), { minLength: 2, maxLength: 8 })

test('whoever does what, in whatever order, and whichever instance dies: it is as the state machine says', async () => {
  const isFull = process.env['KEYRUNG_PROOF'] === 'full'
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      plans,
      fc.tuple(faults, faults),
      fc.constantFrom('unsafe' as const, 'idempotent' as const),
      async (scheduler, plan, given, effect) => {
        const world = await createApprovalWorld()
        const at = world.clock.now()
        const { id, digest } = await approved(world, {
          effect,
          set: {
            ...{ status: 'pending', lane: 'pending', dueAt: at + expiresMs, expiresAt: at + expiresMs },
            ...{ votes: 0, decidedAt: null, decidedBy: null },
          },
        })
        const history = [await read(world, id)]
        const events: AuditEvent[] = []
        const watched = watch(world, history, events)
        let ran = 0
        const operations = {
          'contacts.merge': { effect, run: () => (ran++, scheduler.schedule(Promise.resolve(null))) },
        }
        const instances = given.map((fault) => {
          const { store, dead } = schedule(watched, scheduler, fault)
          const made = createInstance(world, { store, operations })
          const runner = {
            wake: (one: string, workspaceId?: string) => made.execution.wake(one, workspaceId),
            hasMoved: async () => false,
          }
          const { context } = made
          return { ...made, dead, approvals: createApprovals(context, runner), keys: createKeys(context) }
        })
        const principal = {
          ...{ type: 'key', keyId: world.key.id, secretId: world.key.secretId, keyName: world.key.name },
          ...{
            workspaceId: 'ws',
            environment: 'live',
            ownerId: null,
            address: null,
            scopes: [],
            metadata: {},
          },
        } as Principal
        const said: Record<string, number> = {}

        async function act(action: string | number, which: number): Promise<void> {
          if (typeof action === 'number') {
            return scheduler.scheduleFunction(() => world.clock.advance(action))()
          }
          await scheduler.schedule(Promise.resolve())
          const { approvals, keys, execution, context } = instances[which]!
          const calls: Record<string, () => Promise<unknown>> = {
            approve: () => approvals.approve(admin, id, { digest }, { waitMs: 0 }),
            reject: () => approvals.reject(bob, id, { reason: 'no' }),
            cancel: () => approvals.cancel(principal, id),
            again: () => approvals.resolve(bob, id, { as: 'again' }, { waitMs: 0 }),
            'mark failed': () => approvals.resolve(bob, id, { as: 'failed' }),
            revoke: () => keys.revoke(admin, world.key.id),
            expire: () => expiryJob(context).step(),
            sweep: () => sweepJob(context).step(),
            wake: () => execution.wake(id, 'ws'),
            work: () => Promise.all(execution.jobs.map((job) => job.step())),
          }
          const came = await outcome(calls[action]!())
          if (came === 'ok') said[action] = (said[action] ?? 0) + 1
        }

        /** Has them all go on, in an order that the scheduler chooses, until those who are waited for are done. */
        async function goOn(all: readonly Promise<unknown>[]): Promise<void> {
          let left = all.length
          for (const one of all) void one.finally(() => left--)
          for (;;) {
            await world.clock.advance(0)
            if (scheduler.count() > 0) await scheduler.waitOne()
            else if (left > 0) await world.clock.advance(1_000)
            else return
          }
        }

        await goOn(plan.map(([action, which]) => Promise.race([act(action, which), instances[which]!.dead])))
        // An instance that is well finds what the others have left.
        const last = createInstance(world, { store: watched, operations })
        for (let i = 0; i < 12 && isOpen(history.at(-1)!); i++) {
          await world.clock.advance(61_000)
          await goOn([last.work(), expiryJob(last.context).step()])
        }

        const final = await read(world, id)
        const statuses = history.map(({ status }) => status)
        const counted = (action: string) =>
          events.filter((event) => event.action === `approval.${action}`).length
        // Nothing is lost: it has ended, or a human is told to look.
        expect(hasEnded(final.status) || final.status === 'unknown').toBe(true)
        // The machine goes its documented ways only, and out of an end there is none.
        statuses.slice(1).forEach((status, i) => {
          const before = statuses[i]!
          expect(before === status || ways[before].includes(status) ? 'a way' : `${before} → ${status}`).toBe(
            'a way',
          )
          expect(hasEnded(before)).toBe(false)
        })
        expect(history.at(-1)).toEqual(final)
        // What is unsafe runs once for each time that a human has said so, and nothing runs that nobody approved.
        const consents = counted('approved') + events.filter((event) => isAgain(event)).length
        if (effect === 'unsafe') expect(ran).toBeLessThanOrEqual(consents)
        if (consents === 0) expect(ran).toBe(0)
        if (final.status === 'succeeded') expect(ran).toBeGreaterThan(0)
        expect(ran).toBeLessThanOrEqual(final.fence)
        // The record is what its events tell, each going on from the one before.
        let snapshot: unknown = snapshotApproval(history[0]!)
        for (const { before, after } of events) {
          expect(before).toEqual(snapshot)
          snapshot = after
        }
        expect(snapshotApproval(final)).toEqual(snapshot)
        // Who was told that it was done has done it.
        for (const [action, name] of [
          ['approve', 'approved'],
          ['reject', 'rejected'],
        ] as const) {
          expect(said[action] ?? 0).toBeLessThanOrEqual(counted(name))
        }
      },
    ),
    { numRuns: isFull ? 2_000 : 60 },
  )
}, 600_000)

/** Whether it waits for nothing but time and workers. */
function isOpen({ status }: ApprovalRecord): boolean {
  return status === 'pending' || status === 'approved' || status === 'executing'
}

/** Whether a human had it run again. */
function isAgain({ action, after }: AuditEvent): boolean {
  return action === 'approval.resolved' && (after as { status?: string } | null)?.status === 'approved'
}
