import { parseLimits } from '../../core/limit.js'
import type { Limit, LimitRule } from '../../core/limit.js'
import type { MaybePromise } from '../../core/maybe-promise.js'
import type { LimitAnswer, LimitStore } from '../../ports/limit-store.js'
import type { ManualClock } from '../manual-clock.js'
import { expectEqual } from './expect.js'

/** What a limit store under test may or may not have. */
export type LimitStoreCapability = 'clock' | 'instances'

/** A limit store in which nothing is spent, and what the suite may do with it. */
export interface LimitStoreUnderTest {
  readonly store: LimitStore
  /** The clock the store's now is taken from, where one can be handed in: capability `clock`. */
  readonly clock?: Pick<ManualClock, 'advance' | 'step'>
  /** Another instance on the same state, as in another process of the host: capability `instances`. */
  another?(): MaybePromise<LimitStore>
  /** Takes away what was made for the test. */
  dispose?(): MaybePromise<void>
}

/** One promise that a limit store has to keep. */
export interface LimitStoreCase {
  /** What it promises, in words. */
  readonly name: string
  /** What it cannot be tested without; a runner that lacks it names the case and this as the reason. */
  readonly needs?: LimitStoreCapability
  /** Resolves where the promise is kept, and else rejects with what was seen. */
  run(make: () => MaybePromise<LimitStoreUnderTest>): Promise<void>
}

/** Declares a case: the store is made before it and taken away after it. */
export function limitCase(
  name: string,
  test: (store: LimitStore, under: LimitStoreUnderTest) => MaybePromise<void>,
  needs?: LimitStoreCapability,
): LimitStoreCase {
  return {
    name,
    ...(needs && { needs }),
    async run(make) {
      const under = await make()
      try {
        await test(under.store, under)
      } finally {
        await under.dispose?.()
      }
    },
  }
}

/** The clock of a case that needs one. */
export function limitClockOf(under: LimitStoreUnderTest): Pick<ManualClock, 'advance' | 'step'> {
  if (!under.clock) throw new Error('This case needs the capability "clock".')
  return under.clock
}

/** Another instance, in a case that needs one. */
export async function anotherLimitStoreOf(under: LimitStoreUnderTest): Promise<LimitStore> {
  if (!under.another) throw new Error('This case needs the capability "instances".')
  return under.another()
}

/** An hour: no test lasts so long that anything of it comes free. */
export const hourMs = 3_600_000

/** Rules as a host would write them. */
export function rules(...limits: readonly Limit[]): readonly LimitRule[] {
  return parseLimits(limits)
}

/** One rule that nothing of is freed while a test runs. */
export function hourly(limit: number, name = 'hour'): readonly LimitRule[] {
  return rules({ name, limit, windowMs: hourMs })
}

/** Spends on one subject of the workspace `ws_1`. */
export async function spend(
  store: LimitStore,
  held: readonly LimitRule[],
  cost = 1,
  subject = 'key:one',
  force = false,
): Promise<LimitAnswer> {
  const charges = [{ subject, rules: held, cost }]
  return store.spend({ workspaceId: 'ws_1', charges, ...(force && { force }) })
}

/** Fails unless a spending is admitted, or refused, as it has to be. */
export async function expectSpent(
  store: LimitStore,
  ok: boolean,
  held: readonly LimitRule[],
  cost = 1,
  subject = 'key:one',
): Promise<LimitAnswer> {
  const answer = await spend(store, held, cost, subject)
  expectEqual(answer.ok, ok, `whether ${cost} more of ${subject} fits`)
  return answer
}

/** Fails unless exactly so much counts, by rule. */
export async function expectUsed(
  store: LimitStore,
  held: readonly LimitRule[],
  used: readonly number[],
  subject = 'key:one',
): Promise<LimitAnswer> {
  const answer = await spend(store, held, 0, subject)
  expectEqual([answer.ok, usedOf(answer)], [true, used], `what counts of ${subject}`)
  return answer
}

/** What counts by an answer, in its order. */
export function usedOf(answer: LimitAnswer): readonly number[] {
  return answer.meters.map(({ used }) => used)
}
