import { createReport } from '../core/definition-report.js'
import type { Fault } from '../core/errors.js'
import { describeLack } from '../core/given.js'
import { noLimits } from '../core/key-limits.js'
import { maxUnits, readLimits } from '../core/limit.js'
import type { Limit, LimitRule } from '../core/limit.js'
import { ownProperties } from '../core/own-properties.js'
import { isDuration } from '../core/time.js'
import type { LimitStore } from '../ports/limit-store.js'
import { readSourceLimit } from './source-allowance.js'
import type { SourceLimitOptions } from './source-allowance.js'

/** Where what is used is counted, and what holds for more than one key. */
export interface LimitOptions extends SourceLimitOptions {
  /** Where units are counted; left out, where the store counts itself, as the one in memory does. */
  readonly store?: LimitStore
  /** Limits of each workspace: all its keys together. */
  readonly workspace?: readonly Limit[]
  /** Limits of each owner: all keys in a workspace that are bound to one user together. */
  readonly owner?: readonly Limit[]
  /**
   * What happens while the limit store cannot be reached. `'deny'`: every request that would cost something is refused
   * with `limits_unavailable`. `{ share }`: this instance counts by itself, up to that part of each limit, above 0 and
   * at most 1; what it spent is debited when the store is back. @defaultValue `'deny'`
   */
  readonly onFailure?: 'deny' | { readonly share: number }
  /** Debits so many units ahead, where limits are high enough, and spends them without asking the store. */
  readonly leases?: { readonly units: number }
  /** How long the limit store may take, in milliseconds. @defaultValue `1000` */
  readonly timeoutMs?: number
}

/** The options, checked, with their defaults filled in. */
export interface LimitSettings {
  /** Null: nothing can be counted. */
  readonly store: LimitStore | null
  readonly workspace: readonly LimitRule[]
  readonly owner: readonly LimitRule[]
  /** The part of each limit that this instance may spend by itself; null: none. */
  readonly share: number | null
  /** Null: every unit is asked for. */
  readonly leaseUnits: number | null
  readonly timeoutMs: number
  /** What each source may present of credentials that are not valid; null: any number. */
  readonly sources: LimitRule | null
}

const known = ['store', 'workspace', 'owner', 'onFailure', 'leases', 'timeoutMs', 'sources']
const calls = ['spend', 'refund', 'forget', 'close']
const longestTimeoutMs = 60_000
const usualTimeoutMs = 1_000

/**
 * Fills in the defaults; what is wrong goes into `faults`, with its path.
 *
 * @param own the limit store that the host's store brings with it, if it does
 */
export function readLimitSettings(
  options: unknown,
  own: LimitStore | undefined,
  faults: Fault[],
): LimitSettings {
  const report = createReport()
  const given = options === undefined ? undefined : report.properties('limits', options, known)
  const list = (name: string): readonly LimitRule[] => {
    const value = given?.get(name)
    return value === undefined ? noLimits : readLimits(value, `limits.${name}`, report)
  }
  const store = given?.get('store')
  const lack = store === undefined ? null : describeLack(store, calls)
  if (lack !== null) report.add('limits.store', `must have the functions ${calls.join(', ')}, and ${lack}`)
  const timeoutMs = given?.get('timeoutMs') ?? usualTimeoutMs
  if (!(isDuration(timeoutMs, longestTimeoutMs) && timeoutMs > 0)) {
    report.add('limits.timeoutMs', 'must be whole milliseconds, from 1 to a minute')
  }
  const settings = {
    store: (store as LimitStore | undefined) ?? own ?? null,
    workspace: list('workspace'),
    owner: list('owner'),
    share: readShare(given?.get('onFailure'), report.add),
    leaseUnits: readUnits(given?.get('leases'), report.add),
    timeoutMs: timeoutMs as number,
    sources: readSourceLimit(given?.get('sources'), faults),
  }
  faults.push(...report.faults)
  return settings
}

function readShare(value: unknown, add: (path: string, message: string) => void): number | null {
  if (value === undefined || value === 'deny') return null
  const members = ownProperties(value)
  const share = members?.get('share')
  if (members?.size === 1 && typeof share === 'number' && share > 0 && share <= 1) return share
  add('limits.onFailure', "must be 'deny', or { share } with a part above 0 and at most 1")
  return null
}

function readUnits(value: unknown, add: (path: string, message: string) => void): number | null {
  if (value === undefined) return null
  const members = ownProperties(value)
  const units = members?.get('units')
  const isFit = Number.isSafeInteger(units) && (units as number) >= 1 && (units as number) <= maxUnits
  if (members?.size === 1 && isFit) return units as number
  add('limits.leases', 'must be { units } with a whole number above 0')
  return null
}
