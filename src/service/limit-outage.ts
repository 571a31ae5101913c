import { isKeyrungError } from '../core/errors.js'
import type { LimitRule } from '../core/limit.js'
import { isPromise } from '../core/maybe-promise.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import type { Clock } from '../ports/clock.js'
import type { LimitAnswer, LimitRequest, LimitStore } from '../ports/limit-store.js'
import { uncounted } from './guarded-limits.js'
import type { LeasedLimits } from './limit-leases.js'
import { createLocalShare, subjectKey } from './local-share.js'
import type { Notify } from './notice.js'
import { errorWord } from './time-limit.js'

/** How counting goes: for a health page. */
export interface LimitsState {
  /** The limit store's name. */
  readonly store: string
  /**
   * `ok`: the limit store answers; `denying`: it does not, and requests that would cost something are refused; `sharing`:
   * it does not, and this instance counts by itself, up to its share.
   */
  readonly mode: 'ok' | 'denying' | 'sharing'
  /** Since when it does not answer, in milliseconds since 1970; null: it does. */
  readonly since: number | null
  /** How many subjects have spent here what the store has not yet been told. */
  readonly owing: number
}

/** What spending goes on with. */
export interface OutageOptions {
  /** Guarded: it throws `limits_unavailable` only, in time. */
  readonly store: LimitStore & Partial<Pick<LeasedLimits, 'take'>>
  /** The part of each limit that may be spent without the store; null: none. */
  readonly share: number | null
  readonly clock: Clock
  readonly notify: Notify
}

/** A limit store that may be away, and what happens then. */
export interface OutageSpending {
  /** @throws KeyrungError `limits_unavailable` where it could not be counted and may not go on without */
  spend(request: LimitRequest): MaybePromise<LimitAnswer>
  /** Finds out whether the store is back, and tells it what was spent meanwhile; never throws. */
  recover(): Promise<void>
  state(): LimitsState
}

/** What a subject has spent here, until the store knows of it. */
interface Debt {
  readonly workspaceId: string
  readonly subject: string
  rules: readonly LimitRule[]
  units: number
  /** On its way to the store. */
  payment: Promise<unknown> | undefined
}

/** What is looked at to find out whether the store is back. */
const look: LimitRequest = {
  workspaceId: '',
  charges: [
    {
      subject: 'probe',
      rules: [{ name: 'probe', limit: 1, kind: 'rolling', windowMs: 60_000, bucketMs: 1_000, buckets: 61 }],
      cost: 0,
    },
  ],
}

/**
 * Puts a policy for outages before a limit store. From its first failure on, one request or probe at a time finds out
 * whether it is back; the others are refused at once, or spend from the local share.
 */
