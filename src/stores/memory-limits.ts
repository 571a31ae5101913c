import { invalid, KeyrungError } from '../core/errors.js'
import type { LimitRule } from '../core/limit.js'
import type { LimitMeter } from '../core/limit-window.js'
import { checkClock } from './clock-check.js'
import type { Clock } from '../ports/clock.js'
import type { LimitAnswer, LimitCharge, LimitRefund, LimitRequest, LimitStore } from '../ports/limit-store.js'
import { systemClock } from '../ports/system-clock.js'
import { LimitSubjects, mostSubjects } from './memory/limit-subjects.js'

/** What a memory limit store can be given. */
export interface MemoryLimitsOptions {
  /** Where its time comes from; this machine's if left out. */
  readonly clock?: Pick<Clock, 'now' | 'monotonic'>
  /**
   * Most subjects that are remembered at once; 1,000,000 if left out, 10,000,000 at most. Beyond it one that is not
   * known is answered `store_unavailable`: to forget another would fill its limits again.
   */
  readonly maxSubjects?: number
}

const usualSubjects = 1_000_000

/** Two steps for each newcomer: the sweep gets round before as many have come as there are. */
const stepsPerNewcomer = 2
const stepsWhenFull = 64

/**
 * Makes a limit store that counts in this process and forgets it with it: for one instance, tests and demos.
 *
 * It answers at once. Its time is the wall clock's as it stood when the store was made, and goes on with the monotonic
 * clock: setting the wall clock neither fills a limit nor lengthens a window, and a calendar's days and months begin
 * when they would have begun by the clock as it was then.
 *
 * Nothing runs in the background: subjects of which nothing counts any more are removed as new ones come.
 *
 * @throws KeyrungError `config_invalid`
 * @example
 * ```ts
 * const limits = memoryLimits({ maxSubjects: 100_000 })
 * ```
 */
export function memoryLimits(options: MemoryLimitsOptions = {}): LimitStore {
  const { clock = systemClock, maxSubjects = usualSubjects } = options ?? {}
  checkClock(clock, ['now', 'monotonic'])
  if (!Number.isSafeInteger(maxSubjects) || maxSubjects < 1 || maxSubjects > mostSubjects) {
    throw invalid('config_invalid', [
      { path: 'maxSubjects', message: `must be a whole number from 1 to ${mostSubjects}` },
    ])
  }
  return new MemoryLimits(clock, maxSubjects)
}

class MemoryLimits implements LimitStore {
  readonly name = 'memory'
  readonly synchronous = true
  readonly shared = false
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #offset: number
  readonly #maxSubjects: number
  readonly #subjects = new LimitSubjects()
  /** By charge of the request at hand: where its subject is, -1: nowhere. Kept, to allocate nothing for a request. */
  readonly #places: number[] = []
  /** How many limits the request at hand asks. */
  #asked = 0
  #owed = 0
  #closed = false

  constructor(clock: Pick<Clock, 'now' | 'monotonic'>, maxSubjects: number) {
    this.#clock = clock
    this.#offset = clock.now() - clock.monotonic()
    this.#maxSubjects = maxSubjects
  }

