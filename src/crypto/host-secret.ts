import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { invalid } from '../core/errors.js'
import type { Fault } from '../core/errors.js'
import { toBase64url, toHex, toUtf8 } from './encoding.js'
import { stretch } from './stretch.js'
import { findWeakness } from './weak-secret.js'

/**
 * Every use of a host secret and the HKDF label of the key derived for it: no two uses share a key.
 *
 * A label never changes its meaning; a new use takes a new one.
 */
export const secretLabels = {
  /** Key of the HMAC under which key secrets are stored. */
  keyDigest: 'keyrung/1/key-digest',
  /** What is stretched into a secret's public name and the value that a store keeps to recognise it by. */
  stretch: 'keyrung/1/stretch',
  /** Key of AES-256-GCM for what is stored and is to be read again: bodies, results, payloads. */
  content: 'keyrung/1/content',
  /** Key from which the secrets that webhooks are signed with are derived. */
  webhook: 'keyrung/1/webhook',
  /** Key of AES-256-GCM for the keys that access tokens are signed with. */
  signingKeys: 'keyrung/1/signing-keys',
  /** Key of the HMAC by which a store recognises equal inputs. */
  fingerprint: 'keyrung/1/fingerprint',
} as const satisfies Record<string, `keyrung/1/${string}`>

/** A use of a host secret. */
export type SecretUse = keyof typeof secretLabels

/** What the host hands over as its secret: one, or several of which the first writes and all read. */
export type HostSecretInput = string | Uint8Array | readonly (string | Uint8Array)[]

const shortest = 32
const longest = 4096
const most = 8
const advice = 'make one with `openssl rand -base64 32`'

/** A secret of the host; it gives derived keys and keeps itself to itself. */
export class HostSecret {
  readonly #bytes: Uint8Array
  readonly #check: string
  /** Eight hexadecimal characters that records carry to say which secret they were made under. */
  readonly id: string

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    // Both lie in the database: a guess must cost more to try than one HKDF.
    const known = stretch(this.derive('stretch'))
    this.id = toHex(known.subarray(0, 4))
    this.#check = toBase64url(known.subarray(32))
  }

  /** The 32-byte key for one use: HKDF-SHA-256 (RFC 5869), no salt, the use's label as info. */
  derive(use: SecretUse): Uint8Array {
    return hkdf(sha256, this.#bytes, undefined, toUtf8(secretLabels[use]), 32)
  }

  /** A text that a store may keep, by which a later start recognises the same secret. */
  checkValue(): string {
    return this.#check
  }
}

/**
 * Reads the host's `secret` option.
 *
 * Text counts by its UTF-8 bytes; nothing is trimmed.
 *
 * @throws KeyrungError `config_invalid` if it is missing, of a wrong type, shorter than 32 characters or bytes, easy to guess,
 *   or there twice
 */
export function readHostSecrets(secret: HostSecretInput | undefined): readonly HostSecret[] {
  if (secret === undefined || secret === null || (secret as unknown) === '') {
    throw invalid('config_invalid', [{ path: 'secret', message: `is missing; ${advice}` }])
  }
  const given: readonly unknown[] = Array.isArray(secret) ? secret : [secret]
  if (given.length < 1 || given.length > most) {
    throw invalid('config_invalid', [
      { path: 'secret', message: `must be one secret, or a list of 1 to ${most}; ${advice}` },
    ])
  }
  const faults: Fault[] = []
  const secrets: HostSecret[] = []
  for (let i = 0; i < given.length; i++) {
    const path = Array.isArray(secret) ? `secret.${i}` : 'secret'
    const read = readOne(given[i])
    if (typeof read === 'string') faults.push({ path, message: read })
    else if (secrets.some((other) => other.id === read.id)) faults.push({ path, message: 'is there twice' })
    else secrets.push(read)
  }
  if (faults.length > 0) throw invalid('config_invalid', faults)
  return secrets
}

/** A secret, or what is wrong with it; the text never holds anything of the value. */
function readOne(value: unknown): HostSecret | string {
  if (typeof value !== 'string' && !(value instanceof Uint8Array)) return `must be text or bytes; ${advice}`
  if (value.length < shortest) return `is shorter than ${shortest} characters; ${advice}`
  if (value.length > longest) return `is longer than ${longest} characters; ${advice}`
  const bytes = typeof value === 'string' ? toUtf8(value) : value.slice()
  const weakness = findWeakness(bytes, typeof value === 'string' ? value : null)
  return weakness === undefined ? new HostSecret(bytes) : `${weakness}, so it can be guessed; ${advice}`
}
