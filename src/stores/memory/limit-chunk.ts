import type { LimitRule } from '../../core/limit.js'
import { mostCounted } from '../../core/limit-window.js'

/** What buckets are counted in: as wide as the fullest of them needs. */
export type Counts = Uint8Array | Uint16Array | Uint32Array

/** Rows that lie together in typed arrays: one array for many subjects costs next to nothing for each. */
export interface LimitChunk {
  readonly rows: number
  /** Of each row the instant up to which its rings have been turned. */
  readonly turnedAt: Float64Array
  /** Of each row, by limit, what counts: the sum of its ring. */
  readonly sums: Uint32Array | Float64Array
  /**
   * Of each row, by limit, two positions on its ring: nothing counts before the first, in time, nor after the second.
   * They say something only where the sum is above 0, and save looking for either end.
   */
  readonly ends: Uint8Array
  /** By limit, a ring of buckets for each row. */
  readonly counts: readonly Counts[]
  readonly workspaceIds: string[]
}

export const chunkBits = 10
export const chunkRows = 1 << chunkBits

/** @param most by rule, the most that one bucket has to be able to count, as `roomFor` says it */
export function createChunk(rows: number, rules: readonly LimitRule[], most: readonly number[]): LimitChunk {
  const isWide = most.includes(mostCounted)
  return {
    rows,
    turnedAt: new Float64Array(rows),
    sums: isWide ? new Float64Array(rows * rules.length) : new Uint32Array(rows * rules.length),
    ends: new Uint8Array(2 * rows * rules.length),
    counts: rules.map(({ buckets }, i) => createCounts(most[i]!, rows * buckets)),
    workspaceIds: new Array<string>(rows).fill(''),
  }
}

/** The same rows, and room for more. */
export function enlargeChunk(
  chunk: LimitChunk,
  rows: number,
  rules: readonly LimitRule[],
  most: readonly number[],
): LimitChunk {
  const larger = createChunk(rows, rules, most)
  larger.turnedAt.set(chunk.turnedAt)
  larger.sums.set(chunk.sums)
  larger.ends.set(chunk.ends)
  for (const [i, counts] of chunk.counts.entries()) larger.counts[i]!.set(counts)
  for (const [row, workspaceId] of chunk.workspaceIds.entries()) larger.workspaceIds[row] = workspaceId
  return larger
}

/** The most that a bucket has to count is rounded up to one of these: what fits a byte takes one. */
export function roomFor(units: number): number {
  return units <= 255 ? 255 : units <= 65_535 ? 65_535 : mostCounted
}

function createCounts(most: number, length: number): Counts {
  if (most === 255) return new Uint8Array(length)
  return most === 65_535 ? new Uint16Array(length) : new Uint32Array(length)
}
