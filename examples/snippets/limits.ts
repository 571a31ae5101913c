import { catalog } from './catalog.js'

const store = memoryStore()

//#region redis
import { Redis } from 'ioredis'
import { createKeyrung, memoryStore } from 'keyrung'
import { redisLimits } from 'keyrung/stores/redis'

const client = new Redis(process.env['REDIS_URL'] ?? 'redis://127.0.0.1', { lazyConnect: true })
client.on('error', (error) => console.error(error.message)) // of connections; keyrung tells of failed calls

const options = {
  catalog,
  store, // keys are kept elsewhere; see docs/stores.md
  secret: process.env['KEYRUNG_SECRET'],
  keys: {
    prefix: 'acme',
    limits: [
      { name: 'minute', limit: 600, windowMs: 60_000 },
      { name: 'day', limit: 100_000, calendar: 'day' },
    ],
  },
  limits: {
    store: redisLimits({ client }),
    workspace: [{ name: 'everyone', limit: 5_000, windowMs: 60_000 }],
    leases: { units: 10 }, // at most; a busy key asks Redis once in ten requests
  },
} as const
const keyrung = createKeyrung(options)
//#endregion redis

/** What came of it without a server. */
export const outcome = { store: options.limits.store.name, shared: options.limits.store.shared }

const actor = { type: 'user', id: 'ada', workspaceId: 'ws_1', role: 'admin' } as const

/** What needs the server at `REDIS_URL`. */
export async function onServer(): Promise<object> {
  await keyrung.ready()
  const wanted = { name: 'CI', scopes: ['contacts:read'] } as const
  const { secret } = await keyrung.keys.create(actor, wanted)
  const demand = keyrung.demand('contacts:read')
  const ask = async (secret: string) => {
    const admitted = await keyrung.admit({ authorization: [`Bearer ${secret}`] }, demand)
    return admitted.ok || admitted.code
  }
  const busy = [await ask(secret), await ask(secret), await ask(secret), await ask(secret)]
  const ahead = await usedBy(keyrung)

  //#region own
  const few = await keyrung.keys.create(actor, {
    name: 'Trial',
    scopes: ['contacts:read'],
    limits: [{ name: 'minute', limit: 2, windowMs: 60_000 }], // in the place of the 600; too few to lease any
  })
  //#endregion own
  const trial = [await ask(few.secret), await ask(few.secret), await ask(few.secret)]

  //#region close
  await keyrung.close() // gives back what this instance had debited ahead
  //#endregion close
  // An instance that knows nothing but what Redis does.
  const limits = { ...options.limits, store: redisLimits({ client }) }
  const another = createKeyrung({ ...options, store: memoryStore(), limits })
  await another.ready()
  const returned = await usedBy(another)
  await another.close()
  await client.quit()
  return { busy, ahead, trial, returned }
}

/** What of its limit the workspace has used, by Redis. */
async function usedBy(instance: typeof keyrung): Promise<number | null | undefined> {
  return (await instance.limits(actor)).workspace[0]?.used
}
