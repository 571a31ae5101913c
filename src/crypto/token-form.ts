import { createBounded } from '../core/bounded.js'
import { fromBase64url, fromUtf8 } from './encoding.js'
import { isKid } from './jwks.js'
import { isTokenAlgorithm, signatureLength, type TokenAlgorithm } from './token-algorithm.js'

/** Most characters of a token: longer ones are neither made nor looked into. */
export const longestToken = 8_192

/** The only type of token there is here (RFC 9068, 2.1). */
export const tokenType = 'at+jwt'

/** Everything a token's header says. */
export interface TokenHeader {
  readonly algorithm: TokenAlgorithm
  readonly kid: string
}

/** Three parts in the alphabet for URLs: neither padding, nor blanks, nor the five parts of a JWE. */
const threeParts = /^[\w-]+\.[\w-]+\.[\w-]+$/

/** The last letters that leave no bit unused, for parts that end in two and in three letters (RFC 4648, 3.5). */
const lastOfTwo = 'AQgw'
const lastOfThree = 'AEIMQUYcgkosw048'

/**
 * Says whether a value may be an access token at all: text of three parts and of a size that will be looked into, each part
 * the only way of writing its bytes. Nothing is decoded; what is no token here never meets a cache or a key.
 */
export function isTokenShaped(value: unknown): value is string {
  if (typeof value !== 'string' || value.length > longestToken || !threeParts.test(value)) return false
  const first = value.indexOf('.')
  const second = value.indexOf('.', first + 1)
  return (
    value.length - second - 1 === signatureLength &&
    isCanonical(value, 0, first) &&
    isCanonical(value, first + 1, second) &&
    isCanonical(value, second + 1, value.length)
  )
}

function isCanonical(text: string, start: number, end: number): boolean {
  const rest = (end - start) % 4
  if (rest === 0) return true
  if (rest === 1) return false
  return (rest === 2 ? lastOfTwo : lastOfThree).includes(text[end - 1]!)
}

/** Most headers that are remembered: all tokens of a key have the same. */
const mostHeaders = 64

/**
 * Makes the reader of tokens' headers: type, algorithm and key, and nothing besides. Whatever else a header could say
 * (`crit`, `jku`, `jwk`, `x5u`, `x5c`, `b64`, `zip`, `enc`) would tell the reader to trust or do something, so it ends here.
 *
 * The reader takes a token that {@link isTokenShaped}.
 */
export function createHeaderReader(): (token: string) => TokenHeader | undefined {
  const read = createBounded(mostHeaders, readHeader)
  return (token) => read(token.slice(0, token.indexOf('.')))
}

function readHeader(encoded: string): TokenHeader | undefined {
  const bytes = fromBase64url(encoded)
  const header = bytes && readCanonicalJson(bytes)
  if (header === undefined || Object.keys(header).length !== 3) return undefined
  const { typ, alg, kid } = header
  if (typ !== tokenType || !isTokenAlgorithm(alg) || !isKid(kid)) return undefined
  return { algorithm: alg, kid }
}

/**
 * Reads a JSON object that is written as `JSON.stringify` writes it, as every token of keyrung is: so a name that is
 * there twice, blanks, a byte order mark and other ways of saying the same are no token.
 */
export function readCanonicalJson(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  const text = fromUtf8(bytes)
  if (text === undefined || !text.startsWith('{')) return undefined
  try {
    const value = JSON.parse(text) as Record<string, unknown>
    return JSON.stringify(value) === text ? value : undefined
  } catch {
    return undefined
  }
}

/** What a text that has the form and the header of an access token says of its issuer; nothing about it is verified. */
export function readIssuer(value: unknown): string | undefined {
  const [header, payload] = isTokenShaped(value) ? (value.split('.') as [string, string]) : []
  if (header === undefined || payload === undefined || readHeader(header) === undefined) return undefined
  const bytes = fromBase64url(payload)
  const issuer = bytes && readCanonicalJson(bytes)?.['iss']
  return typeof issuer === 'string' ? issuer : undefined
}
