import type { Report } from './definition-report.js'
import { joined } from './definition-report.js'
import { isDuration, latestInstant } from './time.js'

/** How long keys may last; the tighter of the host's and the plan's holds. */
export interface Lifetime {
  /** Whether every key has to expire. */
  readonly requireExpiry?: boolean
  /** The longest that a key may last from its making, in milliseconds; a key that never expires lasts longer. */
  readonly maxLifetimeMs?: number
  /** How long a key lasts for which nothing is said, in milliseconds. */
  readonly defaultLifetimeMs?: number
}

/** The names of the options of a {@link Lifetime}. */
export const lifetimeOptions = ['requireExpiry', 'maxLifetimeMs', 'defaultLifetimeMs'] as const

/** No rule at all: keys last as long as their makers say. */
export const anyLifetime: Lifetime = Object.freeze({})

const longestMs = 100 * 366 * 86_400_000

/** Reads the options of a lifetime, and tells of everything that is wrong with them. */
export function readLifetime(
  given: { readonly [name in keyof Lifetime]?: unknown },
  path: string,
  report: Report,
): Lifetime {
  const { requireExpiry, maxLifetimeMs, defaultLifetimeMs } = given
  const isBoolean = requireExpiry === undefined || typeof requireExpiry === 'boolean'
  if (!isBoolean) report.add(joined(path, 'requireExpiry'), 'must be true or false')
  for (const name of ['maxLifetimeMs', 'defaultLifetimeMs'] as const) {
    const value = given[name]
    if (value !== undefined && !(isDuration(value, longestMs) && value > 0)) {
      report.add(joined(path, name), 'must be whole milliseconds above 0, at most 100 years')
    }
  }
  if ((defaultLifetimeMs as number) > (maxLifetimeMs as number)) {
    report.add(joined(path, 'defaultLifetimeMs'), 'must be at most maxLifetimeMs')
  }
  const lifetime = { requireExpiry, maxLifetimeMs, defaultLifetimeMs }
  const set = Object.entries(lifetime).filter(([, value]) => value !== undefined)
  return set.length === 0 ? anyLifetime : Object.freeze(Object.fromEntries(set))
}

/** When a key expires for which nothing is said; null: never. */
export function usualExpiry(host: Lifetime, plan: Lifetime, createdAt: number): number | null {
  const usual = Math.min(host.defaultLifetimeMs ?? Infinity, plan.defaultLifetimeMs ?? Infinity)
  if (usual === Infinity) return null
  return endOf(createdAt, Math.min(usual, host.maxLifetimeMs ?? Infinity, plan.maxLifetimeMs ?? Infinity))
}

/** Names the limit that an expiry breaks, and the latest allowed instant; null when it breaks none. */
export function findLifetimeFault(
  host: Lifetime,
  plan: Lifetime,
  { createdAt, expiresAt }: { readonly createdAt: number; readonly expiresAt: number | null },
  show: (instant: number) => string,
): string | null {
  const isPlans = (plan.maxLifetimeMs ?? Infinity) < (host.maxLifetimeMs ?? Infinity)
  const { maxLifetimeMs } = isPlans ? plan : host
  if (maxLifetimeMs !== undefined) {
    const end = endOf(createdAt, maxLifetimeMs)
    if (expiresAt !== null && expiresAt <= end) return null
    const limit = isPlans ? "the plan's maxLifetimeMs" : 'keys.maxLifetimeMs'
    return `must be ${show(end)} or earlier: ${limit} is ${maxLifetimeMs}`
  }
  if (expiresAt !== null || !(host.requireExpiry || plan.requireExpiry)) return null
  const limit = host.requireExpiry ? 'keys.requireExpiry' : "the plan's requireExpiry"
  return `must be an instant in the future: ${limit} lets no key last for ever`
}

function endOf(createdAt: number, lifetimeMs: number): number {
  return Math.min(createdAt + lifetimeMs, latestInstant)
}
