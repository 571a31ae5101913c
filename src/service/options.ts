import type { AnyCatalog, ScopeOf } from '../core/catalog.js'
import { invalid } from '../core/errors.js'
import type { Fault } from '../core/errors.js'
import { describeGiven, describeLack } from '../core/given.js'
import { lifetimeOptions } from '../core/lifetime.js'
import { ownProperties } from '../core/own-properties.js'
import { isDuration } from '../core/time.js'
import { describeUnknownOption } from '../core/suggestion.js'
import type { HostSecretInput } from '../crypto/host-secret.js'
import type { KeyFormatOptions } from '../crypto/key-format.js'
import type { Entropy } from '../crypto/random.js'
import type { AuditSink } from '../ports/audit-sink.js'
import type { Clock } from '../ports/clock.js'
import type { Directory } from '../ports/directory.js'
import type { Entitlements } from '../ports/entitlements.js'
import type { Freshness, Store } from '../ports/store.js'
import type { ApprovalOptions } from './approval-settings.js'
import type { CacheBounds } from './credential-source.js'
import type { HttpOptions } from './http-settings.js'
import type { KeySettingsOptions } from './key-settings.js'
import type { LimitOptions } from './limit-settings.js'
import type { Notify } from './notice.js'
import type { TokenOptions } from './token-settings.js'
import type { UsageOptions } from './usage-settings.js'
import type { WebhookOptions } from './webhook-settings.js'

/** How keys look and are kept; `E` are the environments. */
export interface KeyOptions<E extends string = string> extends KeySettingsOptions {
  readonly prefix: KeyFormatOptions['prefix']
  /** @defaultValue `['live']` */
  readonly environments?: readonly E[]
}

/** What {@link createKeyrung} is made of. */
export interface KeyrungOptions<C extends AnyCatalog, E extends string = string> {
  readonly catalog: C
  readonly store: Store
  /**
   * At least 32 characters that only the host knows, or several of which the first writes and all read; digests of
   * keys are peppered with it, and what waits for an approval is encrypted under it. Rotate it by `[old, new]`, then `[new, old]`, then `[new]`.
   */
  readonly secret?: HostSecretInput | undefined
  /** `none`: digests are plain SHA-256, and no secret is needed, unless anything is to wait for approval. */
  readonly pepper?: 'none'
  readonly keys: KeyOptions<E>
  /** The host's plans; left out, every workspace may do everything. */
  readonly entitlements?: Entitlements<NoInfer<ScopeOf<C>>>
  /** The host's users; left out, an admin's rights are full and no key can have an owner. */
  readonly directory?: Directory<NoInfer<ScopeOf<C>>>
  /** Where change events go, beside the store. */
  readonly sinks?: readonly AuditSink[]
  readonly http?: HttpOptions
  /** What keys are used for is counted by day, permission and outcome; false: it is not. */
  readonly usage?: UsageOptions
  /** How long an answer of a hook may be used, in milliseconds; 0 asks with every request. @defaultValue `1000` */
  readonly hookLeaseMs?: number
  /** How long a hook may take, in milliseconds. @defaultValue `5000` */
  readonly hookTimeoutMs?: number
  /** `cached` keeps credentials for a lease where the store itself would be asked each time. */
  readonly freshness?: Exclude<Freshness, 'exclusive'>
  /** How long a cached credential may be used, in milliseconds; every change waits as long. @defaultValue `1000` */
  readonly leaseMs?: number
  readonly cache?: CacheBounds
  /** Where and how what keys use is counted; left out, only where limits are configured and the store itself counts. */
  readonly limits?: LimitOptions
  /** Where keys' webhooks may lead, and how they are delivered. */
  readonly webhooks?: WebhookOptions
  /** How what needs a human's approval is queued and decided. */
  readonly approvals?: ApprovalOptions
  /** Access tokens that keys are exchanged for; left out, there are none. */
  readonly tokens?: TokenOptions
  /** How long the store may take, in milliseconds. @defaultValue `5000` */
  readonly storeTimeoutMs?: number
  /** Where notices for the operator go. @defaultValue a line on the console's error stream */
  readonly notify?: Notify
  readonly clock?: Clock
  /** Where randomness comes from: for tests only. */
  readonly entropy?: Entropy
}

/** The durations, with their defaults filled in. */
export interface Durations {
  readonly hookLeaseMs: number
  readonly hookTimeoutMs: number
  readonly leaseMs: number
  readonly storeTimeoutMs: number
}

const known = new Set([
  ...['catalog', 'store', 'secret', 'pepper', 'keys', 'entitlements', 'directory', 'sinks', 'http'],
  ...['hookLeaseMs', 'hookTimeoutMs', 'freshness', 'leaseMs', 'cache', 'storeTimeoutMs', 'limits'],
  ...['notify', 'clock', 'entropy', 'usage', 'approvals', 'webhooks', 'tokens'],
])
const knownOfKeys = new Set<string>([
  'prefix',
  'environments',
  'lifecycle',
  'canManage',
  'checkName',
  'maxGraceMs',
  'limits',
  ...lifetimeOptions,
])
/** What keyrung asks of a store, all of it from the first minute or only once something waits. */
const storeCalls = [
  ...['now', 'commit', 'findSettings', 'purge', 'findSchema', 'migrate', 'close', 'findCredential'],
  ...['findCredentials', 'findCredentialById', 'findKey', 'listKeys', 'countKeys', 'countSecrets'],
  ...['recordUses', 'recordUsage', 'findUsage', 'findIdempotency', 'listEvents', 'listDueMessages'],
  ...['countMessages', 'findApproval', 'findApprovalContent', 'listApprovals', 'listDueApprovals'],
  ...['listVotes', 'findDelivery', 'listDeliveries', 'listDueDeliveries', 'countSealed', 'listSealed'],
] as const satisfies readonly (keyof Store)[]
const knownOfCache = new Set(['max', 'maxUnknown'])
const hourMs = 3_600_000

