import type { ErrorCode, Fault } from '../core/errors.js'
import type { HttpSettings } from '../service/http-settings.js'
import type { LimitProblem } from './limit-headers.js'

/** How a code is told over HTTP. */
export interface ProblemKind {
  readonly status: number
  /** A short summary that is the same every time (RFC 9457, 3.1.3). */
  readonly title: string
}

/** Status and title of every code there is; nothing else decides about a status. */
export const problemKinds: Readonly<Record<ErrorCode, ProblemKind>> = {
  credential_missing: { status: 401, title: 'Credential missing' },
  credential_repeated: { status: 401, title: 'More than one credential' },
  credential_invalid: { status: 401, title: 'Credential not valid' },
  key_revoked: { status: 401, title: 'Key revoked' },
  key_expired: { status: 401, title: 'Key expired' },
  secret_rotated: { status: 401, title: 'Secret rotated' },
  key_not_yet_valid: { status: 401, title: 'Key not valid yet' },
  token_expired: { status: 401, title: 'Access token expired' },
  address_denied: { status: 403, title: 'Address denied' },
  unknown_permission: { status: 403, title: 'Unknown permission' },
  hidden: { status: 403, title: 'No access' },
  not_entitled: { status: 403, title: 'Not in the plan' },
  owner_insufficient: { status: 403, title: "Owner's rights insufficient" },
  insufficient: { status: 403, title: 'Scope insufficient' },
  approval_required: { status: 403, title: 'Approval required' },
  too_many_pending: { status: 429, title: 'Too many waiting for approval' },
  not_replayable: { status: 422, title: 'Request cannot be queued' },
  limited: { status: 429, title: 'Limit used up' },
  not_ready: { status: 503, title: 'Starting' },
  closed: { status: 503, title: 'Shutting down' },
  store_unavailable: { status: 503, title: 'Storage unavailable' },
  transaction_open: { status: 503, title: 'Busy' },
  limits_unavailable: { status: 503, title: 'Limits unavailable' },
  hook_failed: { status: 503, title: 'Rights unavailable' },
  issuer_unavailable: { status: 503, title: 'Issuer unavailable' },
  config_invalid: { status: 500, title: 'Configuration not valid' },
  catalog_invalid: { status: 500, title: 'Catalogue not valid' },
  actor_missing: { status: 401, title: 'Not signed in' },
  forbidden: { status: 403, title: 'Not allowed' },
  beyond_own_rights: { status: 403, title: 'Beyond your own rights' },
  not_found: { status: 404, title: 'Not found' },
  input_invalid: { status: 422, title: 'Input not valid' },
  conflict: { status: 412, title: 'Changed in the meantime' },
  version_required: { status: 428, title: 'Version required' },
  operation_disabled: { status: 403, title: 'Operation disabled' },
  key_not_active: { status: 409, title: 'Key not active' },
  key_limit_reached: { status: 409, title: 'Key limit reached' },
  not_pending: { status: 409, title: 'Not waiting for a decision' },
  not_unknown: { status: 409, title: 'Outcome is known' },
  digest_mismatch: { status: 412, title: 'Not what was confirmed' },
  own_request: { status: 403, title: 'Own request' },
  voted: { status: 409, title: 'Already approved by you' },
  operation_refused: { status: 422, title: 'Operation refused' },
  idempotency_mismatch: { status: 422, title: 'Idempotency key used before' },
  method_not_allowed: { status: 405, title: 'Method not allowed' },
  media_type_unsupported: { status: 415, title: 'Media type unsupported' },
  body_too_large: { status: 413, title: 'Body too large' },
  cross_site: { status: 403, title: 'Cross-site request' },
}

/** The names that RFC 9110 gives to the statuses above. */
const reasonPhrases: Readonly<Record<number, string>> = {
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  428: 'Precondition Required',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
}

/** The media type of {@link ProblemBody} (RFC 9457, 6.1). */
export const problemMediaType = 'application/problem+json'

/** What a problem can tell beside its code. */
export interface ProblemExtensions {
  /** What the credential lacks: by permission, and the scopes that would do. */
  readonly missing?: { readonly permissions: readonly string[]; readonly scopes: readonly string[] }
  /** What a human would have to approve. */
  readonly approval?: { readonly permissions: readonly string[] }
  /** Everything that is wrong with an input. */
  readonly faults?: readonly Fault[]
  /** The limit that refuses for longest. */
  readonly limit?: LimitProblem
  /** Where a plan that includes more is to be had. */
  readonly upgrade_url?: string
}

/** A problem as it is sent (RFC 9457); members are added over time, none changes its meaning. */
export interface ProblemBody extends ProblemExtensions {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: ErrorCode
}

/**
 * Builds the body of a problem. Without a documentation URL its type is `about:blank`, and then its title
 * is the status's own phrase, as RFC 9457, 4.2.1 wants it.
 *
 * @param detail a sentence for whoever made the request; it is sent as it is
 */
export function buildProblem(
  code: ErrorCode,
  detail: string,
  http: Pick<HttpSettings, 'problemBaseUrl'>,
  extensions: ProblemExtensions = {},
): ProblemBody {
  const { status, title } = problemKinds[code]
  const documented = http.problemBaseUrl !== null
  return {
    type: documented ? http.problemBaseUrl + code : 'about:blank',
    title: documented ? title : reasonPhrases[status]!,
    status,
    detail,
    code,
    ...extensions,
  }
}