  spend(request: LimitRequest): LimitAnswer {
    const now = this.#now()
    const { workspaceId, charges, force = false } = request
    if (charges.length === 1 && !force && this.#owed === 0) {
      const answer = this.#spendAtOnce(workspaceId, charges[0]!, now)
      if (answer !== undefined) return answer
    }
    const ok = this.#judge(request, now) || force
    const meters = new Array<LimitMeter>(this.#asked)
    let next = 0
    for (let c = 0; c < charges.length; c++) {
      const charge = charges[c]!
      const { rules, cost } = charge
      const missing = ok ? 0 : cost
      let place = this.#places[c]!
      if (ok && cost > 0) {
        place = this.#makeRoom(workspaceId, charge, place, now)
        this.#subjects.shelfOf(place).spend(this.#subjects.rowOf(place), cost)
      }
      if (place < 0) {
        for (const rule of rules) meters[next++] = unusedMeter(rule, now, missing)
        continue
      }
      const shelf = this.#subjects.shelfOf(place)
      const row = this.#subjects.rowOf(place)
      for (let i = 0; i < rules.length; i++) meters[next++] = shelf.meterOf(row, i, rules[i]!, now, missing)
    }
    return { ok, now, meters }
  }

  refund({ workspaceId, subject, rules, units, spentAt }: LimitRefund): void {
    const now = this.#now()
    const place = this.#find(workspaceId, subject, rules, now)
    if (place < 0) return
    const shelf = this.#subjects.shelfOf(place)
    for (const rule of rules) shelf.takeBack(this.#subjects.rowOf(place), rule, spentAt, units)
  }

  forget(workspaceId: string, subject: string): void {
    this.#now()
    this.#subjects.remove(workspaceId, subject)
  }

  close(): void {
    this.#closed = true
    this.#subjects.clear()
  }

  /** The ordinary request: one subject that is known, in the row it has. Undefined: there is more to do. */
  #spendAtOnce(workspaceId: string, charge: LimitCharge, now: number): LimitAnswer | undefined {
    const place = this.#subjects.find(workspaceId, charge.subject)
    if (place < 0) return undefined
    const shelf = this.#subjects.shelfOf(place)
    if (!shelf.matches(charge.rules)) return undefined
    return shelf.spendAtOnce(this.#subjects.rowOf(place), charge, now)
  }

  #now(): number {
    if (this.#closed) throw new KeyrungError('store_unavailable', { internal: 'memory limits: closed' })
    return Math.floor(this.#offset + this.#clock.monotonic())
  }

  /** Finds the subjects of a request, and says whether it fits all their limits. */
  #judge({ workspaceId, charges, force = false }: LimitRequest, now: number): boolean {
    const full = this.#subjects.size + charges.length > this.#maxSubjects
    if (this.#owed > 0 || full) this.#subjects.sweep(this.#owed + (full ? stepsWhenFull : 0), now)
    this.#owed = 0
    this.#asked = 0
    let fits = true
    let unknown = 0
    for (let c = 0; c < charges.length; c++) {
      const { subject, rules, cost } = charges[c]!
      const place = this.#find(workspaceId, subject, rules, now)
      this.#places[c] = place
      this.#asked += rules.length
      if (cost === 0) continue
      if (place < 0) {
        unknown++
        for (let i = 0; i < rules.length; i++) if (cost > rules[i]!.limit) fits = false
        continue
      }
      const shelf = this.#subjects.shelfOf(place)
      const row = this.#subjects.rowOf(place)
      for (let i = 0; i < rules.length; i++) if (shelf.used(row, i) + cost > rules[i]!.limit) fits = false
    }
    if (unknown > 0 && (fits || force) && this.#subjects.size + unknown > this.#maxSubjects) {
      throw new KeyrungError('store_unavailable', {
        internal: `memory limits: ${this.#maxSubjects} subjects are being counted, and there is no room for another`,
      })
    }
    return fits
  }

  /** A place for a subject that has none, or none that can count so much. */
  #makeRoom(workspaceId: string, { subject, rules, cost }: LimitCharge, place: number, now: number): number {
    let there = place
    if (there < 0) {
      there = this.#subjects.add(workspaceId, subject, rules, now, cost)
      this.#owed += stepsPerNewcomer
    }
    if (this.#subjects.shelfOf(there).holds(this.#subjects.rowOf(there), cost)) return there
    return this.#subjects.move(workspaceId, subject, there, rules, now, cost)
  }

  /** The place of a subject, where these rules are counted, as it is now. */
  #find(workspaceId: string, subject: string, rules: readonly LimitRule[], now: number): number {
    let place = this.#subjects.find(workspaceId, subject)
    if (place < 0) return place
    if (!this.#subjects.shelfOf(place).matches(rules)) {
      place = this.#subjects.move(workspaceId, subject, place, rules, now)
    }
    const shelf = this.#subjects.shelfOf(place)
    shelf.turn(now)
    shelf.settle(this.#subjects.rowOf(place), now)
    return place
  }
}

/** How a limit stands of which nothing is used. */
function unusedMeter(rule: LimitRule, now: number, cost: number): LimitMeter {
  const fits = cost <= rule.limit
  return { rule, used: 0, remaining: rule.limit, resetAt: now, retryAt: fits ? now : null, fits }
}
