import { expect, test } from 'vitest'
import { errorTexts } from '../../src/core/errors.js'
import type { ErrorCode } from '../../src/core/errors.js'
import { formatChallenge } from '../../src/http/challenge.js'
import { answerRefusal } from '../../src/http/outcome.js'
import { problemKinds } from '../../src/http/problem.js'
import { readHttpSettings } from '../../src/service/http-settings.js'

const plain = 'Bearer realm="api"'
const badRequest = 'Bearer realm="api", error="invalid_request"'
const badToken = 'Bearer realm="api", error="invalid_token"'
const badScope = 'Bearer realm="api", error="insufficient_scope"'

/** Published: a change here breaks clients. */
const table: readonly (readonly [ErrorCode, number, string, string | undefined])[] = [
  ['credential_missing', 401, 'Credential missing', plain],
  ['credential_repeated', 401, 'More than one credential', badRequest],
  ['credential_invalid', 401, 'Credential not valid', badToken],
  ['key_revoked', 401, 'Key revoked', badToken],
  ['key_expired', 401, 'Key expired', badToken],
  ['secret_rotated', 401, 'Secret rotated', badToken],
  ['key_not_yet_valid', 401, 'Key not valid yet', badToken],
  ['token_expired', 401, 'Access token expired', badToken],
  ['address_denied', 403, 'Address denied', undefined],
  ['unknown_permission', 403, 'Unknown permission', undefined],
  ['hidden', 403, 'No access', badScope],
  ['not_entitled', 403, 'Not in the plan', undefined],
  ['owner_insufficient', 403, "Owner's rights insufficient", badScope],
  ['insufficient', 403, 'Scope insufficient', badScope],
  ['approval_required', 403, 'Approval required', undefined],
  ['too_many_pending', 429, 'Too many waiting for approval', undefined],
  ['not_replayable', 422, 'Request cannot be queued', undefined],
  ['limited', 429, 'Limit used up', undefined],
  ['not_ready', 503, 'Starting', undefined],
  ['closed', 503, 'Shutting down', undefined],
  ['store_unavailable', 503, 'Storage unavailable', undefined],
  ['transaction_open', 503, 'Busy', undefined],
  ['limits_unavailable', 503, 'Limits unavailable', undefined],
  ['hook_failed', 503, 'Rights unavailable', undefined],
  ['issuer_unavailable', 503, 'Issuer unavailable', undefined],
  ['config_invalid', 500, 'Configuration not valid', undefined],
  ['catalog_invalid', 500, 'Catalogue not valid', undefined],
  ['actor_missing', 401, 'Not signed in', plain],
  ['forbidden', 403, 'Not allowed', undefined],
  ['beyond_own_rights', 403, 'Beyond your own rights', undefined],
  ['not_found', 404, 'Not found', undefined],
  ['input_invalid', 422, 'Input not valid', undefined],
  ['conflict', 412, 'Changed in the meantime', undefined],
  ['version_required', 428, 'Version required', undefined],
  ['operation_disabled', 403, 'Operation disabled', undefined],
  ['key_not_active', 409, 'Key not active', undefined],
  ['key_limit_reached', 409, 'Key limit reached', undefined],
  ['not_pending', 409, 'Not waiting for a decision', undefined],
  ['not_unknown', 409, 'Outcome is known', undefined],
  ['digest_mismatch', 412, 'Not what was confirmed', undefined],
  ['own_request', 403, 'Own request', undefined],
  ['voted', 409, 'Already approved by you', undefined],
  ['operation_refused', 422, 'Operation refused', undefined],
  ['idempotency_mismatch', 422, 'Idempotency key used before', undefined],
  ['method_not_allowed', 405, 'Method not allowed', undefined],
  ['media_type_unsupported', 415, 'Media type unsupported', undefined],
  ['body_too_large', 413, 'Body too large', undefined],
  ['cross_site', 403, 'Cross-site request', undefined],
]

const http = readHttpSettings({}, [])

test.each(table)('%s is told by %i, "%s" and its challenge', (code, status, title, challenge) => {
  expect(problemKinds[code]).toEqual({ status, title })
  expect(formatChallenge(code, 'api')).toBe(challenge)
  const answer = answerRefusal(code, http)
  expect(answer.status).toBe(status)
  expect(answer.headers['www-authenticate']).toBe(challenge)
  expect(answer.headers['cache-control']).toBe('no-store')
  expect(answer.headers['retry-after']).toBe(status === 503 || status === 429 ? '1' : undefined)
  expect(JSON.parse(answer.body)).toMatchObject({ status, code, detail: errorTexts[code] })
})

test('the table above has every code exactly once', () => {
  expect(table.map(([code]) => code).toSorted()).toEqual(Object.keys(errorTexts).toSorted())
})

test('every 401 carries a challenge (RFC 9110, 11.6.1)', () => {
  const answers = table.filter(([, status]) => status === 401).map(([code]) => answerRefusal(code, http))
  expect(answers.length).toBeGreaterThan(5)
  for (const { headers } of answers) expect(headers['www-authenticate']).toMatch(/^Bearer realm="/)
})
