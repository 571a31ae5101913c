import { maxUnits } from '../core/limit.js'
import type { LimitRule } from '../core/limit.js'
import { bucketAt, bucketStart } from '../core/limit-window.js'
import { isPromise } from '../core/maybe-promise.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import type { LimitRequest } from '../ports/limit-store.js'
import { subjectKey } from './local-share.js'

/** How many debts are told to the store at the same time. */
const together = 16

/** What was spent beyond the limit store, until it knows of it. */
export interface LimitDebts {
  /** How many subjects owe something. */
  readonly size: number
  /** Says whether there is room for what a request would owe. */
  admits(request: LimitRequest): boolean
  /** Notes what a request has spent beyond the store. */
  owe(request: LimitRequest): void
  /** Tells the store what the subjects of a request owe; nothing is answered where they owe nothing. */
  settle(request: LimitRequest): MaybePromise<unknown>
  /** Tells it what the one owes that has owed for longest; `undefined` where nobody owes anything. */
  payOne(): MaybePromise<unknown>
  /** Tells it what others owe, as long as `goesOn` says so before each few of them; rejects with the first failure. */
  paySome(goesOn: () => boolean): Promise<void>
  /** Forgets what does not count any more. */
  sweep(): void
}

/** What debts are kept with. */
export interface LimitDebtsOptions {
  /** The most subjects that can owe at a time. */
  readonly most: number
  /** The limit store's time, as far as it is known. */
  readonly now: () => number
  /** Spends at the limit store. */
  readonly spend: (request: LimitRequest) => MaybePromise<unknown>
}

interface Debt {
  readonly workspaceId: string
  readonly subject: string
  rules: readonly LimitRule[]
  units: number
  /** From then on nothing of it counts any more, by the store's time. */
  endsAt: number
  /** On its way to the store. */
  payment: Promise<unknown> | undefined
}

/** Keeps what is owed to a limit store: of so many subjects, each for as long as it counts in any window. */
export function createLimitDebts({ most, now, spend }: LimitDebtsOptions): LimitDebts {
  /** In the order in which they last spent. */
  const debts = new Map<string, Debt>()
  let sweptAt = -Infinity

  function sweep(): void {
    const at = (sweptAt = now())
    for (const [key, { endsAt, payment }] of debts) {
      if (at >= endsAt && payment === undefined) debts.delete(key)
    }
  }

  /** Tells the store what a subject has spent. If it is told twice, as its answer was lost, that only denies more. */
  function pay(key: string, debt: Debt): MaybePromise<unknown> {
    if (debt.payment) return debt.payment
    const { workspaceId, subject, rules, units } = debt
    const paid = (): void => {
      debt.units -= units
      if (debt.units === 0) debts.delete(key)
    }
    const answer = spend({ workspaceId, charges: [{ subject, rules, cost: units }], force: true })
    if (!isPromise(answer)) return paid()
    return (debt.payment = answer.then(paid).finally(() => (debt.payment = undefined)))
  }

  return {
    get size() {
      return debts.size
    },

    admits({ workspaceId, charges }) {
      const isNew = ({ subject }: LimitRequest['charges'][number]): boolean =>
        !debts.has(subjectKey(workspaceId, subject))
      const fits = (): boolean =>
        debts.size + charges.length <= most || debts.size + charges.filter(isNew).length <= most
      if (fits()) return true
      // To look at all of them is dear, and a second later no more than a few have ended.
      if (now() < sweptAt + 1_000) return false
      sweep()
      return fits()
    },

    owe({ workspaceId, charges }) {
      const at = now()
      for (const { subject, rules, cost } of charges) {
        if (cost === 0) continue
        const key = subjectKey(workspaceId, subject)
        const ends = rules.map((rule) => bucketStart(rule, bucketAt(rule, at) + rule.buckets))
        const debt = debts.get(key)
        if (debt === undefined) {
          const endsAt = Math.max(...ends)
          debts.set(key, { workspaceId, subject, rules, units: cost, endsAt, payment: undefined })
          continue
        }
        debt.rules = rules
        // More than that is more than any limit already.
        debt.units = Math.min(maxUnits, debt.units + cost)
        debt.endsAt = Math.max(debt.endsAt, ...ends)
        debts.delete(key)
        debts.set(key, debt)
      }
    },

    settle({ workspaceId, charges }) {
      if (debts.size === 0) return undefined
      const waits: Promise<unknown>[] = []
      for (const { subject } of charges) {
        const key = subjectKey(workspaceId, subject)
        const debt = debts.get(key)
        const payment = debt && pay(key, debt)
        if (isPromise(payment)) waits.push(payment)
      }
      return waits.length === 0 ? undefined : Promise.all(waits)
    },

    payOne() {
      const [owing] = debts
      return owing && pay(...owing)
    },

    async paySome(goesOn) {
      const waiting = [...debts]
      for (let at = 0; at < waiting.length && goesOn(); at += together) {
        // Some may have been paid meanwhile.
        const next = waiting.slice(at, at + together).filter(([key, debt]) => debts.get(key) === debt)
        await Promise.all(next.map(([key, debt]) => pay(key, debt)))
      }
    },

    sweep,
  }
}
