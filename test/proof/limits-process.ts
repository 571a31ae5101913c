/** One process of a host whose instances count together; run by `fork`, it is told by messages what to do. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { isKeyrungError } from '../../src/core/errors.js'
import { systemClock } from '../../src/ports/system-clock.js'
import { createKeyrung } from '../../src/service/create-keyrung.js'
import { memoryStore } from '../../src/stores/memory.js'
import { memoryLimits } from '../../src/stores/memory-limits.js'
import { redisLimits } from '../../src/stores/redis.js'
import { ioredisAddress } from '../servers/redis.js'
import { admin, catalog, hostSecret } from '../service/sample.js'
import { openLimits, openStore } from './freshness-stores.js'
import { monotonicMs } from './freshness-words.js'
import type { AdmittedCall, CountingHost, CountingOrders, FailedCall, Flooded } from './limits-words.js'

/** How long a caller who was refused waits before it comes again. */
const restMs = 3

let stepMs = 0
let host: Awaited<ReturnType<typeof openHost>> | undefined
let flood: ReturnType<typeof startFlood> | undefined

/** Opens the limit store as a host would, beside the store of its keys or on its own server. */
function openCounting({ store, timeoutMs }: CountingHost) {
  if (store.alone) return { limits: memoryLimits(), end: async () => {} }
  if (store.redis) {
    const client = new Redis({ ...ioredisAddress(store.redis), retryStrategy: () => 20 })
    return {
      limits: redisLimits({ client, timeoutMs }),
      end: async () => client.disconnect(),
    }
  }
  return store.keys === 'memory' ? undefined : openLimits(store.keys)
}

async function openHost(settings: CountingHost) {
  const { store, limits, leases, share, timeoutMs, aheadMs } = settings
  const own = store.keys === 'memory' ? { store: memoryStore(), end: async () => {} } : openStore(store.keys)
  const counting = openCounting(settings)
  const keyrung = createKeyrung({
    ...{ catalog, store: own.store, secret: hostSecret, storeTimeoutMs: 20_000, notify: () => undefined },
    clock: { ...systemClock, now: () => Date.now() + aheadMs + stepMs },
    keys: { prefix: 'tp', limits },
    limits: {
      ...(counting && { store: counting.limits }),
      ...(leases !== undefined && { leases: { units: leases } }),
      ...(share !== undefined && { onFailure: { share } }),
      timeoutMs,
    },
  })
  await keyrung.ready({ migrate: true })
  keyrung.run()
  return {
    keyrung,
    async close() {
      await keyrung.close()
      await counting?.end()
      await own.end()
    },
  }
}

function open(): Awaited<ReturnType<typeof openHost>> {
  if (!host) throw new Error('no host is open')
  return host
}

function startFlood(secret: string, inFlight: number) {
  const { keyrung } = open()
  const demand = keyrung.demand('contacts:read')
  const request = { authorization: [`Bearer ${secret}`] }
  const admitted: AdmittedCall[] = []
  const failed: FailedCall[] = []
  const refusedBy: Record<string, number> = {}
  const strange = new Set<string>()
  let slowestMs = 0
  const stopping = new AbortController()

  /** Whether it was admitted. */
  async function call(): Promise<boolean> {
    const begin = monotonicMs()
    try {
      const answer = await keyrung.admit(request, demand)
      const end = monotonicMs()
      slowestMs = Math.max(slowestMs, end - begin)
      if (answer.ok) return admitted.push({ begin, end, at: answer.limits!.now }) > 0
      if (answer.code !== 'limited') strange.add(answer.code)
      for (const { rule, fits } of answer.limits?.meters ?? []) {
        if (!fits) refusedBy[rule.name] = (refusedBy[rule.name] ?? 0) + 1
      }
    } catch (error) {
      const end = monotonicMs()
      slowestMs = Math.max(slowestMs, end - begin)
      if (isKeyrungError(error) && error.code === 'limits_unavailable')
        failed.push({ begin, end, why: error.internal ?? '' })
      else strange.add(String(error))
    }
    return false
  }

  async function lane(): Promise<void> {
    while (!stopping.signal.aborted) {
      if (await call()) await nextTurn()
      else await systemClock.sleep(restMs)
    }
  }

  const lanes = Promise.all(Array.from({ length: inFlight }, lane))
  return {
    look: () => ({ refusedBy: { ...refusedBy }, admitted: admitted.length }),
    async stop(): Promise<Flooded> {
      stopping.abort()
      await lanes
      return { admitted, failed, refusedBy, strange: [...strange], slowestMs }
    },
  }
}

type CarryOut = {
  [O in keyof CountingOrders]: (given: CountingOrders[O]['given']) => Promise<CountingOrders[O]['answer']>
}

const carryOut: CarryOut = {
  greet: async () => null,
  async open(settings) {
    host = await openHost(settings)
    return null
  },
  async make() {
    const { secret } = await open().keyrung.keys.create(admin, { name: 'flood', scopes: ['contacts:read'] })
    return { secret }
  },
  async flood({ secret, inFlight }) {
    flood = startFlood(secret, inFlight)
    return null
  },
  look: async () => flood!.look(),
  stop: () => flood!.stop(),
  async step(given) {
    stepMs += given.stepMs
    return null
  },
  state: async () => (await open().keyrung.state()).limits!.mode,
  async close() {
    await open().close()
    ;[host, flood, stepMs] = [undefined, undefined, 0]
    return null
  },
}

// The test that started it is gone, be it killed: nobody is left to answer to.
process.on('disconnect', () => process.exit())

process.on('message', (message: { order: keyof CountingOrders; given: never }) => {
  void carryOut[message.order](message.given).then(
    (answer) => process.send!({ answer }),
    (error: unknown) => process.send!({ failure: error instanceof Error ? error.stack : String(error) }),
  )
})
