import type { UsageEntry, UsageRow } from '../../ports/usage-store.js'

/** A row whose calls are still added to. */
export type CountedUsage = { -readonly [P in keyof UsageRow]: UsageRow[P] }

/** What tells the rows of one day and key apart. */
export function rowName({ permission, outcome }: UsageRow): string {
  return `${outcome} ${permission}`
}

/** What keys were used for: by key, day, and the rest. */
export class UsageTable {
  readonly #keys = new Map<string, Map<number, Map<string, CountedUsage>>>()

  add({ keyId, day, permission, outcome, calls }: UsageEntry): void {
    let days = this.#keys.get(keyId)
    if (!days) this.#keys.set(keyId, (days = new Map()))
    let rows = days.get(day)
    if (!rows) days.set(day, (rows = new Map()))
    const row = { day, permission, outcome, calls }
    const before = rows.get(rowName(row))
    if (before) before.calls += calls
    else rows.set(rowName(row), row)
  }

  *of(keyId: string, fromDay: number, toDay: number): Generator<UsageRow, void> {
    for (const [day, rows] of this.#keys.get(keyId) ?? []) {
      if (day >= fromDay && day <= toDay) yield* rows.values()
    }
  }

  /** Removes at most so many rows of a key, of days before one; answers how many. */
  remove(keyId: string, limit: number, beforeDay = Infinity): number {
    let removed = 0
    const days = this.#keys.get(keyId)
    for (const [day, rows] of days ?? []) {
      if (day >= beforeDay) continue
      for (const name of rows.keys()) {
        if (removed >= limit) return removed
        rows.delete(name)
        removed++
      }
      days!.delete(day)
    }
    if (days?.size === 0) this.#keys.delete(keyId)
    return removed
  }

  /** The same of all keys. */
  removeBefore(day: number, limit: number): number {
    let removed = 0
    for (const keyId of this.#keys.keys()) {
      if (removed >= limit) break
      removed += this.remove(keyId, limit - removed, day)
    }
    return removed
  }
}
