import type { LimitRule } from '../../core/limit.js'
import { bucketAt, bucketStart, mostCounted } from '../../core/limit-window.js'
import type { LimitMeter, LimitState } from '../../core/limit-window.js'
import type { LimitAnswer, LimitCharge } from '../../ports/limit-store.js'
import { chunkBits, chunkRows, createChunk, enlargeChunk } from './limit-chunk.js'
import type { LimitChunk } from './limit-chunk.js'

const rowMask = chunkRows - 1
const firstRows = 4

/**
 * The counts of all subjects whose limits are counted in the same buckets, a row for each.
 *
 * Its time never goes back; `turn` is called with it before anything is asked of a row, and `settle` before what counts
 * in a row is looked at.
 */
export class LimitShelf {
  readonly id: number
  /** What it is found by. */
  readonly windows: string
  readonly rules: readonly LimitRule[]
  /** The text of limits that a row's subject once had, and that still say something. */
  readonly kept = new Map<number, string>()
  readonly #most: readonly number[]
  readonly #width: number
  readonly #present: number[]
  readonly #positions: number[]
  /** By rule, when what is spent now counts no more. */
  readonly #ends: number[]
  readonly #chunks: LimitChunk[] = []
  readonly #free: number[] = []
  #rows = 0
  #from = Infinity
  #until = -Infinity
  #lastRules: readonly LimitRule[]

  /** @param most by rule, the most that one bucket has to be able to count */
  constructor(id: number, windows: string, rules: readonly LimitRule[], most: readonly number[]) {
    this.id = id
    this.windows = windows
    this.rules = rules
    this.#lastRules = rules
    this.#most = most
    this.#width = rules.length
    this.#present = rules.map(() => 0)
    this.#positions = rules.map(() => 0)
    this.#ends = rules.map(() => 0)
  }

  /** How many subjects it holds. */
  get size(): number {
    return this.#rows - this.#free.length
  }

