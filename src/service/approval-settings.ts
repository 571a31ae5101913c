import type { Actor } from '../core/actor.js'
import { invalid } from '../core/errors.js'
import type { Fault } from '../core/errors.js'
import { isPointer } from '../core/json-pointer.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import { ownElements, ownProperties } from '../core/own-properties.js'
import { describeUnknownOption } from '../core/suggestion.js'
import type { Sealer } from '../crypto/sealer.js'
import type { ApprovalView } from './approvals/view.js'

/** What somebody wants to do about approvals. */
export type ApprovalVerb = 'list' | 'get' | 'approve' | 'reject' | 'resolve'

/** How a host has operations approved. */
export interface ApprovalOptions {
  /**
   * Admits whoever decides; only `true` itself admits. The default admits users whose role is `admin`: neither the
   * host's own jobs nor keys decide, unless the host says so. Asked again about the vote of a user without a directory, it is given
   * an empty role, as that of the voting day may have changed: look the user up.
   */
  readonly canDecide?: (actor: Actor, verb: ApprovalVerb, approval?: ApprovalView) => MaybePromise<boolean>
  /** How many have to approve: at most 20. @defaultValue `1` */
  readonly quorum?: number
  /** True: no user decides who owns or has made the asking key, or a key it was made by. @defaultValue `false` */
  readonly fourEyes?: boolean
  /** How long an approval can be decided, in milliseconds: a second to 30 days. @defaultValue 7 days */
  readonly expiresMs?: number
  /** The most that one key may have waiting: at most 10,000. @defaultValue `100` */
  readonly maxPending?: number
  /** The longest body that is queued, in bytes: at most 4 MiB. @defaultValue `262144` */
  readonly maxBodyBytes?: number
  /** How much of a result is kept, in bytes: at most 4 MiB. @defaultValue `65536` */
  readonly maxResultBytes?: number
  /** How long an approver's call waits for the run, in milliseconds: at most a minute. @defaultValue `10000` */
  readonly waitMs?: number
  /** How long a run may be silent before it counts as crashed, in milliseconds: a second to an hour. @defaultValue `30000` */
  readonly leaseMs?: number
  /** How long a run may take, in milliseconds: a second to an hour. @defaultValue `300000` */
  readonly runMs?: number
  /** How long bodies and results are kept after the end, in days: at most 3,660. @defaultValue `30` */
  readonly retentionDays?: number
  /**
   * JSON pointers (RFC 6901) whose values are masked in views and webhooks; `*` stands for any name or index. They hold
   * for JSON, and for fields: of forms, multipart bodies and queries, where `/card/number` is `card[number]` too.
   */
  readonly redact?: readonly string[]
  /** Headers that are stored and replayed beside the usual ones; never credentials. */
  readonly headers?: readonly string[]
}

/** The options, checked, with their defaults filled in. */
export interface ApprovalSettings extends Required<ApprovalOptions> {
  /** The header of the host's own that carries a key, in lower case: it is never stored either. */
  readonly credentialHeader: string | null
}

const dayMs = 86_400_000
const hourMs = 3_600_000
const mebibyte = 1_048_576

/** The numbers there are: what they are unless they are set, and between what. */
const numbers = {
  quorum: { usual: 1, least: 1, most: 20, unit: '' },
  expiresMs: { usual: 7 * dayMs, least: 1_000, most: 30 * dayMs, unit: ' of milliseconds' },
  maxPending: { usual: 100, least: 1, most: 10_000, unit: '' },
  maxBodyBytes: { usual: 262_144, least: 0, most: 4 * mebibyte, unit: ' of bytes' },
  maxResultBytes: { usual: 65_536, least: 0, most: 4 * mebibyte, unit: ' of bytes' },
  waitMs: { usual: 10_000, least: 0, most: 60_000, unit: ' of milliseconds' },
  leaseMs: { usual: 30_000, least: 1_000, most: hourMs, unit: ' of milliseconds' },
  runMs: { usual: 300_000, least: 1_000, most: hourMs, unit: ' of milliseconds' },
  retentionDays: { usual: 30, least: 0, most: 3_660, unit: ' of days' },
} as const satisfies Partial<Record<keyof ApprovalOptions, object>>

const known: ReadonlySet<string> = new Set([
  ...Object.keys(numbers),
  ...['canDecide', 'fourEyes', 'redact', 'headers'],
])

const mostPointers = 100
const mostHeaders = 50

