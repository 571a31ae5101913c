import { invalid } from '../../core/errors.js'
import {
  importSigningKey,
  importVerificationKey,
  type SigningKey,
  type VerificationKey,
} from '../../crypto/jwks.js'
import type { TokenKeys } from '../signing-keys.js'

/**
 * Uses keys that the host supplies as JWKs: the first signs, all verify. The host rotates them by `[old, next]`, then
 * `[next, old]` once every cache has the next, then `[next]` once the old one's last token has ended.
 *
 * @param path where they stand in the options, for the faults
 * @param cacheMs how long what is published may be cached, in milliseconds
 */
export function createSuppliedKeys(jwks: readonly unknown[], path: string, cacheMs: number): TokenKeys {
  let loading: Promise<{ readonly signer: SigningKey; readonly all: readonly VerificationKey[] }> | undefined
  const load = () => (loading ??= importAll(jwks, path))

  return {
    signer: async () => (await load()).signer,
    findKey: async (kid) => (await load()).all.find((key) => key.kid === kid),
    jwks: async () => ({ keys: (await load()).all.map(({ jwk }) => jwk) }),
    cacheMs,
    open: async () => void (await load()),
    jobs: [],
  }
}

async function importAll(
  jwks: readonly unknown[],
  path: string,
): Promise<{ readonly signer: SigningKey; readonly all: readonly VerificationKey[] }> {
  const signer = await importSigningKey(jwks[0], `${path}.0`)
  const others = await Promise.all(
    jwks.slice(1).map((jwk, i) => importVerificationKey(jwk, `${path}.${i + 1}`)),
  )
  const all = [signer, ...others]
  const twice = all.findIndex(({ kid }, i) => all.findIndex((key) => key.kid === kid) < i)
  if (twice >= 0)
    throw invalid('config_invalid', [{ path: `${path}.${twice}`, message: 'has the kid of another' }])
  return { signer, all }
}
