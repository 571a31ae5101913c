import { isKeyrungError } from '../core/errors.js'
import { isPromise } from '../core/maybe-promise.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import type { Clock } from '../ports/clock.js'
import type { LimitAnswer, LimitRequest, LimitStore } from '../ports/limit-store.js'
import { uncounted } from './guarded-limits.js'
import { createLimitDebts } from './limit-debts.js'
import type { LeasedLimits } from './limit-leases.js'
import { createLocalShare } from './local-share.js'
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
  /** The most subjects that can owe at a time; further ones are refused, as to forget a debt would be to refill it. */
  readonly maxDebts?: number
  readonly clock: Clock
  readonly notify: Notify
}

/** A limit store that may be away, and what happens then. */
export interface OutageSpending {
  /** @throws KeyrungError `limits_unavailable` where it could not be counted and may not go on without */
  spend(request: LimitRequest): MaybePromise<LimitAnswer>
  /** Asks the store how limits stand, and spends nothing; null: it is away. */
  look(request: LimitRequest): Promise<LimitAnswer | null>
  /** Finds out whether the store is back, and tells it some of what was spent meanwhile; never throws. */
  recover(): Promise<void>
  state(): LimitsState
}

/** The most subjects that can owe at a time, unless said otherwise. */
const usualDebts = 100_000

/** How long one step of recovery begins to tell the store of debts, in milliseconds, and how often. */
const payingMs = 1_000
const payingRounds = 30

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
export function createOutageSpending(options: OutageOptions): OutageSpending {
  const { store, share, clock, notify, maxDebts = usualDebts } = options
  const local = share === null ? null : createLocalShare(share)
  // Before it first answered, others may have spent everything just now.
  let answered = { now: clock.now(), monotonic: clock.monotonic() }
  let since: number | null = null
  /** The store's time when it was seen to be away: until then it may have answered others. */
  let lostAt = answered.now
  let probing = false

  const storeNow = (): number =>
    answered.now + Math.max(0, Math.floor(clock.monotonic() - answered.monotonic))
  const debts = createLimitDebts({
    most: maxDebts,
    now: storeNow,
    spend(request) {
      const answer = store.spend(request)
      return isPromise(answer)
        ? answer.then((came) => noteAnswer(request, came))
        : noteAnswer(request, answer)
    },
  })

  function noteAnswer(request: LimitRequest, answer: LimitAnswer): LimitAnswer {
    if (local === null) {
      if (since !== null) end()
      return answer
    }
    answered = { now: answer.now, monotonic: clock.monotonic() }
    local.note(request, answer)
    // What was on its way when the store failed, and came through, counts here too.
    if (since !== null && answer.ok && !request.force)
      local.spend({ ...request, force: true }, answer.now, lostAt)
    return answer
  }

  function begin(error: unknown): void {
    if (since !== null) return
    since = clock.now()
    lostAt = storeNow()
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
    if (!debts.admits(request)) throw uncounted('more subjects owe it something than can be kept in mind')
    const answer = local!.spend(request, storeNow(), lostAt)
    if (answer.ok) debts.owe(request)
    return answer
  }

  function spendAtStore(request: LimitRequest): MaybePromise<LimitAnswer> {
    const failed = (error: unknown): LimitAnswer => fail(request, error)
    try {
      // Nobody spends at the store again before it knows what they have spent here.
      const settled = debts.size === 0 ? undefined : debts.settle(request)
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
    const back = (): void => {
      probing = false
      if (since !== null) end()
    }
    const still = (): void => void (probing = false)
    try {
      const answer = debts.size > 0 ? debts.payOne() : store.spend(look)
      return isPromise(answer) ? (answer as Promise<unknown>).then(back, still) : back()
    } catch {
      return still()
    }
  }

  async function payDebts(): Promise<void> {
    const until = clock.monotonic() + payingMs
    let rounds = 0
    try {
      await debts.paySome(() => since === null && rounds++ < payingRounds && clock.monotonic() < until)
    } catch (error) {
      begin(error)
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
    async look(request) {
      if (since !== null) return null
      try {
        // What is not told yet would count as unspent.
        await debts.settle(request)
        return await store.spend(request)
      } catch {
        return null
      }
    },
    async recover() {
      debts.sweep()
      await probe()
      await payDebts()
    },
    state: () => ({
      store: store.name,
      mode: since === null ? 'ok' : local === null ? 'denying' : 'sharing',
      since,
      owing: debts.size,
    }),
  }
}
