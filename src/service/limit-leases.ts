import { formatLimits } from '../core/key-limits.js'
import type { LimitRule } from '../core/limit.js'
import { bucketAt, bucketStart } from '../core/limit-window.js'
import { isPromise } from '../core/maybe-promise.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import type { Clock } from '../ports/clock.js'
import type { LimitAnswer, LimitCharge, LimitRequest, LimitStore } from '../ports/limit-store.js'
import { subjectKey } from './local-share.js'

/** The most subjects that hold leases at a time; further ones ask for every unit. */
const maxSubjects = 10_000

/** A limit of fewer leases than this is not leased: what instances hold unused would be too great a part of it. */
const leastLeases = 10

/** The most leases with something left that a subject holds. */
const mostLeases = 4

/** A limit store that spends what it has debited ahead. */
export interface LeasedLimits extends LimitStore {
  /** Spends from a lease that runs, without asking anybody; `undefined` where there is none. */
  take(request: LimitRequest): LimitAnswer | undefined
  /** Gives back what is left of leases that have ended. */
  sweep(): Promise<void>
  /** Gives back what is left of all leases. */
  returnAll(): Promise<void>
}

/** Units that were debited ahead, or are about to be. */
interface Lease {
  readonly units: number
  left: number
  /** Null: the debit is on its way. */
  debited: Debited | null
}

interface Debited {
  readonly answer: LimitAnswer
  /** When the answer came, */
  readonly at: number
  /** and the first instant at which the lease no longer holds; both by this process's monotonic clock. */
  readonly endsAt: number
}

/** A subject's leases. */
interface Holding {
  readonly workspaceId: string
  readonly subject: string
  rules: readonly LimitRule[]
  leases: Lease[]
  landings: Map<Lease, Promise<LimitAnswer>>
  /** How many units the next debit asks for: as many as were used lately, so that a quiet key holds little. */
  next: number
  /** Until then a debit did not fit, so that every unit is asked for. */
  plainUntil: number
  /** Until then the last lease holds, if it has anything left: who needs another before needs a greater one. */
  busyUntil: number
}

/**
 * Puts leases before a limit store, for requests with a single subject: units are debited ahead and spent here, inside
 * the narrowest bucket they were debited in by the store's time, so that the limit holds all the same.
 *
 * @param units the most that one debit asks for
 */
