import type { LimitRule } from '../core/limit.js'
import { bucketAt, bucketStart } from '../core/limit-window.js'
import type { LimitMeter } from '../core/limit-window.js'
import { isPromise } from '../core/maybe-promise.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import type { Clock } from '../ports/clock.js'
import type { LimitAnswer, LimitCharge, LimitRequest, LimitStore } from '../ports/limit-store.js'
import { createHoldings, isOver } from './limit-holding.js'
import type { Holding, Lease, Moment } from './limit-holding.js'

/** A limit of fewer leases than this is not leased: what instances hold unused would be too great a part of it. */
const leastLeases = 10

/** A limit store that spends what it has debited ahead. */
export interface LeasedLimits extends LimitStore {
  /** Spends from leases that run, without asking anybody; `undefined` where any of its subjects has none. */
  take(request: LimitRequest): LimitAnswer | undefined
  /** Gives back what is left of leases that have ended. */
  sweep(): Promise<void>
  /** Gives back what is left of all leases; answers how many units could not be. */
  returnAll(): Promise<number>
}

/** One charge of a request, and the lease it is spent from. */
interface Part {
  readonly charge: LimitCharge
  readonly holding: Holding
  readonly lease: Lease
  /** Where its debit was on its way: what is waited for. */
  readonly landing: Promise<void> | undefined
}

/**
 * Puts leases before a limit store: units of each subject are debited ahead and spent here, inside the narrowest bucket
 * they were debited in by the store's time, so that the limit holds all the same.
 *
 * A request is spent from leases where each of its subjects has one, or waits for one. Else the store is asked, as it is
 * for everything at once: of subjects that have none, units are debited ahead in the same call.
 *
 * @param units the most that one debit asks for, of each subject
 */
