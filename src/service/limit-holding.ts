import { formatLimits } from '../core/key-limits.js'
import type { LimitRule } from '../core/limit.js'
import type { LimitMeter } from '../core/limit-window.js'
import { isPromise } from '../core/maybe-promise.js'
import type { LimitCharge, LimitStore } from '../ports/limit-store.js'
import { subjectKey } from './local-share.js'

/** The most subjects that hold leases at a time; further ones ask for every unit. */
const maxSubjects = 10_000

/** The most leases with something left that a subject holds. */
const mostLeases = 4

/** Units of one subject that were debited ahead, or are about to be. */
export interface Lease {
  readonly units: number
  left: number
  /** Null: the debit is on its way. */
  debited: Debited | null
}

/** What came of a debit, for one of its subjects. */
export interface Debited {
  readonly ok: boolean
  /** The store's time, */
  readonly now: number
  readonly meters: readonly LimitMeter[]
  /** when the answer came, by this process's monotonic clock, */
  readonly at: number
  /** and when the lease no longer holds: as soon as either clock shows this. */
  readonly ends: Moment
}

/** A moment by both of this process's clocks: one of them stands still while its machine is suspended. */
export interface Moment {
  readonly monotonic: number
  readonly wall: number
}

/** Says whether a lease holds no longer. */
export function isOver({ ends }: Debited, at: Moment): boolean {
  return at.monotonic >= ends.monotonic || at.wall >= ends.wall
}

/** A subject's leases. */
export interface Holding {
  readonly workspaceId: string
  readonly subject: string
  rules: readonly LimitRule[]
  leases: Lease[]
  /** The answers that are waited for. */
  readonly landings: Map<Lease, Promise<void>>
  /** How many units the next debit asks for: as many as were used lately, so that a quiet subject holds little. */
  next: number
  /** Until then a debit did not fit, so that every unit is asked for. */
  plainUntil: number
  /** Until then the last lease holds, if it has anything left: who needs another before needs a greater one. */
  busyUntil: number
}

/** Who holds leases. */
export interface Holdings {
  /** What a subject holds under the limits of a charge; what it held under others is given back. */
  find(workspaceId: string, charge: LimitCharge): Holding | undefined
  /** The same, made where it is not there; `undefined` where there is no room. */
  open(workspaceId: string, charge: LimitCharge): Holding | undefined
  /** Says whether it has not been let go of. */
  keeps(holding: Holding): boolean
  forget(workspaceId: string, subject: string): void
  /** Gives back what is left of a lease; of one whose debit is on its way, nothing yet. */
  giveBack(holding: Holding, lease: Lease): void
  /** Waits for what is being given back; `undefined` where nothing is. */
  returned(): Promise<unknown> | undefined
  /** Lets go of leases that have ended, or have nothing left. */
  tidy(holding: Holding, now: Moment): void
  /** Does so for all. */
  sweep(now: Moment): Promise<void>
  /** Lets go of everything, and waits for it; answers how many units could not be given back. */
  clear(): Promise<number>
}

/** Keeps leases by subject, and gives back to the store what is left of them. */
export function createHoldings(store: Pick<LimitStore, 'refund'>): Holdings {
  const holdings = new Map<string, Holding>()
  const returning = new Set<Promise<unknown>>()
  let lost = 0

  function giveBack({ workspaceId, subject, rules }: Holding, lease: Lease): void {
    const { left, debited } = lease
    if (left === 0 || debited === null) return
    lease.left = 0
    if (!debited.ok) return
    // What could not be given back stays spent, which denies more and never less.
    const fail = (): void => void (lost += left)
    try {
      const done = store.refund({ workspaceId, subject, rules, units: left, spentAt: debited.now })
      if (!isPromise(done)) return
      const settled = done.catch(fail)
      returning.add(settled)
      void settled.then(() => returning.delete(settled))
    } catch {
      fail()
    }
  }

  function drop(key: string, holding: Holding): void {
    holdings.delete(key)
    for (const lease of holding.leases) giveBack(holding, lease)
  }

  function findBy(key: string, rules: readonly LimitRule[]): Holding | undefined {
    const found = holdings.get(key)
    if (found === undefined || found.rules === rules) return found
    if (formatLimits(found.rules) === formatLimits(rules)) {
      found.rules = rules
      return found
    }
    // Limits that were changed hold from the next request on.
    drop(key, found)
    return undefined
  }

  function tidy(holding: Holding, now: Moment): void {
    const kept: Lease[] = []
    for (const lease of holding.leases) {
      if (lease.debited !== null && isOver(lease.debited, now)) {
        if (lease.left > 0) holding.next = Math.max(1, lease.units - lease.left)
        giveBack(holding, lease)
      } else if (lease.debited === null || lease.left > 0) kept.push(lease)
    }
    // What requests of different cost leave over is not collected without end.
    if (kept.length > mostLeases && kept[0]!.debited !== null) giveBack(holding, kept.shift()!)
    holding.leases = kept
  }

  return {
    find: (workspaceId, { subject, rules }) => findBy(subjectKey(workspaceId, subject), rules),
    open(workspaceId, { subject, rules }) {
      const key = subjectKey(workspaceId, subject)
      const found = findBy(key, rules)
      if (found !== undefined || holdings.size >= maxSubjects) return found
      const made: Holding = {
        ...{ workspaceId, subject, rules, leases: [], landings: new Map<Lease, Promise<void>>() },
        ...{ next: 1, plainUntil: -Infinity, busyUntil: -Infinity },
      }
      holdings.set(key, made)
      return made
    },
    keeps: (holding) => holdings.get(subjectKey(holding.workspaceId, holding.subject)) === holding,
    forget: (workspaceId, subject) => void holdings.delete(subjectKey(workspaceId, subject)),
    giveBack,
    returned: () => (returning.size === 0 ? undefined : Promise.all(returning)),
    tidy,
    async sweep(now) {
      for (const [key, holding] of holdings) {
        tidy(holding, now)
        if (holding.leases.length === 0 && now.monotonic >= holding.plainUntil) holdings.delete(key)
      }
      await Promise.all(returning)
    },
    async clear() {
      lost = 0
      const landings = [...holdings.values()].flatMap((holding) => [...holding.landings.values()])
      for (const [key, holding] of holdings) drop(key, holding)
      // What comes of them is given back as it comes, as nobody holds it any more.
      await Promise.allSettled(landings)
      await Promise.all(returning)
      return lost
    },
  }
}
