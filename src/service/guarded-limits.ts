import { KeyrungError } from '../core/errors.js'
import type { LimitRule } from '../core/limit.js'
import type { LimitMeter } from '../core/limit-window.js'
import { isPromise } from '../core/maybe-promise.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import { isInstant } from '../core/time.js'
import type { Clock } from '../ports/clock.js'
import type { LimitAnswer, LimitRequest, LimitStore } from '../ports/limit-store.js'
import type { Notify } from './notice.js'
import { watchStoreClock } from './store-clock.js'
import { errorWord, late, within } from './time-limit.js'

/** The error for units that could not be counted; `why` is for the operator. */
export function uncounted(why: string): KeyrungError {
  return new KeyrungError('limits_unavailable', { internal: `limit store: ${why}` })
}

/**
 * Puts a host's limit store behind a time limit, a filter for its errors and a check of its answers: whatever goes wrong
 * comes out as `limits_unavailable`, in time. What does not answer for every limit it was asked about has not answered.
 *
 * A clock of a shared store that is set is told of; one that is not shared counts on this process's own.
 */
export function guardLimits(store: LimitStore, clock: Clock, timeoutMs: number, notify: Notify): LimitStore {
  const hearTime = store.shared ? watchStoreClock(store.name, clock, notify) : undefined

  async function inTime<T>(call: string, answer: Promise<T>): Promise<T> {
    let came: T | typeof late
    try {
      came = await within(clock, timeoutMs, answer)
    } catch (error) {
      throw uncounted(`${call}: ${errorWord(error)}`)
    }
    if (came === late) throw uncounted(`${call}: no answer in ${timeoutMs} ms`)
    return came
  }

  function ask<T>(call: string, make: () => MaybePromise<T>): MaybePromise<T> {
    let answer: MaybePromise<T>
    try {
      answer = make()
    } catch (error) {
      throw uncounted(`${call}: ${errorWord(error)}`)
    }
    return isPromise(answer) ? inTime(call, answer) : answer
  }

  const { purge } = store
  return {
    name: store.name,
    synchronous: store.synchronous,
    shared: store.shared,
    spend(request) {
      const sentAt = hearTime ? clock.monotonic() : 0
      const take = (came: LimitAnswer) => {
        const answer = checked(request, came)
        hearTime?.(answer.now, sentAt)
        return answer
      }
      const answer = ask('spend', () => store.spend(request))
      return isPromise(answer) ? answer.then(take) : take(answer)
    },
    refund: (refund) => ask('refund', () => store.refund(refund)),
    forget: (workspaceId, subject) => ask('forget', () => store.forget(workspaceId, subject)),
    ...(purge && { purge: (limit: number) => ask('purge', () => purge.call(store, limit)) }),
    close: () => ask('close', () => store.close()),
  }
}

function checked(request: LimitRequest, answer: LimitAnswer): LimitAnswer {
  let isSound = false
  try {
    isSound = judge(request, answer)
  } catch {
    // An answer that cannot even be read is none.
  }
  if (!isSound) throw uncounted('spend: an answer that does not fit what was asked')
  return answer
}

function judge({ charges, force = false }: LimitRequest, answer: LimitAnswer): boolean {
  const { ok, now, meters } = answer
  if (typeof ok !== 'boolean' || !isInstant(now) || !Array.isArray(meters)) return false
  let at = 0
  let fits = true
  for (const charge of charges) {
    for (const rule of charge.rules) {
      const meter = meters[at++] as LimitMeter | undefined
      if (meter === undefined || !isMeter(rule, meter)) return false
      fits &&= meter.fits
    }
  }
  return at === meters.length && (force || ok === fits)
}

function isMeter(rule: LimitRule, meter: LimitMeter): boolean {
  return (
    (meter.rule === rule || (meter.rule.name === rule.name && meter.rule.limit === rule.limit)) &&
    isCount(meter.used) &&
    isCount(meter.remaining) &&
    meter.remaining <= rule.limit &&
    Number.isSafeInteger(meter.resetAt) &&
    (meter.retryAt === null || Number.isSafeInteger(meter.retryAt)) &&
    typeof meter.fits === 'boolean'
  )
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