export function leaseLimits(store: LimitStore, units: number, clock: Clock): LeasedLimits {
  const holdings = createHoldings(store)
  const present = (): Moment => ({ monotonic: clock.monotonic(), wall: clock.now() })

  function isLeasable({ cost, rules }: LimitCharge): boolean {
    return cost > 0 && cost <= units && rules.every(({ limit }) => limit >= leastLeases * units)
  }

  function isLeased({ charges, force = false }: LimitRequest): boolean {
    return !force && charges.length > 0 && charges.every(isLeasable)
  }

  /** Asks for every unit. */
  function spendPlainly(request: LimitRequest): MaybePromise<LimitAnswer> {
    if (request.force) return store.spend(request)
    const { workspaceId, charges } = request
    const held = charges.map((charge) => holdings.find(workspaceId, charge))
    if (held.every((holding) => holding === undefined)) return store.spend(request)
    const sentAt = present()
    const answer = store.spend(request)
    const finish = (came: LimitAnswer): MaybePromise<LimitAnswer> =>
      came.ok ? came : yieldHeld(request, held, sentAt, came)
    return isPromise(answer) ? answer.then(finish) : finish(answer)
  }

  /** What is held unused here must not be what a request is refused for: it is given back, and the store asked again. */
  function yieldHeld(
    request: LimitRequest,
    held: readonly (Holding | undefined)[],
    sentAt: Moment,
    refusal: LimitAnswer,
  ): MaybePromise<LimitAnswer> {
    const now = present()
    let units = 0
    let at = 0
    request.charges.forEach(({ rules }, i) => {
      const refuses = refusal.meters.slice(at, (at += rules.length)).some(({ fits }) => !fits)
      const holding = held[i]
      if (holding === undefined || !refuses) return
      holding.plainUntil = Math.max(holding.plainUntil, endOf(rules, refusal.now, sentAt).monotonic)
      holding.next = 1
      for (const lease of holding.leases) {
        if (lease.debited === null || isOver(lease.debited, now)) continue
        units += lease.left
        holdings.giveBack(holding, lease)
      }
    })
    if (units === 0) return refusal
    const returned = holdings.returned()
    return returned === undefined ? store.spend(request) : returned.then(() => store.spend(request))
  }

  function running({ leases }: Holding, cost: number, now: Moment): Lease | undefined {
    return leases.find(({ debited, left }) => debited !== null && left >= cost && !isOver(debited, now))
  }

  /** Puts back what a request was to get that does not get it. */
  function putBack(parts: readonly Part[]): void {
    for (const { charge, holding, lease } of parts) {
      if (lease.debited !== null && !lease.debited.ok) continue
      lease.left += charge.cost
      if (!holdings.keeps(holding) || !holding.leases.includes(lease)) holdings.giveBack(holding, lease)
    }
  }

  /** How a subject's limits stand, without what is debited and not spent yet. */
  function metersOf(meters: readonly LimitMeter[], unspent: number): readonly LimitMeter[] {
    return meters.map((meter) => {
      const used = Math.max(0, meter.used - unspent)
      return { ...meter, used, remaining: Math.max(0, meter.rule.limit - used) }
    })
  }

  function shown(leases: readonly Lease[]): LimitAnswer {
    const passed = clock.monotonic()
    const nows = leases.map(({ debited }) => debited!.now + Math.max(0, Math.floor(passed - debited!.at)))
    const meters = leases.flatMap(({ debited, left }) => metersOf(debited!.meters, left))
    return { ok: true, now: Math.max(...nows), meters }
  }

  /**
   * Spends what was put aside, now that all of it is there.
   *
   * @param cameAt when the request came: where its debit's bucket had ended by then, it is to be counted in the next
   */
  function conclude(
    request: LimitRequest,
    parts: readonly Part[],
    cameAt: Moment,
  ): MaybePromise<LimitAnswer> {
    // What one answer has brought is spent as it comes; a lease that was there before may have ended meanwhile.
    const isOne = parts.every(({ landing }) => landing !== undefined && landing === parts[0]!.landing)
    const at = isOne ? cameAt : present()
    const holds = ({ lease }: Part): boolean => lease.debited!.ok && !isOver(lease.debited!, at)
    if (parts.every(holds)) return shown(parts.map(({ lease }) => lease))
    putBack(parts)
    // What was too much for all of them may still be enough for one.
    return spendPlainly(request)
  }

  async function wait(request: LimitRequest, parts: readonly Part[], cameAt: Moment): Promise<LimitAnswer> {
    try {
      await Promise.all(parts.map(({ landing }) => landing))
    } catch (error) {
      putBack(parts)
      throw error
    }
    return conclude(request, parts, cameAt)
  }

  function land(holding: Holding, lease: Lease, sentAt: Moment, answer: LimitAnswer): void {
    holding.landings.delete(lease)
    const ends = endOf(holding.rules, answer.now, sentAt)
    const { ok, now, meters } = answer
    lease.debited = { ok, now, meters, at: clock.monotonic(), ends }
    holding.busyUntil = ends.monotonic
    if (!ok) {
      lease.left = 0
      if (meters.some(({ fits }) => !fits)) {
        holding.plainUntil = ends.monotonic
        holding.next = 1
      }
    }
    // The limits were changed, or the key deleted, while it was on its way.
    if (!holdings.keeps(holding)) holdings.giveBack(holding, lease)
  }

  /** Asks the store, and debits ahead of the subjects that have no lease: those without one in `before`. */
  function debit(
    request: LimitRequest,
    held: readonly Holding[],
    before: readonly (Lease | undefined)[],
  ): MaybePromise<LimitAnswer> {
    const sentAt = present()
    const made = request.charges.map(({ cost }, i): Lease | undefined => {
      if (before[i] !== undefined) return undefined
      const { landings, busyUntil, next } = held[i]!
      const isBusy = landings.size > 0 || sentAt.monotonic < busyUntil
      const size = Math.min(units, Math.max(cost, isBusy ? next * 2 : next))
      held[i]!.next = size
      return { units: size, left: size - cost, debited: null }
    })
    const charges = request.charges.map((charge, i) => ({ ...charge, cost: made[i]?.units ?? charge.cost }))
    const answer = store.spend({ workspaceId: request.workspaceId, charges })
    made.forEach((lease, i) => lease && held[i]!.leases.push(lease))

    const landAll = ({ ok, now, meters }: LimitAnswer): void => {
      let at = 0
      made.forEach((lease, i) => {
        const own = meters.slice(at, (at += request.charges[i]!.rules.length))
        if (lease) land(held[i]!, lease, sentAt, { ok, now, meters: own })
      })
    }
    const finish = (came: LimitAnswer): MaybePromise<LimitAnswer> => {
      if (came.ok) return shownOf(request, came, made, before)
      const isPlain = made.every(
        (lease, i) => lease === undefined || lease.units === request.charges[i]!.cost,
      )
      return isPlain ? yieldHeld(request, held, sentAt, came) : spendPlainly(request)
    }
    if (!isPromise(answer)) {
      landAll(answer)
      return finish(answer)
    }
    const landing = answer.then(landAll, (error: unknown) => {
      made.forEach((lease, i) => {
        if (lease === undefined) return
        held[i]!.landings.delete(lease)
        held[i]!.leases = held[i]!.leases.filter((other) => other !== lease)
      })
      throw error
    })
    made.forEach((lease, i) => lease && held[i]!.landings.set(lease, landing))
    return landing.then(() => answer.then(finish))
  }

  /** How all limits of a request stand that has asked the store. */
  function shownOf(
    { charges }: LimitRequest,
    { ok, now, meters }: LimitAnswer,
    made: readonly (Lease | undefined)[],
    before: readonly (Lease | undefined)[],
  ): LimitAnswer {
    let at = 0
    const told = charges.flatMap(({ rules }, i) => {
      const own = meters.slice(at, (at += rules.length))
      const lease = made[i] ?? before[i]
      return metersOf(own, lease?.debited ? lease.left : 0)
    })
    return { ok, now, meters: told }
  }

  function take(request: LimitRequest): LimitAnswer | undefined {
    if (!isLeased(request)) return undefined
    const now = present()
    const { charges } = request
    const leases: Lease[] = []
    for (const charge of charges) {
      const holding = holdings.find(request.workspaceId, charge)
      const lease = holding && running(holding, charge.cost, now)
      if (lease === undefined) return undefined
      leases.push(lease)
    }
    for (let i = 0; i < leases.length; i++) leases[i]!.left -= charges[i]!.cost
    return shown(leases)
  }

  return {
    ...store,
    take,
    spend(request) {
      const taken = take(request)
      if (taken !== undefined) return taken
      const { workspaceId, charges } = request
      if (!isLeased(request)) return spendPlainly(request)
      const held: Holding[] = []
      for (const charge of charges) {
        const holding = holdings.open(workspaceId, charge)
        if (holding === undefined) return spendPlainly(request)
        held.push(holding)
      }
      const now = present()
      for (const holding of held) holdings.tidy(holding, now)
      if (held.some(({ plainUntil }) => now.monotonic < plainUntil)) return spendPlainly(request)
      // Units of a debit that is on its way are put aside for as many as they are enough for.
      const parts = charges.map((charge, i): Part | undefined => {
        const holding = held[i]!
        const ready = running(holding, charge.cost, now)
        if (ready !== undefined) return { charge, holding, lease: ready, landing: undefined }
        for (const [lease, landing] of holding.landings) {
          if (lease.left >= charge.cost) return { charge, holding, lease, landing }
        }
        return undefined
      })
      const whole = parts.filter((part) => part !== undefined)
      const leases = parts.map((part) => part?.lease)
      if (whole.length < charges.length) return debit(request, held, leases)
      for (const { charge, lease } of whole) lease.left -= charge.cost
      return wait(request, whole, now)
    },
    forget(workspaceId, subject) {
      holdings.forget(workspaceId, subject)
      return store.forget(workspaceId, subject)
    },
    sweep: () => holdings.sweep(present()),
    returnAll: () => holdings.clear(),
  }
}

/**
 * When the narrowest bucket ends that something was spent in, by this process's clocks. The store may have answered as
 * soon as it was asked, so its time can be ahead by the whole round trip; and what it tells in whole milliseconds can
 * have been one more.
 */
function endOf(rules: readonly LimitRule[], storeNow: number, sentAt: Moment): Moment {
  const ends = rules.map((rule) => bucketStart(rule, bucketAt(rule, storeNow) + 1))
  const lastsMs = Math.min(...ends) - storeNow - 1
  return { monotonic: sentAt.monotonic + lastsMs, wall: sentAt.wall + lastsMs }
}
