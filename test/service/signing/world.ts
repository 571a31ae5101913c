import { readHostSecrets } from '../../../src/crypto/host-secret.js'
import { systemEntropy } from '../../../src/crypto/random.js'
import { createSealer } from '../../../src/crypto/sealer.js'
import type { Sealer } from '../../../src/crypto/sealer.js'
import type { Clock } from '../../../src/ports/clock.js'
import type { Store } from '../../../src/ports/store.js'
import { createSigningKeys } from '../../../src/service/signing-keys.js'
import { createSecretOrder } from '../../../src/service/secret-order.js'
import type { SigningKeysOptions, TokenKeys } from '../../../src/service/signing-keys.js'
import { memoryStore } from '../../../src/stores/memory.js'
import { manualClock } from '../../../src/testing/manual-clock.js'
import { hostSecret } from '../sample.js'

export const hourMs = 3_600_000
export const times = { cacheMs: 600_000, periodMs: 3 * hourMs }

/** A sealer under these secrets, the first of which seals. */
export function sealerOf(...secrets: readonly string[]): Sealer {
  return createSealer(readHostSecrets(secrets), systemEntropy, 'signingKeys')
}

/** An instance's clock that is off the true time by so much. */
export function skewed(clock: Clock, ms: number): Clock {
  return { ...clock, now: () => clock.now() + ms, monotonic: () => clock.monotonic() }
}

/** A store in memory, its clock, and as many instances as a test wants. */
export function signingWorld(store?: Store) {
  const clock = manualClock()
  const kept = store ?? memoryStore({ clock })
  const instance = (change: Partial<SigningKeysOptions> = {}): TokenKeys => {
    const sealer = change.sealer ?? sealerOf(hostSecret)
    return createSigningKeys({
      ...{ store: kept, clock, times, sealer },
      order: createSecretOrder(kept, sealer.hostSecretIds[0]!),
      algorithm: 'EdDSA',
      ...change,
    })
  }
  const tick = async (keys: TokenKeys): Promise<void> => {
    for (const job of keys.jobs) await job.step()
  }
  return { clock, store: kept, instance, tick }
}

/** The names of what is published. */
export async function kidsOf(keys: TokenKeys): Promise<readonly string[]> {
  return (await keys.jwks()).keys.map(({ kid }) => kid)
}
