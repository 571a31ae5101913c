import { spawnSync } from 'node:child_process'
import { createKeyrung, memoryStore } from 'keyrung'
import { readHostSecrets } from '../../../src/crypto/host-secret.js'
import { createPeppers } from '../../../src/crypto/pepper.js'
import { systemEntropy } from '../../../src/crypto/random.js'
import { contest, misses } from '../contest.js'
import type { Contestant, Goal } from '../contest.js'
import { catalog, format, hostSecret, rotating, seedKeys } from '../seed.js'
import { betterAuthKeys } from './better-auth.js'

/** As many different values as there are keys, up to what fits the processor's caches no more. */
const most = 100_000

/** One size and one kind of digest. */
export async function verifyAlone(count: number, pepper: 'host' | 'none'): Promise<void> {
  const peppers = createPeppers(pepper === 'none' ? 'none' : readHostSecrets(hostSecret))
  const { digest } = peppers.current
  const store = memoryStore()
  const secrets = await seedKeys(store, peppers.current, count)
  const shown = secrets.slice(0, most)
  const keyrung = createKeyrung({
    ...{ catalog, store, secret: hostSecret, keys: { prefix: 'tp', environments: ['live', 'test'] } },
    // A loop without a pause lets nobody write the last-used times down.
    notify: () => undefined,
    ...(pepper === 'none' ? { pepper } : {}),
    // What is not a key is presented on and on here, and would be refused before it is looked at.
    limits: { sources: false },
  })

  // The ceiling: the same digest function, a map, and a compare; nothing else.
  const bare = new Map<string, { digest: string }>()
  for (const secret of secrets) bare.set(digest(secret), { digest: digest(secret) })

  const unknown = Array.from({ length: Math.min(count, most) }, () => format.mint('live', systemEntropy))
  const wrongShape = shown.map((secret) => `${secret.slice(0, 20)}!${secret.slice(21)}`)
  const wrongSum = shown.map((secret) => secret.slice(0, -1) + (secret.endsWith('0') ? '1' : '0'))
  const random = unknown.map((secret) => secret.slice(0, 17))

  const next = {
    ...{
      ceiling: rotating(shown),
      valid: rotating(shown),
      admitted: rotating(shown),
      unknown: rotating(unknown),
    },
    ...{ wrongShape: rotating(wrongShape), wrongSum: rotating(wrongSum), random: rotating(random) },
  }
  const demand = keyrung.demand([])
  const contestants: Contestant[] = [
    {
      name: 'ceiling: digest, map lookup, compare',
      run: () => {
        const asked = digest(next.ceiling())
        return bare.get(asked)?.digest === asked
      },
    },
    { name: 'keyrung, valid', run: () => keyrung.authenticate(next.valid()) },
    {
      name: 'keyrung, valid, admitted as a request',
      run: () => keyrung.admit({ authorization: [`Bearer ${next.admitted()}`] }, demand),
    },
    { name: 'keyrung, unknown', run: () => keyrung.authenticate(next.unknown()) },
    { name: 'keyrung, wrong length', run: () => keyrung.authenticate(next.random()) },
    { name: 'keyrung, wrong alphabet', run: () => keyrung.authenticate(next.wrongShape()) },
    { name: 'keyrung, wrong checksum', run: () => keyrung.authenticate(next.wrongSum()) },
  ]
  const goals: Goal[] = [
    { of: 'keyrung, valid', against: 'ceiling: digest, map lookup, compare', times: 0.6 },
    { of: 'keyrung, unknown', against: 'ceiling: digest, map lookup, compare', times: 0.6 },
    { of: 'keyrung, wrong length', against: 'keyrung, valid', times: 4 },
    { of: 'keyrung, wrong alphabet', against: 'keyrung, valid', times: 4 },
    { of: 'keyrung, wrong checksum', against: 'keyrung, valid', times: 4 },
  ]
  if (count === 1_000) {
    const verify = await betterAuthKeys()
    contestants.push({ name: "better-auth's api-key plugin, in memory", run: verify })
    goals.push({ of: 'keyrung, valid', against: "better-auth's api-key plugin, in memory", times: 100 })
  }
  const title = `Verification among ${count.toLocaleString('en')} keys, ${pepper === 'none' ? 'SHA-256' : 'HMAC-SHA-256 under a pepper'}`
  await contest(title, contestants, goals)
  await keyrung.close()
}

/** Each size and kind has a process of its own, so that none is optimised for, or slowed by, another. */
export function verifyContest(): Promise<void> {
  for (const count of [1_000, 100_000, 1_000_000]) {
    for (const pepper of ['host', 'none']) {
      const args = [...process.execArgv, process.argv[1]!, '--verify', String(count), pepper]
      const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' })
      if (status !== 0) misses.push(`verification among ${count} keys, pepper ${pepper}: see above`)
    }
  }
  return Promise.resolve()
}
