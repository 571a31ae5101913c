import { maskCause } from '../core/cause.js'
import type { Decision } from '../core/decision.js'
import { errorTexts, invalid, isKeyrungError } from '../core/errors.js'
import type { ErrorCode } from '../core/errors.js'
import { describeGiven } from '../core/given.js'
import type { LimitReport } from '../service/admission.js'
import type { Notice, Notify } from '../service/notice.js'
import type { HttpSettings } from '../service/http-settings.js'
import { LimitedError } from '../service/limited-error.js'
import { formatChallenge } from './challenge.js'
import { describeRefusal, limitHeaders } from './limit-headers.js'
import { buildProblem, problemKinds, problemMediaType } from './problem.js'
import type { ProblemExtensions } from './problem.js'

/** A response that is ready to be sent, whatever the framework. */
export interface Answer {
  readonly status: number
  /** By names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** The settings that errors are answered by; `notify` gets every answer of 5xx. */
export interface AnswerContext {
  readonly http: HttpSettings
  readonly notify?: Notify
}

/** Seconds after which an outage may be over. */
const outageSeconds = 1

const sourceText =
  'Too many credentials that are not valid came from your network address. Wait before you try again.'

/**
 * The answer to a refusal, by its code and the decision that led to it, if there was one.
 *
 * What another caller must not learn is not in it: a hidden resource is told without names, and as
 * {@link notFoundAnswer} where the host has chosen so.
 *
 * @param limits how the caller's limits stand, where the request was counted or was refused for one of them
 */
export function answerRefusal(
  code: ErrorCode,
  http: HttpSettings,
  decision?: Decision | null,
  limits?: LimitReport | null,
): Answer {
  if (code === 'hidden' && http.hidden === 'not_found') return build('not_found', http, { limits })
  if (code === 'limited') return answerLimited(http, errorTexts.limited, limits)
  const extensions = decision ? extensionsOf(code, decision) : {}
  return build(code, http, { extensions, limits })
}

/**
 * The answer to a source that has presented too many credentials that are not valid.
 *
 * It is the same whatever was wrong with them.
 */
export function answerSource(http: HttpSettings, limits: LimitReport | null): Answer {
  return answerLimited(http, sourceText, limits)
}

function answerLimited(http: HttpSettings, detail: string, limits: LimitReport | null | undefined): Answer {
  const { retryAfter: after, limit } = describeRefusal(limits)
  return build('limited', http, { detail, extensions: limit ? { limit } : {}, limits, after })
}

/**
 * The answer to whatever was thrown. What is not a `KeyrungError` is told as an outage, and nothing of it is
 * shown; neither are the details of mistakes in the host's own code.
 */
export function answerError(error: unknown, { http, notify }: AnswerContext): Answer {
  if (!isKeyrungError(error) || !Object.hasOwn(problemKinds, error.code)) {
    tell(notify, { code: 'unexpected_error', message: 'A request failed.', error: asError(maskCause(error)) })
    return build('store_unavailable', http)
  }
  if (error instanceof LimitedError) return answerRefusal('limited', http, null, error.limits)
  const { code, message, faults } = error
  if (problemKinds[code].status >= 500) {
    const why = error.internal ?? message
    tell(notify, { code: 'request_failed', message: `A request was answered with ${code}: ${why}`, error })
    return build(code, http)
  }
  if (code === 'hidden') return answerRefusal(code, http)
  return build(code, http, { detail: message, extensions: faults.length > 0 ? { faults } : {} })
}

/** A notice that cannot be given must not cost the request its answer. */
function tell(notify: Notify | undefined, notice: Notice): void {
  try {
    notify?.(notice)
  } catch {
    // There is nobody left to tell.
  }
}

function asError(value: unknown): Error {
  return value instanceof Error ? value : new Error(String(value))
}

/**
 * What an id that nobody knows is answered with. A host that hides resources sends this for its own unknown
 * ids too, so that the two cannot be told apart.
 *
 * @throws KeyrungError `config_invalid` for what createKeyrung has not made
 *
 * @example
 * ```ts
 * const { status, headers, body } = notFoundAnswer(keyrung)
 * ```
 */
export function notFoundAnswer(keyrung: { readonly http: HttpSettings }): Answer {
  const given: { readonly http?: unknown } | null | undefined = keyrung
  if (typeof given?.http !== 'object' || given.http === null) {
    const message = `must be what createKeyrung made; given was ${describeGiven(keyrung)}`
    throw invalid('config_invalid', [{ path: 'keyrung', message }])
  }
  return build('not_found', keyrung.http)
}

/**
 * What an answer depends on (RFC 9110, 12.5.5), where the key may come in a header of the host's own; else null, as shared
 * caches keep no answer to a request with `Authorization` (RFC 9111, 3.5).
 */
export function varyOf({ credentialHeader }: HttpSettings): string | null {
  return credentialHeader && `authorization, ${credentialHeader}`
}

/** An answer as a web `Response`, for hosts that speak `fetch`. */
export function buildResponse({ status, headers, body }: Answer): Response {
  return new Response(body === '' ? null : body, { status, headers })
}

function build(
  code: ErrorCode,
  http: HttpSettings,
  details: {
    readonly detail?: string
    readonly extensions?: ProblemExtensions
    readonly limits?: LimitReport | null | undefined
    /** Seconds to wait, where the code says nothing else. */
    readonly after?: number
  } = {},
): Answer {
  const { detail = errorTexts[code], extensions = {}, limits, after = outageSeconds } = details
  const { status } = problemKinds[code]
  const upgradable = code === 'not_entitled' || code === 'key_limit_reached'
  const upgrade = upgradable && http.upgradeUrl !== null ? { upgrade_url: http.upgradeUrl } : {}
  const challenge = formatChallenge(code, http.realm, extensions.missing?.scopes, http.credentialHeader)
  const vary = varyOf(http)
  return {
    status,
    headers: {
      // First, as a guard that admits sets them before a handler answers: the order must not tell the two apart.
      ...(vary === null ? {} : { vary }),
      ...(http.limitHeaders ? Object.fromEntries(limitHeaders(limits) ?? []) : {}),
      'content-type': problemMediaType,
      // A refusal is about this caller at this moment; the next request may fare differently.
      'cache-control': 'no-store',
      ...(challenge === undefined ? {} : { 'www-authenticate': challenge }),
      ...(status === 503 || status === 429 ? { 'retry-after': String(after) } : {}),
    },
    body: JSON.stringify(buildProblem(code, detail, http, { ...extensions, ...upgrade })),
  }
}

function extensionsOf(code: ErrorCode, decision: Decision): ProblemExtensions {
  if (decision.effect === 'approval') return { approval: { permissions: decision.queued } }
  if (decision.effect !== 'deny' || !named.has(code)) return {}
  const permissions = decision.reasons
    .filter((reason) => reason.code === code)
    .map(({ permission }) => permission)
  return permissions.length === 0 ? {} : { missing: { permissions, scopes: decision.scopes } }
}

/** Refusals that only callers with some access to the resource get, so that they may know its name. */
const named: ReadonlySet<ErrorCode> = new Set(['not_entitled', 'owner_insufficient', 'insufficient'])