  /** Says whether what these rules count is counted here. */
  matches(rules: readonly LimitRule[]): boolean {
    if (rules === this.#lastRules) return true
    if (rules.length !== this.#width) return false
    for (let i = 0; i < rules.length; i++) if (!isCountedAlike(rules[i]!, this.rules[i]!)) return false
    this.#lastRules = rules
    return true
  }

  turn(now: number): void {
    if (now >= this.#from && now < this.#until) return
    this.#from = 0
    this.#until = Infinity
    for (const [i, rule] of this.rules.entries()) {
      const bucket = bucketAt(rule, now)
      this.#present[i] = bucket
      this.#positions[i] = bucket % rule.buckets
      this.#ends[i] = bucketStart(rule, bucket + rule.buckets)
      this.#from = Math.max(this.#from, bucketStart(rule, bucket))
      this.#until = Math.min(this.#until, bucketStart(rule, bucket + 1))
    }
  }

  /** A row in which nothing is spent. */
  take(workspaceId: string, now: number): number {
    const row = this.#free.pop() ?? this.#add()
    const chunk = this.#chunks[row >> chunkBits]!
    chunk.turnedAt[row & rowMask] = now
    chunk.workspaceIds[row & rowMask] = workspaceId
    return row
  }

  release(row: number): void {
    const chunk = this.#chunks[row >> chunkBits]!
    const at = row & rowMask
    for (const [i, { buckets }] of this.rules.entries()) {
      chunk.counts[i]!.fill(0, at * buckets, (at + 1) * buckets)
      chunk.sums[at * this.#width + i] = 0
    }
    chunk.workspaceIds[at] = ''
    this.kept.delete(row)
    this.#free.push(row)
  }

  workspaceIdOf(row: number): string {
    return this.#chunks[row >> chunkBits]!.workspaceIds[row & rowMask]!
  }

  /** Takes what has come free out of a row. */
  settle(row: number, now: number): void {
    const chunk = this.#chunks[row >> chunkBits]!
    const at = row & rowMask
    const before = chunk.turnedAt[at]!
    if (before >= this.#from) return
    for (let i = 0; i < this.#width; i++) {
      const index = at * this.#width + i
      let rest = chunk.sums[index]!
      if (rest === 0) continue
      const { buckets } = this.rules[i]!
      const bucket = bucketAt(this.rules[i]!, before)
      const ring = chunk.counts[i]!
      let position = chunk.ends[2 * index]!
      let age = ((bucket - position) % buckets) + this.#present[i]! - bucket
      while (rest > 0 && age >= buckets) {
        rest -= ring[at * buckets + position]!
        ring[at * buckets + position] = 0
        position = position === buckets - 1 ? 0 : position + 1
        age--
      }
      chunk.sums[index] = rest
      chunk.ends[2 * index] = position
    }
    chunk.turnedAt[at] = now
  }

  used(row: number, i: number): number {
    return this.#chunks[row >> chunkBits]!.sums[(row & rowMask) * this.#width + i]!
  }

  /** Says whether so much more can be counted in the present buckets of a row. */
  holds(row: number, units: number): boolean {
    const chunk = this.#chunks[row >> chunkBits]!
    const at = row & rowMask
    for (let i = 0; i < this.#width; i++) {
      const most = this.#most[i]!
      // No bucket counts more than all of them.
      if (most === mostCounted || chunk.sums[at * this.#width + i]! + units <= most) continue
      if (chunk.counts[i]![at * this.rules[i]!.buckets + this.#positions[i]!]! + units > most) return false
    }
    return true
  }

  spend(row: number, units: number): void {
    const chunk = this.#chunks[row >> chunkBits]!
    for (let i = 0; i < this.#width; i++) this.#count(chunk, row & rowMask, i, this.#positions[i]!, units)
  }

  /** Takes back what was spent in the bucket of an instant, as far as it counts there. */
  takeBack(row: number, rule: LimitRule, at: number, units: number): void {
    const i = this.rules.findIndex(({ name }) => name === rule.name)
    const age = this.#present[i]! - bucketAt(rule, at)
    if (age < 0 || age >= rule.buckets) return
    const chunk = this.#chunks[row >> chunkBits]!
    const position = (this.#positions[i]! - age + rule.buckets) % rule.buckets
    const index = (row & rowMask) * rule.buckets + position
    const back = Math.min(units, chunk.counts[i]![index]!)
    chunk.counts[i]![index]! -= back
    chunk.sums[(row & rowMask) * this.#width + i]! -= back
  }

  /**
   * Does all that an ordinary request needs in one go: to find the row once saves about a tenth of the time.
   *
   * @returns undefined where the row has no room to count it
   */
  spendAtOnce(row: number, { rules, cost }: LimitCharge, now: number): LimitAnswer | undefined {
    this.turn(now)
    this.settle(row, now)
    const chunk = this.#chunks[row >> chunkBits]!
    const at = row & rowMask
    let ok = true
    for (let i = 0; i < rules.length; i++) {
      if (chunk.sums[at * this.#width + i]! + cost > rules[i]!.limit) ok = cost === 0
    }
    if (ok && cost > 0) {
      if (!this.holds(row, cost)) return undefined
      for (let i = 0; i < rules.length; i++) this.#count(chunk, at, i, this.#positions[i]!, cost)
    }
    const meters = new Array<LimitMeter>(rules.length)
    for (let i = 0; i < rules.length; i++)
      meters[i] = this.#meterOf(chunk, at, i, rules[i]!, now, ok ? 0 : cost)
    return { ok, now, meters }
  }

  /**
   * How a limit of a row stands.
   *
   * @param rule the limit as it is now
   * @param cost what did not fit; 0 for what was spent
   */
  meterOf(row: number, i: number, rule: LimitRule, now: number, cost: number): LimitMeter {
    return this.#meterOf(this.#chunks[row >> chunkBits]!, row & rowMask, i, rule, now, cost)
  }

  /** What is spent of a limit, as the core tells it. */
  stateOf(row: number, i: number): LimitState {
    const { buckets } = this.rules[i]!
    const ring = this.#chunks[row >> chunkBits]!.counts[i]!
    const start = (row & rowMask) * buckets
    const counts = Array.from(
      { length: buckets },
      (_, age) => ring[start + ((this.#positions[i]! - age + buckets) % buckets)]!,
    )
    return { bucket: this.#present[i]!, counts }
  }

  /** Counts what is spent of a limit in a row that was just taken. */
  put(row: number, i: number, { bucket, counts }: LimitState): void {
    const { buckets } = this.rules[i]!
    const chunk = this.#chunks[row >> chunkBits]!
    for (let index = counts.length - 1; index >= 0; index--) {
      const age = this.#present[i]! - bucket + index
      if (counts[index] === 0 || age < 0 || age >= buckets) continue
      this.#count(chunk, row & rowMask, i, (this.#positions[i]! - age + buckets) % buckets, counts[index]!)
    }
  }

  #meterOf(chunk: LimitChunk, at: number, i: number, rule: LimitRule, now: number, cost: number): LimitMeter {
    const used = chunk.sums[at * this.#width + i]!
    const left = rule.limit - used
    const fits = cost === 0 || cost <= left
    return {
      rule,
      used,
      remaining: left > 0 ? left : 0,
      resetAt: used === 0 ? now : this.#resetAt(chunk, at, i),
      retryAt: fits ? now : cost > rule.limit ? null : this.#freeAt(chunk, at, i, cost - left),
      fits,
    }
  }

  /** Counts some more, in no bucket older than any that counts. */
  #count({ counts, sums, ends }: LimitChunk, at: number, i: number, position: number, units: number): void {
    const ring = counts[i]!
    const cell = at * this.rules[i]!.buckets + position
    const index = at * this.#width + i
    const before = ring[cell]!
    const after = Math.min(before + units, mostCounted)
    ring[cell] = after
    if (sums[index] === 0) ends[2 * index] = position
    ends[2 * index + 1] = position
    sums[index]! += after - before
  }

  /** The first instant at which nothing of what counts now counts any more. */
  #resetAt({ counts, ends }: LimitChunk, at: number, i: number): number {
    const rule = this.rules[i]!
    const ring = counts[i]!
    const end = 2 * (at * this.#width + i) + 1
    let position = ends[end]!
    while (ring[at * rule.buckets + position] === 0)
      position = position === 0 ? rule.buckets - 1 : position - 1
    ends[end] = position
    return this.#endOf(rule, i, position)
  }

  /** The first instant at which so much of what counts now, and no less, counts no more. */
  #freeAt({ counts, ends }: LimitChunk, at: number, i: number, units: number): number {
    const rule = this.rules[i]!
    const ring = counts[i]!
    const start = at * rule.buckets
    const end = 2 * (at * this.#width + i)
    let position = ends[end]!
    while (ring[start + position] === 0) position = position === rule.buckets - 1 ? 0 : position + 1
    ends[end] = position
    for (let missing = units - ring[start + position]!; missing > 0; missing -= ring[start + position]!) {
      position = position === rule.buckets - 1 ? 0 : position + 1
    }
    return this.#endOf(rule, i, position)
  }

  /** When what is spent in a bucket of a ring, by its position, counts no more. */
  #endOf(rule: LimitRule, i: number, position: number): number {
    const behind = this.#positions[i]! - position
    const age = behind < 0 ? behind + rule.buckets : behind
    return this.#ends[i]! - age * rule.bucketMs
  }

  #add(): number {
    const row = this.#rows++
    const number = row >> chunkBits
    const chunk = this.#chunks[number]
    if (chunk === undefined) {
      this.#chunks.push(createChunk(number === 0 ? firstRows : chunkRows, this.rules, this.#most))
    } else if ((row & rowMask) >= chunk.rows) {
      const rows = Math.min(2 * chunk.rows, chunkRows)
      this.#chunks[number] = enlargeChunk(chunk, rows, this.rules, this.#most)
    }
    return row
  }
}

/** Says whether what was counted for one rule is counted for another. */
function isCountedAlike(a: LimitRule, b: LimitRule): boolean {
  return a.name === b.name && a.kind === b.kind && a.bucketMs === b.bucketMs && a.buckets === b.buckets
}
