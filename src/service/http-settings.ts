import type { Fault } from '../core/errors.js'
import { ownProperties } from '../core/own-properties.js'
import { describeUnknownOption } from '../core/suggestion.js'

/** How keyrung speaks HTTP; shared by every guard on an app. */
export interface HttpOptions {
  /** The protection space named in challenges (RFC 9110, 11.5). @defaultValue `'api'` */
  readonly realm?: string
  /** A header that may carry the bare key instead of `Authorization: Bearer`, e.g. `x-api-key`. */
  readonly credentialHeader?: string
  /**
   * How many proxies in front of the host are its own. Each adds one address to `Forwarded` or `X-Forwarded-For`;
   * the caller is that many from the right. 0 takes the socket's address. @defaultValue `0`
   */
  readonly trustedProxies?: number
  /**
   * The header that these proxies write: the other one is the caller's own word then, and not looked at. Left out, either
   * counts, and where both are there they have to agree.
   */
  readonly forwardedHeader?: 'forwarded' | 'x-forwarded-for'
  /**
   * What a key without any access to a resource is told: `forbidden` (403), or `not_found`, the 404 that an id
   * nobody knows gets. @defaultValue `'forbidden'`
   */
  readonly hidden?: 'forbidden' | 'not_found'
  /** Where a workspace gets a plan that includes more; it is sent with `not_entitled`. */
  readonly upgradeUrl?: string
  /** Documentation of the problem codes; `type` of a problem body is this and the code. @defaultValue `about:blank` */
  readonly problemBaseUrl?: string
  /**
   * Whether answers tell how the caller's limits stand in `RateLimit-Policy` and `RateLimit`. Their syntax is that of a
   * draft (draft-ietf-httpapi-ratelimit-headers-10) and may still change. @defaultValue `true`
   */
  readonly limitHeaders?: boolean
  /**
   * Where callers follow what waits for an approval: the path of the management API's approvals, such as
   * `/manage/approvals`, or a URL. Left out, a 202 has no `Location`.
   */
  readonly approvalsUrl?: string
}

/** The options with their defaults filled in. */
export interface HttpSettings {
  readonly realm: string
  readonly credentialHeader: string | null
  readonly trustedProxies: number
  readonly forwardedHeader: 'forwarded' | 'x-forwarded-for' | null
  readonly hidden: 'forbidden' | 'not_found'
  readonly upgradeUrl: string | null
  readonly problemBaseUrl: string | null
  readonly limitHeaders: boolean
  /** Without a slash at its end. */
  readonly approvalsUrl: string | null
}

const known = new Set([
  'realm',
  'credentialHeader',
  'trustedProxies',
  'forwardedHeader',
  'hidden',
  'upgradeUrl',
  'problemBaseUrl',
  'limitHeaders',
  'approvalsUrl',
])

/** Fills in the defaults; what is wrong goes into `faults`, with its path. */
export function readHttpSettings(options: unknown, faults: Fault[]): HttpSettings {
  const fault = (name: string, message: string): void => void faults.push({ path: `http.${name}`, message })
  const properties = options === undefined ? new Map<string, unknown>() : ownProperties(options)
  if (!properties) faults.push({ path: 'http', message: 'must be an object' })
  const given = Object.fromEntries(properties ?? []) as Record<keyof HttpOptions, unknown>
  for (const name of Object.keys(given)) if (!known.has(name)) fault(name, describeUnknownOption(name, known))

  const { realm = 'api', credentialHeader = null, trustedProxies = 0, hidden = 'forbidden' } = given
  // A quote or a control character would end the challenge's quoted string early.
  if (typeof realm !== 'string' || !/^[\x20\x21\x23-\x5b\x5d-\x7e]{1,100}$/.test(realm)) {
    fault('realm', 'must be 1-100 printable ASCII characters without quotes and backslashes')
  }
  if (credentialHeader !== null && !isHeaderName(credentialHeader)) {
    fault('credentialHeader', 'must be a header name other than authorization, in lower case')
  }
  if (
    !Number.isInteger(trustedProxies) ||
    (trustedProxies as number) < 0 ||
    (trustedProxies as number) > 20
  ) {
    fault('trustedProxies', 'must be a whole number from 0 to 20')
  }
  const { forwardedHeader = null } = given
  if (forwardedHeader !== null && forwardedHeader !== 'forwarded' && forwardedHeader !== 'x-forwarded-for') {
    fault('forwardedHeader', "must be 'forwarded' or 'x-forwarded-for'")
  }
  if (hidden !== 'forbidden' && hidden !== 'not_found') fault('hidden', "must be 'forbidden' or 'not_found'")
  const { upgradeUrl = null, problemBaseUrl = null, limitHeaders = true } = given
  if (upgradeUrl !== null && !isWebUrl(upgradeUrl)) fault('upgradeUrl', 'must be an http or https URL')
  if (problemBaseUrl !== null && !isWebUrl(problemBaseUrl))
    fault('problemBaseUrl', 'must be an http or https URL')
  if (typeof limitHeaders !== 'boolean') fault('limitHeaders', 'must be true or false')
  const { approvalsUrl = null } = given
  if (approvalsUrl !== null && !isWebUrl(approvalsUrl) && !isPath(approvalsUrl)) {
    fault('approvalsUrl', 'must be a path that begins with one slash, or an http or https URL')
  }
  return {
    ...{ realm, credentialHeader, trustedProxies, forwardedHeader, hidden },
    ...{ upgradeUrl, problemBaseUrl, limitHeaders },
    approvalsUrl: typeof approvalsUrl === 'string' ? approvalsUrl.replace(/\/$/, '') : null,
  } as HttpSettings
}

function isHeaderName(value: unknown): boolean {
  return (
    typeof value === 'string' && /^[a-z0-9!#$%&'*+.^_`|~-]{1,64}$/.test(value) && value !== 'authorization'
  )
}

function isWebUrl(value: unknown): boolean {
  return typeof value === 'string' && /^https?:\/\/[!#-;=?-[\]_a-z~%]+$/i.test(value)
}

/** Not `//host`, which would lead elsewhere. */
function isPath(value: unknown): boolean {
  return typeof value === 'string' && /^\/(?!\/)[!$-;=@-Z_a-z~%]*$/.test(value)
}
