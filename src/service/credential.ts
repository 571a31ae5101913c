/** What a request presented: one credential, or why there is none to look at. */
export type Presented =
  | { readonly ok: true; readonly secret: string }
  | { readonly ok: false; readonly code: 'credential_missing' | 'credential_repeated' | 'credential_invalid' }

const missing: Presented = { ok: false, code: 'credential_missing' }
const repeated: Presented = { ok: false, code: 'credential_repeated' }
const unreadable: Presented = { ok: false, code: 'credential_invalid' }

/**
 * Finds the one credential of a request (RFC 6750, 2.1).
 *
 * @param authorization every value the request had for `Authorization`
 * @param bare every value it had for the host's own credential header, if it has one
 */
export function readCredential(authorization: readonly string[], bare: readonly string[] = []): Presented {
  const count = authorization.length + bare.length
  if (count === 0) return missing
  if (count > 1) return repeated
  const value = authorization.length === 1 ? authorization[0] : bare[0]
  if (typeof value !== 'string') return unreadable
  if (authorization.length === 0) return { ok: true, secret: value }
  // Frameworks that hand out joined headers show two credentials, of any schemes, as one value with a comma.
  if (value.includes(',') && isJoined(value)) return repeated
  if (!value.startsWith('Bearer ') && !/^bearer /i.test(value)) return unreadable
  return { ok: true, secret: value.slice(7) }
}

/** The hint for a credential in `Authorization` without a scheme. */
export const missingScheme =
  'The credential is not valid: Authorization has no scheme. Send the API key as "Authorization: Bearer <key>".'

/** Returns true if `Authorization` holds one word: a credential, perhaps, whose scheme was forgotten. */
export function lacksScheme(authorization: readonly string[], bare: readonly string[] = []): boolean {
  const [value] = authorization
  if (authorization.length !== 1 || bare.length > 0) return false
  return typeof value === 'string' && /^[^\s,=]{9,}=*$/.test(value)
}

/** Returns true if a scheme and its credential follow a comma; parameters have a `=` there, and quotes may hold anything. */
function isJoined(value: string): boolean {
  return /,[ \t]*[a-z][\w!#$%&'*+.^`|~-]* +[^\s=,]/i.test(value.replace(/"(?:[^"\\]|\\.)*"/g, '""'))
}
