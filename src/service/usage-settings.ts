import type { Fault } from '../core/errors.js'
import { ownProperties } from '../core/own-properties.js'
import { describeUnknownOption } from '../core/suggestion.js'

/** What a host says about counting what keys are used for; false: it is not counted. */
export type UsageOptions =
  | false
  | {
      /**
       * How many days usage is kept, beside the present one: up to 3,660; 0: as long as its key is there.
       *
       * @defaultValue `90`
       */
      readonly retentionDays?: number
    }

/** How usage is counted and kept. */
export interface UsageSettings {
  readonly counts: boolean
  /** Infinite where usage is kept as long as its key. */
  readonly retentionDays: number
}

const usualRetentionDays = 90
const longestRetentionDays = 3_660

/** Reads a host's settings for usage; what was counted before it was turned off still goes in time. */
export function readUsageSettings(options: unknown, faults: Fault[]): UsageSettings {
  if (options === false) return { counts: false, retentionDays: usualRetentionDays }
  const given = ownProperties(options === undefined ? {} : options)
  if (!given) faults.push({ path: 'usage', message: 'must be false, or an object of options' })
  for (const name of given?.keys() ?? []) {
    if (name !== 'retentionDays')
      faults.push({ path: `usage.${name}`, message: describeUnknownOption(name, ['retentionDays']) })
  }
  const days = given?.get('retentionDays') ?? usualRetentionDays
  const isDays =
    Number.isSafeInteger(days) && (days as number) >= 0 && (days as number) <= longestRetentionDays
  if (!isDays) {
    const message = `must be whole days, from 0 (as long as the key) to ${longestRetentionDays}`
    faults.push({ path: 'usage.retentionDays', message })
  }
  return { counts: true, retentionDays: isDays && days !== 0 ? (days as number) : Infinity }
}
