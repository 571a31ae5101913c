/** What a call came to: it went on, waits for a human, was refused, or was refused for a limit. */
export type UsageOutcome = 'allow' | 'approval' | 'deny' | 'limited'

/** Every outcome that usage is counted by. */
export const usageOutcomes: readonly UsageOutcome[] = ['allow', 'approval', 'deny', 'limited']

/** Says whether a value is an outcome that usage is counted by. */
export function isUsageOutcome(value: unknown): value is UsageOutcome {
  return (usageOutcomes as readonly unknown[]).includes(value)
}

/** The most entries that are added together or not at all; a longer list is added in parts. */
export const maxUsageEntries = 1_000

const dayMs = 86_400_000

/** The number of the day in UTC, counted from 1970-01-01, that an instant lies in. */
export function dayAt(at: number): number {
  return Math.floor(at / dayMs)
}
