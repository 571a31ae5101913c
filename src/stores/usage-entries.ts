import { isUsageOutcome } from '../core/usage.js'
import type { UsageEntry } from '../ports/usage-store.js'
import { isName } from './intake.js'

/** Tells entries apart that are counted apart. */
function usageName({ keyId, day, permission, outcome }: UsageEntry): string {
  return JSON.stringify([keyId, day, permission, outcome])
}

/** The entries that can be kept, those of one name as one, each by its name. */
export function mergeUsage(entries: readonly UsageEntry[]): ReadonlyMap<string, UsageEntry> {
  const merged = new Map<string, UsageEntry>()
  for (const entry of entries) {
    if (!isKeepable(entry)) continue
    const name = usageName(entry)
    const calls = entry.calls + (merged.get(name)?.calls ?? 0)
    merged.set(name, { ...entry, calls })
  }
  return merged
}

function isKeepable({ keyId, day, permission, outcome, calls }: UsageEntry): boolean {
  return (
    isName(keyId) &&
    Number.isSafeInteger(day) &&
    isName(permission) &&
    isUsageOutcome(outcome) &&
    Number.isSafeInteger(calls) &&
    calls > 0
  )
}