/**
 * Checks what a host configured, as far as no other part does when it is made.
 *
 * @throws `config_invalid` with every fault, each by its path
 */
export function checkOptions(options: unknown): asserts options is KeyrungOptions<AnyCatalog> {
  const given = ownProperties(options)
  if (!given) throw invalid('config_invalid', [{ path: '', message: 'pass an object of options' }])
  const faults: Fault[] = []
  const fault = (path: string, message: string): void => void faults.push({ path, message })
  /** Demands an object with functions, and says what was given in its place. */
  function demand(name: string, calls: readonly string[], advice: string): void {
    const value = given?.get(name)
    const lack = describeLack(value, calls)
    if (value === undefined) fault(name, `is missing; ${advice}`)
    else if (lack !== null) fault(name, `is none: ${lack}; ${advice}`)
    else if (typeof value === 'function') fault(name, `is none: given was a function; ${advice}`)
  }
  /** Demands the functions of what may be left out. */
  function admit(name: string, calls: readonly string[]): void {
    const value = given?.get(name)
    if (value === undefined) return
    const lack = describeLack(value, calls)
    if (lack !== null) fault(name, `must have ${calls.join(', ')}, and ${lack}`)
  }
  for (const name of given.keys()) if (!known.has(name)) fault(name, describeUnknownOption(name, known))
  for (const name of ownProperties(given.get('keys'))?.keys() ?? []) {
    if (!knownOfKeys.has(name)) fault(`keys.${name}`, describeUnknownOption(name, knownOfKeys))
  }
  demand('catalog', ['findScope'], 'make one with defineCatalog')
  demand('store', storeCalls, 'memoryStore() will do for tests')
  const keys = given.get('keys')
  if (!ownProperties(keys)) {
    const what = keys === undefined ? 'is missing' : `must be an object, and given was ${describeGiven(keys)}`
    fault('keys', `${what}; give at least { prefix: 'acme' }`)
  }
  if (![undefined, 'none'].includes(given.get('pepper') as string)) fault('pepper', "can only be 'none'")
  admit('directory', ['rightsOf'])
  admit('entitlements', ['of'])
  for (const name of ['hookLeaseMs', 'hookTimeoutMs', 'leaseMs', 'storeTimeoutMs']) {
    const value = given.get(name)
    // Hooks may be asked each time; a store that is asked each time is called strict.
    const least = name === 'hookLeaseMs' ? 0 : 1
    if (value !== undefined && !(isDuration(value, hourMs) && value >= least)) {
      fault(name, `must be whole milliseconds, from ${least} to an hour`)
    }
  }
  checkFreshness(given, fault)
  checkBounds(given.get('cache'), fault)
  checkSinks(given.get('sinks'), fault)
  admit('clock', ['now', 'monotonic', 'sleep'])
  for (const name of ['notify', 'entropy']) {
    if (
      ![undefined, 'function'].includes(typeof given.get(name) as 'function') &&
      given.get(name) !== undefined
    ) {
      fault(name, 'must be a function')
    }
  }
  if (faults.length > 0) throw invalid('config_invalid', faults)
}

type Report = (path: string, message: string) => void

function checkFreshness(given: ReadonlyMap<string, unknown>, fault: Report): void {
  const freshness = given.get('freshness')
  if (freshness === undefined) return
  if (freshness !== 'strict' && freshness !== 'cached') fault('freshness', "must be 'strict' or 'cached'")
}

function checkBounds(cache: unknown, fault: Report): void {
  if (cache === undefined) return
  const bounds = ownProperties(cache)
  if (!bounds) return fault('cache', 'must be an object')
  for (const [name, value] of bounds) {
    if (!knownOfCache.has(name)) fault(`cache.${name}`, describeUnknownOption(name, knownOfCache))
    else if (!(isDuration(value, 10_000_000) && value > 0))
      fault(`cache.${name}`, 'must be a whole number above 0')
  }
}

function checkSinks(sinks: unknown, fault: Report): void {
  if (sinks === undefined) return
  if (!Array.isArray(sinks)) return fault('sinks', 'must be a list')
  const names = new Set<unknown>()
  // Holes are faults like whatever else is no sink.
  Array.from<unknown>(sinks).forEach((sink, i) => {
    const name = has(sink, 'write') ? (sink as AuditSink).name : undefined
    if (typeof name !== 'string' || name === '')
      fault(`sinks.${i}`, `must have a name and a function write; given was ${describeGiven(sink)}`)
    else if (names.has(name)) fault(`sinks.${i}`, 'has the name of another sink')
    names.add(name)
  })
}

function has(value: unknown, method: string): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Record<string, unknown>)[method] === 'function'
  )
}

/** Fills in the defaults. */
export function readDurations(options: Partial<Durations>): Durations {
  const { hookLeaseMs = 1_000, hookTimeoutMs = 5_000, leaseMs = 1_000, storeTimeoutMs = 5_000 } = options
  return { hookLeaseMs, hookTimeoutMs, leaseMs, storeTimeoutMs }
}
