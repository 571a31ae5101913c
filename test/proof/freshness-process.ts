/** One process of a host whose instances share a store; run by `fork`, it is told by messages what to do. */
import { readFile } from 'node:fs/promises'
import { isPromise } from '../../src/core/maybe-promise.js'
import { createKeyrung } from '../../src/service/create-keyrung.js'
import { systemClock } from '../../src/ports/system-clock.js'
import { wrapStore } from '../../src/testing/store-wrapper.js'
import { admin, catalog, hostSecret } from '../service/sample.js'
import { openStore } from './freshness-stores.js'
import { createWatch } from './freshness-watch.js'
import { monotonicMs } from './freshness-words.js'
import type { ChangeKind, HostSettings, MadeKey, Order, Orders } from './freshness-words.js'

const reading = new Set<string>(['findCredential', 'findCredentials', 'findCredentialById'])
let [stepMs, readDelayMs, reads] = [0, 0, 0]
let host: Awaited<ReturnType<typeof openHost>> | undefined

async function openHost(settings: HostSettings) {
  const { database, freshness, leaseMs, plans, restMs } = settings
  const { store, end } = openStore(database)
  const seen = wrapStore(
    store,
    (call, ask) => {
      const answer = ask()
      if (!reading.has(call)) return answer
      reads++
      return readDelayMs === 0 ? answer : late(answer)
    },
    { freshness },
  )
  const keyrung = createKeyrung({
    ...{ catalog, store: seen, secret: hostSecret, freshness, leaseMs, hookLeaseMs: leaseMs },
    clock: { ...systemClock, now: () => Date.now() + stepMs },
    keys: { prefix: 'tp' },
    storeTimeoutMs: 20_000,
    // Deleted keys are checked on and on from one place.
    limits: { sources: false },
    entitlements: {
      async of(workspaceId) {
        const isLowered = (await readFile(plans, 'utf8')).split('\n').includes(workspaceId)
        return { access: true, ceilings: [isLowered ? 'contacts:read' : 'contacts:write'] }
      },
    },
  })
  await keyrung.ready({ migrate: true })
  // Where every check reads the database is the limit; where reads are late by more than a lease, checks must go on
  // beginning all the while.
  const mostPending = freshness === 'strict' ? 3 : Math.ceil((3 * leaseMs) / restMs)
  const watch = createWatch(keyrung, { restMs, mostPending })
  return { keyrung, store, end, watch }
}

/** What the store said a moment ago, arriving late. */
async function late(answer: unknown): Promise<unknown> {
  const said = isPromise(answer) ? await answer : answer
  await systemClock.sleep(readDelayMs)
  return said
}

function open(): Awaited<ReturnType<typeof openHost>> {
  if (!host) throw new Error('no host is open')
  return host
}

function actorIn(workspaceId: string) {
  return { ...admin, workspaceId }
}

async function make(kind: ChangeKind, workspaceId: string): Promise<MadeKey> {
  const { keys } = open().keyrung
  const actor = actorIn(workspaceId)
  const { key, secret } = await keys.create(actor, { name: kind, scopes: ['contacts:write'] })
  const { version } = kind === 'activate' ? await keys.revoke(actor, key.id) : key
  return { id: key.id, secret, kind, workspaceId, version }
}

async function change({ id, kind, workspaceId, version }: MadeKey): Promise<unknown> {
  const { keyrung, store } = open()
  const actor = actorIn(workspaceId)
  switch (kind) {
    case 'revoke':
      return keyrung.keys.revoke(actor, id)
    case 'activate':
      return keyrung.keys.activate(actor, id)
    case 'edit':
      return keyrung.keys.edit(actor, id, { scopes: ['contacts:read'] }, { version })
    case 'rotate':
      return keyrung.keys.rotate(actor, id, { graceMs: 0 })
    case 'delete':
      return keyrung.keys.delete(actor, id)
    case 'changed':
      return keyrung.changed({ workspaceId })
    case 'sabotage':
      // What no host should do: past the service, and so without waiting for anybody's lease.
      return store.commit([
        { do: 'update', type: 'key', id, expectVersion: version, set: { status: 'revoked' } },
      ])
  }
}

const carryOut: { [O in Order]: (given: Orders[O]['given']) => Promise<Orders[O]['answer']> } = {
  greet: async () => null,
  async open(settings) {
    host = await openHost(settings)
    return null
  },
  make: ({ kinds }) => Promise.all(kinds.map(({ kind, workspaceId }) => make(kind, workspaceId))),
  async watch({ keys }) {
    await open().watch.add(keys)
    return null
  },
  change: ({ keys }) =>
    Promise.all(
      keys.map(async (key) => {
        const calledAt = monotonicMs()
        await change(key)
        return { id: key.id, calledAt, returnedAt: monotonicMs() }
      }),
    ),
  judge: ({ returns }) => open().watch.judge(returns),
  async disturb(given) {
    stepMs = given.stepMs === 'none' ? 0 : stepMs + (given.stepMs ?? 0)
    readDelayMs = given.readDelayMs ?? readDelayMs
    return null
  },
  count: async () => ({ reads, checks: open().watch.checks() }),
  async close() {
    const { watch, keyrung, end } = open()
    await watch.stop()
    await keyrung.close()
    await end()
    host = undefined
    ;[stepMs, readDelayMs, reads] = [0, 0, 0]
    return null
  },
}

// The test that started it is gone, be it killed: nobody is left to answer to.
process.on('disconnect', () => process.exit())

process.on('message', (message: { order: Order; given: never }) => {
  void carryOut[message.order](message.given).then(
    (answer) => process.send!({ answer }),
    (error: unknown) => process.send!({ failure: error instanceof Error ? error.stack : String(error) }),
  )
})
