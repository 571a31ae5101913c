import { createDigester, digestBytes } from './digest.js'
import { toHex } from './encoding.js'
import type { HostSecret } from './host-secret.js'

/**
 * Turns a text into what a store recognises it by, in 64 hexadecimal digits: one under each of the host's secrets, the
 * current first.
 */
export type Fingerprints = (text: string) => readonly [current: string, ...older: string[]]

/**
 * Makes the fingerprints of a host: HMAC-SHA-256, so that who has the store and no secret cannot try out what was
 * entered; plain SHA-256 where the host has no secret.
 */
export function createFingerprints(secrets: readonly HostSecret[] | null): Fingerprints {
  const [current = createDigester(null), ...older] = (secrets ?? []).map((secret) =>
    createDigester(secret.derive('fingerprint')),
  )
  return (text) => [hexOf(current(text)), ...older.map((digest) => hexOf(digest(text)))]
}

function hexOf(digest: string): string {
  return toHex(digestBytes(digest))
}