export function createOutageSpending({ store, share, clock, notify }: OutageOptions): OutageSpending {
  const local = share === null ? null : createLocalShare(share)
  const debts = new Map<string, Debt>()
  // Before it first answered, others may have spent everything just now.
  let answered = { now: clock.now(), monotonic: clock.monotonic() }
  let since: number | null = null
  let probing = false

  function noteAnswer(request: LimitRequest, answer: LimitAnswer): LimitAnswer {
    if (local === null) {
      if (since !== null) end()
      return answer
    }
    answered = { now: answer.now, monotonic: clock.monotonic() }
    local.note(request, answer)
    // What was on its way when the store failed, and came through, counts here too.
    if (since !== null && answer.ok && !request.force)
      local.spend({ ...request, force: true }, answer.now, answer.now)
    return answer
  }

  function begin(error: unknown): void {
    if (since !== null) return
    since = clock.now()
    local?.clear()
    const what = local === null ? 'are answered 503' : 'spend from the local share'
    const why = (isKeyrungError(error) && error.internal) || errorWord(error)
    notify({
      code: 'limits_failing',
      message: `The limit store ${store.name} fails (${why}); requests that it would count ${what}.`,
    })
  }

  function end(): void {
    since = null
    notify({ code: 'limits_recovered', message: `The limit store ${store.name} answers again.` })
  }

  function fail(request: LimitRequest, error: unknown): LimitAnswer {
    begin(error)
    if (local === null) throw error
    return spendLocally(request)
  }

  function spendLocally(request: LimitRequest): LimitAnswer {
    const now = answered.now + Math.max(0, Math.floor(clock.monotonic() - answered.monotonic))
    const answer = local!.spend(request, now, answered.now)
    if (answer.ok) for (const charge of request.charges) owe(request.workspaceId, charge)
    return answer
  }

  function owe(workspaceId: string, { subject, rules, cost }: LimitRequest['charges'][number]): void {
    const key = subjectKey(workspaceId, subject)
    const debt = debts.get(key)
    if (debt === undefined) debts.set(key, { workspaceId, subject, rules, units: cost, payment: undefined })
    else {
      debt.rules = rules
      debt.units += cost
    }
  }

  /** Tells the store what a subject has spent here. If it is told twice, as its answer was lost, that only denies more. */
  function pay(key: string, debt: Debt): MaybePromise<unknown> {
    if (debt.payment) return debt.payment
    const { workspaceId, subject, rules, units } = debt
    const request = { workspaceId, charges: [{ subject, rules, cost: units }], force: true }
    const paid = (answer: LimitAnswer): void => {
      noteAnswer(request, answer)
      debt.units -= units
      if (debt.units === 0) debts.delete(key)
    }
    const answer = store.spend(request)
    if (!isPromise(answer)) return paid(answer)
    return (debt.payment = answer.then(paid).finally(() => (debt.payment = undefined)))
  }

  /** Nobody spends at the store again before it knows what they have spent here. */
  function settle(request: LimitRequest): MaybePromise<unknown> {
    const waits: Promise<unknown>[] = []
    for (const { subject } of request.charges) {
      const key = subjectKey(request.workspaceId, subject)
      const debt = debts.get(key)
      const payment = debt && pay(key, debt)
      if (isPromise(payment)) waits.push(payment)
    }
    return waits.length === 0 ? undefined : Promise.all(waits)
  }

  function spendAtStore(request: LimitRequest): MaybePromise<LimitAnswer> {
    const failed = (error: unknown): LimitAnswer => fail(request, error)
    try {
      const settled = debts.size === 0 ? undefined : settle(request)
      // More may have been spent here while the debt was on its way, so it is looked at again.
      if (isPromise(settled)) return settled.then(() => spendAtStore(request), failed)
      const answer = store.spend(request)
      return isPromise(answer)
        ? answer.then((came) => noteAnswer(request, came), failed)
        : noteAnswer(request, answer)
    } catch (error) {
      return failed(error)
    }
  }

  /** Where nothing may be spent here, the request itself finds out whether the store is back. */
  function tryOne(request: LimitRequest): MaybePromise<LimitAnswer> {
    if (probing) throw uncounted('it does not answer, and another request is finding out whether it is back')
    probing = true
    const done = (): void => void (probing = false)
    let answer: MaybePromise<LimitAnswer>
    try {
      answer = spendAtStore(request)
    } catch (error) {
      done()
      throw error
    }
    if (isPromise(answer)) return answer.finally(done)
    done()
    return answer
  }

  function probe(): MaybePromise<void> {
    if (since === null || probing) return undefined
    probing = true
    const [owing] = debts
    const back = (): void => {
      probing = false
      if (since !== null) end()
    }
    const still = (): void => void (probing = false)
    try {
      const answer = owing ? pay(...owing) : store.spend(look)
      return isPromise(answer) ? (answer as Promise<unknown>).then(back, still) : back()
    } catch {
      return still()
    }
  }

  async function payAll(): Promise<void> {
    for (const [key, debt] of debts) {
      if (since !== null) return
      try {
        await pay(key, debt)
      } catch (error) {
        begin(error)
      }
    }
  }

  return {
    spend(request) {
      // What was debited ahead can be spent whether the store is there or not.
      const held = store.take?.(request)
      if (held !== undefined) return held
      if (since === null) return spendAtStore(request)
      if (local === null) return tryOne(request)
      void probe()
      // A store that answers at once may be back by now.
      return since === null ? spendAtStore(request) : spendLocally(request)
    },
    async recover() {
      await probe()
      await payAll()
    },
    state: () => ({
      store: store.name,
      mode: since === null ? 'ok' : local === null ? 'denying' : 'sharing',
      since,
      owing: debts.size,
    }),
  }
}