export function leaseLimits(store: LimitStore, units: number, clock: Clock): LeasedLimits {
  const holdings = new Map<string, Holding>()
  const returning = new Set<Promise<unknown>>()

  function isLeased({ charges, force = false }: LimitRequest): boolean {
    const [charge] = charges
    if (force || charge === undefined || charges.length !== 1) return false
    const { cost, rules } = charge
    return cost > 0 && cost <= units && rules.every(({ limit }) => limit >= leastLeases * units)
  }

  function giveBack({ workspaceId, subject, rules }: Holding, lease: Lease): void {
    const { left, debited } = lease
    lease.left = 0
    if (left === 0 || debited?.answer.ok !== true) return
    const spentAt = debited.answer.now
    try {
      const done = store.refund({ workspaceId, subject, rules, units: left, spentAt })
      if (!isPromise(done)) return
      // What could not be given back stays spent, which denies more and never less.
      const settled = done.catch(() => undefined)
      returning.add(settled)
      void settled.then(() => returning.delete(settled))
    } catch {
      // As above.
    }
  }

  /** Lets go of leases that have ended, or have nothing left. */
  function tidy(holding: Holding, now: number): void {
    const kept: Lease[] = []
    for (const lease of holding.leases) {
      const isOver = lease.debited !== null && now >= lease.debited.endsAt
      if (isOver) {
        if (lease.left > 0) holding.next = Math.max(1, lease.units - lease.left)
        giveBack(holding, lease)
      } else if (lease.debited === null || lease.left > 0) kept.push(lease)
    }
    // What requests of different cost leave over is not collected without end.
    if (kept.length > mostLeases && kept[0]!.debited !== null) giveBack(holding, kept.shift()!)
    holding.leases = kept
  }

  /** Gives back what a subject holds under limits that are others now. */
  function letGo({ workspaceId, charges, force = false }: LimitRequest): void {
    if (holdings.size === 0 || charges.length !== 1 || force) return
    const { subject, rules } = charges[0]!
    const key = subjectKey(workspaceId, subject)
    const holding = holdings.get(key)
    if (holding === undefined || formatLimits(holding.rules) === formatLimits(rules)) return
    for (const lease of holding.leases) giveBack(holding, lease)
    holdings.delete(key)
  }

  function holdingOf(request: LimitRequest, { subject, rules }: LimitCharge): Holding | undefined {
    const { workspaceId } = request
    const key = subjectKey(workspaceId, subject)
    const found = holdings.get(key)
    if (found !== undefined) {
      if (found.rules === rules) return found
      // Limits that were changed hold from the next request on.
      letGo(request)
      if (holdings.has(key)) {
        found.rules = rules
        return found
      }
    }
    if (holdings.size >= maxSubjects) return undefined
    const made = {
      ...{ workspaceId, subject, rules, leases: [], landings: new Map<Lease, Promise<LimitAnswer>>() },
      ...{ next: 1, plainUntil: -Infinity, busyUntil: -Infinity },
    }
    holdings.set(key, made)
    return made
  }

  function land(holding: Holding, lease: Lease, sentAt: number, answer: LimitAnswer): LimitAnswer {
    holding.landings.delete(lease)
    const ends = holding.rules.map((rule) => bucketStart(rule, bucketAt(rule, answer.now) + 1))
    // The store may have answered as soon as it was asked, so its time can be ahead by the whole round trip.
    const endsAt = sentAt + (Math.min(...ends) - answer.now)
    lease.debited = { answer, at: clock.monotonic(), endsAt }
    holding.busyUntil = endsAt
    if (!answer.ok) {
      lease.left = 0
      holding.plainUntil = endsAt
      holding.next = 1
    }
    // The limits were changed, or the key deleted, while it was on its way.
    if (holdings.get(subjectKey(holding.workspaceId, holding.subject)) !== holding) giveBack(holding, lease)
    return answer
  }

  function debit(holding: Holding, request: LimitRequest, cost: number): MaybePromise<LimitAnswer> {
    const { workspaceId, subject, rules, leases } = holding
    const sentAt = clock.monotonic()
    const isBusy = holding.landings.size > 0 || sentAt < holding.busyUntil
    const size = Math.min(units, Math.max(cost, isBusy ? holding.next * 2 : holding.next))
    holding.next = size
    const lease: Lease = { units: size, left: size - cost, debited: null }
    const answer = store.spend({ workspaceId, charges: [{ subject, rules, cost: size }] })
    leases.push(lease)
    if (!isPromise(answer)) {
      land(holding, lease, sentAt, answer)
      return conclude(lease, request, cost)
    }
    const landing = answer.then(
      (came) => land(holding, lease, sentAt, came),
      (error: unknown) => {
        holding.landings.delete(lease)
        holding.leases = holding.leases.filter((other) => other !== lease)
        throw error
      },
    )
    holding.landings.set(lease, landing)
    return landing.then(() => conclude(lease, request, cost))
  }

  /** What a request gets that has put its units aside in a lease. */
  function conclude(lease: Lease, request: LimitRequest, cost: number): MaybePromise<LimitAnswer> {
    const { answer } = lease.debited!
    if (answer.ok) return shown(lease)
    // What was too much for all of them may still be enough for one.
    return lease.units === cost ? answer : store.spend(request)
  }

  /** How the limits stand, without what is debited and not spent yet. */
  function shown(lease: Lease): LimitAnswer {
    const { answer, at } = lease.debited!
    const now = answer.now + Math.max(0, Math.floor(clock.monotonic() - at))
    const meters = answer.meters.map((meter) => {
      const used = Math.max(0, meter.used - lease.left)
      return { ...meter, used, remaining: Math.max(0, meter.rule.limit - used) }
    })
    return { ok: true, now, meters }
  }

  function take(request: LimitRequest): LimitAnswer | undefined {
    if (!isLeased(request)) return undefined
    const charge = request.charges[0]!
    const holding = holdings.get(subjectKey(request.workspaceId, charge.subject))
    if (holding === undefined || holdingOf(request, charge) !== holding) return undefined
    const now = clock.monotonic()
    for (const lease of holding.leases) {
      if (lease.debited === null || now >= lease.debited.endsAt || lease.left < charge.cost) continue
      lease.left -= charge.cost
      return shown(lease)
    }
    return undefined
  }

  function sweepNow(): void {
    const now = clock.monotonic()
    for (const [key, holding] of holdings) {
      tidy(holding, now)
      if (holding.leases.length === 0 && now >= holding.plainUntil) holdings.delete(key)
    }
  }

  return {
    ...store,
    take,
    spend(request) {
      const held = take(request)
      if (held !== undefined) return held
      const charge = request.charges[0]
      if (charge === undefined || !isLeased(request)) {
        letGo(request)
        return store.spend(request)
      }
      const holding = holdingOf(request, charge)
      if (holding === undefined) return store.spend(request)
      const now = clock.monotonic()
      tidy(holding, now)
      if (now < holding.plainUntil) return store.spend(request)
      // Units of a debit that is on its way are put aside for as many as they are enough for.
      for (const [lease, landing] of holding.landings) {
        if (lease.left < charge.cost) continue
        lease.left -= charge.cost
        return landing.then(() => conclude(lease, request, charge.cost))
      }
      return debit(holding, request, charge.cost)
    },
    forget(workspaceId, subject) {
      holdings.delete(subjectKey(workspaceId, subject))
      return store.forget(workspaceId, subject)
    },
    async sweep() {
      sweepNow()
      await Promise.all(returning)
    },
    async returnAll() {
      for (const holding of holdings.values()) {
        for (const lease of holding.leases) giveBack(holding, lease)
      }
      holdings.clear()
      await Promise.all(returning)
    },
  }
}
