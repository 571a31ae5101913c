import { KeyrungError } from '../core/errors.js'
import { fromBase64url, toBase64url, toUtf8 } from './encoding.js'
import type { HostSecret } from './host-secret.js'
import { webCrypto } from './platform.js'
import type { SubtleKey } from './platform.js'
import type { Entropy } from './random.js'

/** Keeps bytes so that only who has the host's secret can read them, and only in the place they were made for. */
export interface Sealer {
  /**
   * Seals bytes as text: a letter for the form, the secret's id, and the bytes with their nonce and tag in base64url.
   *
   * @param place what the bytes are and whose, as `approval/apr_…/request`: sealed text that was moved does not open
   */
  seal(bytes: Uint8Array, place: string): Promise<string>
  /** @throws KeyrungError `store_unavailable` for what was changed, moved, or sealed under a secret that is not there */
  open(text: string, place: string): Promise<Uint8Array>
  /** The ids of the host secrets that open; the first seals. */
  readonly hostSecretIds: readonly string[]
}

const algorithm = 'AES-GCM'
const nonceBytes = 12
const form = 'a'

/**
 * Makes the sealer of a host: AES-256-GCM (NIST SP 800-38D) with a random nonce of 96 bits for each text.
 *
 * @param secrets at least one; the first seals, all open
 * @param use what is sealed: each use has a key of its own
 */
export function createSealer(
  secrets: readonly HostSecret[],
  entropy: Entropy,
  use: 'content' | 'signingKeys' = 'content',
): Sealer {
  const { subtle } = webCrypto()
  const keys = new Map<string, Promise<SubtleKey>>()

  function keyOf(secret: HostSecret): Promise<SubtleKey> {
    let key = keys.get(secret.id)
    if (!key) {
      key = subtle.importKey('raw', secret.derive(use), algorithm, false, ['encrypt', 'decrypt'])
      keys.set(secret.id, key)
    }
    return key
  }

  return {
    async seal(bytes, place) {
      const secret = secrets[0]!
      const iv = entropy(nonceBytes)
      const given = { name: algorithm, iv, additionalData: toUtf8(place) }
      const sealed = new Uint8Array(await subtle.encrypt(given, await keyOf(secret), bytes))
      const whole = new Uint8Array(nonceBytes + sealed.length)
      whole.set(iv)
      whole.set(sealed, nonceBytes)
      return `${form}.${secret.id}.${toBase64url(whole)}`
    },

    async open(text, place) {
      const [given, id, encoded = '', ...more] = text.split('.')
      const secret = secrets.find((one) => one.id === id)
      const whole = fromBase64url(encoded)
      if (given !== form || whole === undefined || more.length > 0)
        throw unreadable('is not of a form that is known')
      if (secret === undefined) throw unreadable('was made under a host secret that is not configured here')
      const iv = whole.subarray(0, nonceBytes)
      try {
        const parameters = { name: algorithm, iv, additionalData: toUtf8(place) }
        const bytes = whole.subarray(nonceBytes)
        return new Uint8Array(await subtle.decrypt(parameters, await keyOf(secret), bytes))
      } catch {
        throw unreadable('was changed, or belongs elsewhere')
      }
    },

    hostSecretIds: secrets.map(({ id }) => id),
  }
}

/** Reads the id of the host secret that a text was sealed under; empty for what was not sealed. */
export function sealedUnder(text: string): string {
  return text.split('.', 2)[1] ?? ''
}

function unreadable(why: string): KeyrungError {
  return new KeyrungError('store_unavailable', { internal: `a sealed text ${why}` })
}
