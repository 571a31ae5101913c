import type { LimitRule } from '../../core/limit.js'
import { bucketAt, bucketStart, mostCounted } from '../../core/limit-window.js'
import type { LimitState } from '../../core/limit-window.js'

type Counts = Uint8Array | Uint16Array | Uint32Array

/** Rows that lie together in typed arrays: one array for many subjects costs next to nothing for each. */
interface Chunk {
  readonly rows: number
  /** Of each row the instant up to which its rings have been turned, and by limit what counts: the sum of its ring. */
  readonly numbers: Float64Array
  /** By limit, a ring of buckets for each row. */
  readonly counts: readonly Counts[]
  readonly workspaceIds: string[]
}

const chunkBits = 10
const chunkRows = 1 << chunkBits
const firstRows = 4

/**
 * The counts of all subjects whose limits are counted in the same buckets, a row for each.
 *
 * Its time never goes back; `turn` is called with it before anything is asked of a row.
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
  readonly #chunks: Chunk[] = []
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
    this.#width = 1 + rules.length
    this.#present = rules.map(() => 0)
    this.#positions = rules.map(() => 0)
  }

  /** How many subjects it holds. */
  get size(): number {
    return this.#rows - this.#free.length
  }

  /** Says whether what these rules count can be counted here. */
  matches(rules: readonly LimitRule[]): boolean {
    if (rules === this.#lastRules) return true
    if (rules.length !== this.rules.length) return false
    for (let i = 0; i < rules.length; i++) {
      const asked = rules[i]!
      if (!isCountedAlike(asked, this.rules[i]!) || asked.limit > this.#most[i]!) return false
    }
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
      this.#from = Math.max(this.#from, bucketStart(rule, bucket))
      this.#until = Math.min(this.#until, bucketStart(rule, bucket + 1))
    }
  }

  /** A row in which nothing is spent. */
  take(workspaceId: string, now: number): number {
    const row = this.#free.pop() ?? this.#add()
    const chunk = this.#chunks[row >> chunkBits]!
    chunk.numbers[(row & (chunkRows - 1)) * this.#width] = now
    chunk.workspaceIds[row & (chunkRows - 1)] = workspaceId
    return row
  }

  release(row: number): void {
    const chunk = this.#chunks[row >> chunkBits]!
    const at = row & (chunkRows - 1)
    for (const [i, { buckets }] of this.rules.entries()) {
      chunk.counts[i]!.fill(0, at * buckets, (at + 1) * buckets)
      chunk.numbers[at * this.#width + 1 + i] = 0
    }
    chunk.workspaceIds[at] = ''
    this.kept.delete(row)
    this.#free.push(row)
  }

  workspaceIdOf(row: number): string {
    return this.#chunks[row >> chunkBits]!.workspaceIds[row & (chunkRows - 1)]!
  }

  /** Takes what has come free out of a row. */
  settle(row: number, now: number): void {
    const chunk = this.#chunks[row >> chunkBits]!
    const at = row & (chunkRows - 1)
    const before = chunk.numbers[at * this.#width]!
    if (before >= this.#from) return
    for (let i = 0; i < this.rules.length; i++) {
      const rule = this.rules[i]!
      const index = at * this.#width + 1 + i
      if (chunk.numbers[index] === 0) continue
      const gap = Math.min(this.#present[i]! - bucketAt(rule, before), rule.buckets)
      const ring = chunk.counts[i]!
      const start = at * rule.buckets
      let position = this.#positions[i]!
      for (let turned = 0; turned < gap; turned++) {
        chunk.numbers[index]! -= ring[start + position]!
        ring[start + position] = 0
        position = position === 0 ? rule.buckets - 1 : position - 1
      }
    }
    chunk.numbers[at * this.#width] = now
  }

  used(row: number, i: number): number {
    return this.#chunks[row >> chunkBits]!.numbers[(row & (chunkRows - 1)) * this.#width + 1 + i]!
  }

  /** Says whether so much more can be counted in the present buckets of a row. */
  holds(row: number, units: number): boolean {
    const chunk = this.#chunks[row >> chunkBits]!
    const at = row & (chunkRows - 1)
    return this.rules.every(({ buckets }, i) => {
      const most = this.#most[i]!
      return most === mostCounted || chunk.counts[i]![at * buckets + this.#positions[i]!]! + units <= most
    })
  }

  spend(row: number, units: number): void {
    for (let i = 0; i < this.rules.length; i++) this.#count(row, i, this.#positions[i]!, units)
  }

  /** Takes back what was spent in the bucket of an instant, as far as it counts there. */
  takeBack(row: number, rule: LimitRule, at: number, units: number): void {
    const i = this.rules.findIndex(({ name }) => name === rule.name)
    const age = this.#present[i]! - bucketAt(rule, at)
    if (age < 0 || age >= rule.buckets) return
    const position = (this.#positions[i]! - age + rule.buckets) % rule.buckets
    const ring = this.#chunks[row >> chunkBits]!.counts[i]!
    const there = ring[(row & (chunkRows - 1)) * rule.buckets + position]!
    this.#count(row, i, position, -Math.min(units, there))
  }

  /** The first instant at which nothing counts any more. */
  resetAt(row: number, i: number, now: number): number {
    if (this.used(row, i) === 0) return now
    const rule = this.rules[i]!
    const ring = this.#chunks[row >> chunkBits]!.counts[i]!
    const start = (row & (chunkRows - 1)) * rule.buckets
    let age = 0
    let position = this.#positions[i]!
    while (ring[start + position] === 0) {
      age++
      position = position === 0 ? rule.buckets - 1 : position - 1
    }
    return bucketStart(rule, this.#present[i]! - age + rule.buckets)
  }

  /** The first instant at which no more than so much counts, where now more does. */
  freeAt(row: number, i: number, most: number): number {
    const rule = this.rules[i]!
    const ring = this.#chunks[row >> chunkBits]!.counts[i]!
    const start = (row & (chunkRows - 1)) * rule.buckets
    let rest = this.used(row, i)
    let bucket = this.#present[i]! + 1
    let position = this.#positions[i]!
    while (rest > most) {
      position = position === rule.buckets - 1 ? 0 : position + 1
      rest -= ring[start + position]!
      bucket++
    }
    return bucketStart(rule, bucket - 1)
  }

  /** What is spent of a limit, as the core tells it. */
  stateOf(row: number, i: number): LimitState {
    const { buckets } = this.rules[i]!
    const ring = this.#chunks[row >> chunkBits]!.counts[i]!
    const start = (row & (chunkRows - 1)) * buckets
    const counts = Array.from(
      { length: buckets },
      (_, age) => ring[start + ((this.#positions[i]! - age + buckets) % buckets)]!,
    )
    return { bucket: this.#present[i]!, counts }
  }

  /** Counts what is spent of a limit in a row that was just taken. */
  put(row: number, i: number, state: LimitState): void {
    const { buckets } = this.rules[i]!
    for (const [index, units] of state.counts.entries()) {
      const age = this.#present[i]! - state.bucket + index
      if (units > 0 && age >= 0 && age < buckets) {
        this.#count(row, i, (this.#positions[i]! - age + buckets) % buckets, units)
      }
    }
  }

  #count(row: number, i: number, position: number, units: number): void {
    const chunk = this.#chunks[row >> chunkBits]!
    const at = row & (chunkRows - 1)
    const ring = chunk.counts[i]!
    const index = at * this.rules[i]!.buckets + position
    const before = ring[index]!
    const after = Math.min(before + units, mostCounted)
    ring[index] = after
    chunk.numbers[at * this.#width + 1 + i]! += after - before
  }

  #add(): number {
    const row = this.#rows++
    const number = row >> chunkBits
    const chunk = this.#chunks[number]
    if (chunk === undefined) {
      this.#chunks.push(this.#createChunk(number === 0 ? firstRows : chunkRows))
    } else if ((row & (chunkRows - 1)) >= chunk.rows) {
      const larger = this.#createChunk(Math.min(2 * chunk.rows, chunkRows))
      larger.numbers.set(chunk.numbers)
      for (const [i, counts] of chunk.counts.entries()) larger.counts[i]!.set(counts)
      larger.workspaceIds.push(...chunk.workspaceIds)
      this.#chunks[number] = larger
    }
    return row
  }

  #createChunk(rows: number): Chunk {
    return {
      rows,
      numbers: new Float64Array(rows * this.#width),
      counts: this.rules.map(({ buckets }, i) => createCounts(this.#most[i]!, rows * buckets)),
      workspaceIds: [],
    }
  }
}

/** The most that a bucket has to count is rounded up to one of these: what fits a byte takes one. */
export function roomFor(units: number): number {
  return units <= 255 ? 255 : units <= 65_535 ? 65_535 : mostCounted
}

/** Says whether what was counted for one rule is counted for another. */
function isCountedAlike(a: LimitRule, b: LimitRule): boolean {
  return a.name === b.name && a.kind === b.kind && a.bucketMs === b.bucketMs && a.buckets === b.buckets
}

function createCounts(most: number, length: number): Counts {
  if (most === 255) return new Uint8Array(length)
  return most === 65_535 ? new Uint16Array(length) : new Uint32Array(length)
}
