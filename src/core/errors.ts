import { maskCause } from './cause.js'

/** A fault found in something handed in: where it is, and what is wrong with it. */
export interface Fault {
  /** Dotted path to the offending value, `''` for the whole. */
  readonly path: string
  readonly message: string
}

/**
 * Every code keyrung can answer with, and the text that may be shown to anyone for it.
 *
 * A code never changes its meaning; statuses for HTTP are kept in `http/problem`.
 */
export const errorTexts = {
  // Who is calling.
  credential_missing: 'No credential was sent. Send an API key as "Authorization: Bearer <key>".',
  credential_repeated: 'More than one credential was sent. Send exactly one.',
  credential_invalid: 'The credential is not valid.',
  key_revoked: 'This API key has been revoked.',
  key_expired: 'This API key has expired.',
  secret_rotated: 'This secret was replaced when the API key was rotated. Use the new secret of the key.',
  key_not_yet_valid: 'This API key is not valid yet.',
  token_expired: 'This access token has expired. Exchange the key for a new one.',
  address_denied: 'This API key may not be used from this network address.',
  // What the caller may do.
  unknown_permission: 'This operation demands a permission that does not exist.',
  hidden: 'This API key has no access to this resource.',
  not_entitled: "The workspace's plan does not include this.",
  owner_insufficient: "The key's owner does not have the rights for this.",
  insufficient: 'The API key lacks a scope for this.',
  approval_required: 'This needs the approval of a human, and cannot wait for one here.',
  too_many_pending:
    'This API key has as many operations waiting for approval as it may. Wait until some are decided.',
  not_replayable: 'This request cannot wait for an approval as it is.',
  limited: 'A limit of this API key, or of what it belongs to, is used up. Wait before you try again.',
  // It could not be decided.
  not_ready: 'The service is starting. Its host has to call `await keyrung.ready({ migrate: true })` first.',
  closed: 'The service is shutting down. Try again shortly.',
  store_unavailable: 'The service cannot reach its storage. Try again shortly.',
  transaction_open: 'The service is busy with another transaction. Try again shortly.',
  limits_unavailable: 'The service cannot count what is used at the moment. Try again shortly.',
  hook_failed: 'The service could not look up the rights for this. Try again shortly.',
  issuer_unavailable: 'The service cannot reach the issuer of access tokens. Try again shortly.',
  // Mistakes of the host's code.
  config_invalid: 'The configuration is not valid.',
  catalog_invalid: 'The catalogue is not valid.',
  // Managing.
  actor_missing: 'Sign in to do this.',
  forbidden: 'You may not do this.',
  beyond_own_rights: 'You cannot hand out, raise or renew rights that you do not hold yourself.',
  not_found: 'There is no such thing here.',
  input_invalid: 'The input is not valid.',
  conflict: 'It was changed by someone else in the meantime. Read it again and repeat.',
  version_required: 'Say which version you are changing: send its ETag as If-Match.',
  operation_disabled: 'This host does not allow this operation on keys.',
  key_not_active: 'This can only be done to a key that is active.',
  key_limit_reached: 'The workspace has as many keys as its plan allows.',
  not_pending: 'This approval is no longer waiting for a decision.',
  not_unknown: 'Only an approval whose outcome is not known can be resolved.',
  digest_mismatch: 'What you confirm is not what is waiting. Read the approval again and look at it anew.',
  own_request: 'Nobody may decide what was asked for with a credential of their own.',
  voted: 'You have approved this already; somebody else has to as well.',
  operation_refused: 'The operation could not be done, and nothing was.',
  idempotency_mismatch: 'This Idempotency-Key was used for a different request.',
  // The wire.
  method_not_allowed: 'This method is not allowed here.',
  media_type_unsupported: 'Send the body as application/json.',
  body_too_large: 'The body is too large.',
  cross_site: 'A request from another site may not change anything here.',
} as const satisfies Record<string, string>

/** A stable, machine-readable reason. */
export type ErrorCode = keyof typeof errorTexts

/** What may accompany a code. */
export interface KeyrungErrorOptions {
  /** Replaces the table's text; it is public, so it holds no secret and no internals. */
  readonly message?: string
  /** Everything that is wrong with an input, all at once. */
  readonly faults?: readonly Fault[]
  /** For the operator's log only: never sent to a caller, and free of secrets too. */
  readonly internal?: string
  /** What was thrown beneath; a copy without secrets is kept for the operator's log. */
  readonly cause?: unknown
}

/**
 * The only error keyrung throws.
 *
 * @example
 * ```ts
 * try {
 *   await keyrung.keys.edit(actor, id, { name: 'CI' }, { version: 3 })
 * } catch (error) {
 *   if (error instanceof KeyrungError && error.code === 'conflict') await reload()
 *   else throw error
 * }
 * ```
 */
export class KeyrungError extends Error {
  override readonly name = 'KeyrungError'
  readonly code: ErrorCode
  readonly faults: readonly Fault[]
  /** Text for the operator; it is left out when the error is serialized. */
  declare readonly internal: string | undefined
  /** What lies beneath, for the operator: `console.error` shows it, and it is left out when the error is serialized. */
  declare readonly cause: unknown

  constructor(code: ErrorCode, options: KeyrungErrorOptions = {}) {
    super(options.message ?? errorTexts[code])
    this.code = code
    this.faults = options.faults ?? []
    Object.defineProperty(this, 'internal', { value: options.internal, enumerable: false })
    const cause = options.cause === undefined ? options.internal : maskedCause(options.cause)
    if (cause !== undefined) Object.defineProperty(this, 'cause', { value: cause, enumerable: false })
  }

  toJSON(): { code: ErrorCode; message: string; faults: readonly Fault[] } {
    return { code: this.code, message: this.message, faults: this.faults }
  }
}

/** Keeps keyrung's own errors as they are: they hold no secret. */
function maskedCause(cause: unknown): unknown {
  return isKeyrungError(cause) ? cause : maskCause(cause)
}

/**
 * Says whether a caught value is keyrung's own error, and with that whether its `code` can be trusted.
 *
 * @example
 * ```ts
 * await keyrung.keys.get(actor, id).catch((error: unknown) => {
 *   if (isKeyrungError(error) && error.code === 'not_found') return null
 *   throw error
 * })
 * ```
 */
export function isKeyrungError(value: unknown): value is KeyrungError {
  try {
    return value instanceof KeyrungError
  } catch {
    // A proxy may throw when it is asked for its prototype.
    return false
  }
}

/** The error for an input with faults; the message names the first, `faults` holds them all. */
export function invalid(
  code: 'input_invalid' | 'config_invalid' | 'catalog_invalid',
  faults: readonly Fault[],
): KeyrungError {
  const shown = faults
    .slice(0, 3)
    .map((fault) => (fault.path ? `${fault.path}: ${fault.message}` : fault.message))
  const more = faults.length > shown.length ? ` (and ${faults.length - shown.length} more)` : ''
  return new KeyrungError(code, { message: `${errorTexts[code]} ${shown.join('; ')}${more}`, faults })
}
