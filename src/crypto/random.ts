import { invalid } from '../core/errors.js'
import { webCrypto } from './platform.js'

/** Gives as many fresh random bytes as it is asked for; the caller owns the array. */
export type Entropy = (bytes: number) => Uint8Array

/** One call to the runtime costs as much as a thousand bytes, so small requests share a call. */
const poolBytes = 2048
const largestPooled = 256

/** The most that one call of `getRandomValues` gives (Web Cryptography, 10.1.1). */
const largestCall = 65_536

const pool = new Uint8Array(poolBytes)
let used = poolBytes

/**
 * The runtime's own cryptographic generator (`crypto.getRandomValues`).
 *
 * @param bytes how many, a whole number from 0 to 1,048,576
 * @throws KeyrungError `config_invalid` for any other count
 */
export const systemEntropy: Entropy = (bytes) => {
  if (!Number.isSafeInteger(bytes) || bytes < 0 || bytes > 1_048_576) {
    throw invalid('config_invalid', [{ path: 'bytes', message: 'ask for 0 to 1,048,576 random bytes' }])
  }
  return bytes <= largestPooled ? takeFromPool(bytes) : takeDirectly(bytes)
}

function takeFromPool(bytes: number): Uint8Array {
  if (used + bytes > poolBytes) {
    webCrypto().getRandomValues(pool)
    used = 0
  }
  const taken = pool.slice(used, used + bytes)
  // What has been handed out may become a secret: nothing of it stays behind.
  pool.fill(0, used, used + bytes)
  used += bytes
  return taken
}

function takeDirectly(bytes: number): Uint8Array {
  const taken = new Uint8Array(bytes)
  for (let start = 0; start < bytes; start += largestCall) {
    webCrypto().getRandomValues(taken.subarray(start, start + largestCall))
  }
  return taken
}
