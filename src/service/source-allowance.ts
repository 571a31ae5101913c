import type { CredentialRefusal } from '../core/decision.js'
import { createReport } from '../core/definition-report.js'
import type { Fault } from '../core/errors.js'
import { Generations } from '../core/generations.js'
import { readLimits } from '../core/limit.js'
import type { Limit, LimitRule } from '../core/limit.js'
import { planSpending, unspent } from '../core/limit-window.js'
import type { LimitState } from '../core/limit-window.js'
import { addressBucket } from '../net/address.js'
import type { Clock } from '../ports/clock.js'
import type { LimitReport } from './admission.js'
import type { Notify } from './notice.js'

/** Where a credential came from; the address is only asked for where it counts. */
export interface CredentialOrigin {
  readonly address?: string | undefined
}

/** What a host says about the sources of credentials. */
export interface SourceLimitOptions {
  /**
   * How many credentials that are not valid each source may present: an IPv4 address, a /64 network of IPv6. Beyond it,
   * what is not known to be good is refused before the store is asked; without a known address, only after. `false`: any
   * number.
   * @defaultValue `{ name: 'failed-authentication', limit: 60, windowMs: 60_000 }`
   */
  readonly sources?: Limit | false
}

/** How the allowances of sources stand, for a health page. */
export interface SourceState {
  /** What each source may fail in, in the limit's own words. */
  readonly rule: LimitRule
  /** Whether some source has used its allowance up. */
  readonly refusing: boolean
  /** How many requests this instance has refused for it. */
  readonly refused: number
}

/** Whether the store may be asked about what one source presents. */
export interface SourceGate {
  /** Asked only about a secret that is not known good; a no is counted as a refusal. */
  admits(): boolean
  /** How the allowance stands, where it did not admit. */
  readonly report: LimitReport | null
}

/**
 * How often a source may present a credential that is not valid: a flood of them then costs neither the store nor
 * memory, and says nothing about what is wrong with each.
 */
export interface SourceAllowance {
  /**
   * What says whether the store may be asked about a secret that is not known good; about one from an unknown address it
   * always may. Null, without a look at the source, while none has used its allowance up: then it may too.
   */
  gate(origin: CredentialOrigin): SourceGate | null
  /** Counts a credential that was not valid; answers how the allowance stands if it was used up already. */
  spend(origin: CredentialOrigin): LimitReport | null
  /** Null where there is no such limit. */
  state(): SourceState | null
}

/**
 * Says whether a refusal counts against its source: a credential that nobody knows, and a token that has expired, as there may
 * be any number of either.
 */
export function isCharged(code: CredentialRefusal): boolean {
  return code === 'credential_invalid' || code === 'token_expired'
}

/** The most sources told apart at a time; of more, the idlest are forgotten. */
const maxSources = 10_000

/** What all callers are counted under whose address is not known. */
const unknownSource = ''

/** What a source may fail in unless the host says otherwise: a misconfigured client is told, a search for keys is not. */
export const defaultSourceLimit: Limit = { name: 'failed-authentication', limit: 60, windowMs: 60_000 }

/** Without a limit, every source may fail as often as it likes. */
export const unlimitedSources: SourceAllowance = {
  gate: () => null,
  spend: () => null,
  state: () => null,
}

/**
 * Makes the allowances of this instance: they are kept in its memory, so that what they keep from the store does not
 * reach another store instead.
 *
 * An IPv4 address is a source, and so is a /64 network of IPv6; behind proxies that are not configured all have the
 * address of the proxy. All callers without a known address are counted as one, but the store is always asked about what
 * they present: only credentials that turn out not to be valid are refused.
 */
export function createSourceAllowance(options: {
  readonly rule: LimitRule
  readonly clock: Clock
  readonly notify: Notify
  readonly max?: number
}): SourceAllowance {
  const { rule, clock, notify, max = maxSources } = options
  const rules = [rule]
  const states = new Generations<LimitState>(max)
  // On the monotonic clock: setting the wall clock neither frees anything nor refuses for longer.
  const offset = clock.now() - clock.monotonic()
  let overUntil = 0
  let refused = 0
  let toldOfUnknown = false

  function sourceOf({ address }: CredentialOrigin): string {
    const source = addressBucket(address)
    if (source === undefined && !toldOfUnknown) {
      toldOfUnknown = true
      notify({
        code: 'source_unknown',
        message:
          'A credential that is not valid came from an address that is not known. All such callers share one allowance of them (limits.sources): beyond it they are answered 429, the store is still asked, and good keys still pass. Pass ip, or see whether proxies are counted right.',
      })
    }
    return source ?? unknownSource
  }

  function plan(source: string, cost: number) {
    const now = Math.floor(offset + clock.monotonic())
    return { now, ...planSpending(rules, [states.use(source) ?? unspent], now, cost) }
  }

  /** Null if one more credential that is not valid would still fit. */
  function refusal(source: string): LimitReport | null {
    const { ok, now, meters } = plan(source, 1)
    if (ok) return null
    overUntil = Math.max(overUntil, meters[0]!.retryAt!)
    return { now, meters }
  }

  function count(report: LimitReport | null): LimitReport | null {
    if (report !== null) refused++
    return report
  }

  /** Nothing of this is about any one source, so that good callers pay nothing for it while nobody is over. */
  function isAnyOver(): boolean {
    if (overUntil === 0) return false
    if (offset + clock.monotonic() < overUntil) return true
    overUntil = 0
    return false
  }

  return {
    gate(origin) {
      if (!isAnyOver()) return null
      const gate = {
        report: null as LimitReport | null,
        admits() {
          const source = sourceOf(origin)
          // Among callers that cannot be told apart a flood must not lock out the good ones.
          gate.report = source === unknownSource ? null : count(refusal(source))
          return gate.report === null
        },
      }
      return gate
    },
    spend(origin) {
      const source = sourceOf(origin)
      const { ok, states: next } = plan(source, 1)
      if (!ok) return count(refusal(source))
      states.set(source, next[0]!)
      // Whether this was the last that fitted.
      refusal(source)
      return null
    },
    state: () => ({ rule, refusing: isAnyOver(), refused }),
  }
}

/**
 * Reads what a host says about sources: null for no limit at all.
 *
 * @param value undefined for the default, false for none
 */
export function readSourceLimit(value: unknown, faults: Fault[]): LimitRule | null {
  if (value === false) return null
  const report = createReport()
  const [rule] = readLimits([value === undefined ? defaultSourceLimit : value], 'limits.sources', report)
  // There is one, so its place in the list is nobody's business.
  for (const { path, message } of report.faults) faults.push({ path: path.replace('.0', ''), message })
  if (rule?.limit === 0) faults.push({ path: 'limits.sources.limit', message: 'must be at least 1' })
  return rule ?? null
}
