import type { UsageEntry, UsageRequest, UsageRow } from '../../ports/usage-store.js'
import { mergeUsage } from '../usage-entries.js'
import type { Tables } from './tables.js'
import { rowName } from './usage-table.js'
import type { CountedUsage } from './usage-table.js'

/** Adds usage of keys that are there. */
export function recordUsage(tables: Tables, entries: readonly UsageEntry[]): void {
  for (const entry of mergeUsage(entries).values()) {
    if (tables.find('key', entry.keyId)) tables.usage.add(entry)
  }
}

/** The usage of a key, or the sums over the keys of a workspace. */
export function findUsage(tables: Tables, request: UsageRequest): readonly UsageRow[] {
  const { workspaceId, keyId, fromDay, toDay, limit } = request
  const sums = new Map<string, CountedUsage>()
  if (limit <= 0) return []
  const keys = keyId === undefined ? (tables.keyLists.find(workspaceId)?.ascending() ?? []) : [keyId]
  for (const id of keys) {
    if (tables.find('key', id)?.workspaceId !== workspaceId) continue
    for (const row of tables.usage.of(id, fromDay, toDay)) {
      const name = `${row.day} ${rowName(row)}`
      const sum = sums.get(name)
      if (sum) sum.calls += row.calls
      else if (sums.size < limit) sums.set(name, { ...row })
    }
  }
  return [...sums.values()]
}