/** Headers by which somebody is known: they are never stored. */
const credentialHeaders: ReadonlySet<string> = new Set([
  ...['authorization', 'proxy-authorization', 'cookie', 'cookie2', 'set-cookie', 'x-api-key'],
  ...['api-key', 'apikey', 'x-auth-token', 'x-access-token', 'x-csrf-token', 'x-xsrf-token'],
])

/** Says whether a header, by its name in lower case, is one by which somebody is known. */
export function isCredentialHeader(
  name: string,
  { credentialHeader }: Pick<ApprovalSettings, 'credentialHeader'>,
): boolean {
  return credentialHeaders.has(name) || name === credentialHeader
}

/**
 * Reads a host's settings for approvals; what is wrong goes into `faults`, with its path.
 *
 * @param credentialHeaderOfHost the header of the host's own that carries a key, where there is one
 */
export function readApprovalSettings(
  options: unknown,
  credentialHeaderOfHost: string | null,
  faults: Fault[],
): ApprovalSettings {
  const credentialHeader = credentialHeaderOfHost?.toLowerCase() ?? null
  const fault = (path: string, message: string): void => void faults.push({ path, message })
  const properties = options === undefined ? new Map<string, unknown>() : ownProperties(options)
  if (!properties) fault('approvals', 'must be an object of options')
  const given = new Map(properties ?? [])
  for (const name of given.keys())
    if (!known.has(name)) fault(`approvals.${name}`, describeUnknownOption(name, known))

  function numberOf(name: keyof typeof numbers): number {
    const { usual, least, most, unit } = numbers[name]
    const value = given.get(name) ?? usual
    if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) {
      return value as number
    }
    fault(`approvals.${name}`, `must be a whole number${unit}, from ${least} to ${most}`)
    return usual
  }

  const { canDecide = isAdmin, fourEyes = false } = Object.fromEntries(given) as ApprovalOptions
  if (typeof canDecide !== 'function') fault('approvals.canDecide', 'must be a function')
  if (typeof fourEyes !== 'boolean') fault('approvals.fourEyes', 'must be true or false')
  return Object.freeze({
    ...{ canDecide, fourEyes, credentialHeader },
    quorum: numberOf('quorum'),
    expiresMs: numberOf('expiresMs'),
    maxPending: numberOf('maxPending'),
    maxBodyBytes: numberOf('maxBodyBytes'),
    maxResultBytes: numberOf('maxResultBytes'),
    waitMs: numberOf('waitMs'),
    leaseMs: numberOf('leaseMs'),
    runMs: numberOf('runMs'),
    retentionDays: numberOf('retentionDays'),
    redact: readPointers(given.get('redact'), fault),
    headers: readHeaders(given.get('headers'), credentialHeader, fault),
  })
}

type Report = (path: string, message: string) => void

function readPointers(value: unknown = [], fault: Report): readonly string[] {
  const path = 'approvals.redact'
  const given = ownElements(value, mostPointers)
  if (!given) fault(path, `must be a list of at most ${mostPointers} JSON pointers`)
  const pointers: string[] = []
  given?.forEach((pointer, i) => {
    if (isPointer(pointer)) pointers.push(pointer)
    else fault(`${path}.${i}`, "must be a JSON pointer (RFC 6901), such as '/card/number' or '/items/*/iban'")
  })
  return Object.freeze(pointers)
}

function readHeaders(value: unknown = [], credentialHeader: string | null, fault: Report): readonly string[] {
  const path = 'approvals.headers'
  const given = ownElements(value, mostHeaders)
  if (!given) fault(path, `must be a list of at most ${mostHeaders} names of headers`)
  const names = new Set<string>()
  given?.forEach((name, i) => {
    if (typeof name !== 'string' || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/.test(name)) {
      fault(`${path}.${i}`, 'must be the name of a header')
    } else if (isCredentialHeader(name.toLowerCase(), { credentialHeader })) {
      fault(`${path}.${i}`, 'is a credential, and is never stored')
    } else names.add(name.toLowerCase())
  })
  return Object.freeze([...names])
}

function isAdmin(actor: Actor): boolean {
  return actor.type === 'user' && actor.role === 'admin'
}

/**
 * The host's sealer, without which nothing can wait for an approval.
 *
 * @throws KeyrungError `config_invalid`, which says that a secret has to be set
 */
export function demandSealer({ sealer }: { readonly sealer: Sealer | null }): Sealer {
  if (sealer !== null) return sealer
  throw invalid('config_invalid', [
    {
      path: 'secret',
      message:
        'is missing: what waits for an approval is stored encrypted under it; make one with `openssl rand -base64 32`',
    },
  ])
}
