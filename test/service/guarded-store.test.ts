import { describe, expect, test } from 'vitest'
import { KeyrungError } from '../../src/core/errors.js'
import type { Store } from '../../src/ports/store.js'
import { guardStore } from '../../src/service/guarded-store.js'
import { memoryStore } from '../../src/stores/memory.js'
import { manualClock } from '../../src/testing/manual-clock.js'

/** Every call of a store with arguments that fit, but for `migrate`, which may take as long as it takes. */
const calls: Record<string, (store: Store) => unknown> = {
  now: (store) => store.now(),
  commit: (store) => store.commit([]),
  findSettings: (store) => store.findSettings('x'),
  purge: (store) => store.purge({ now: 0, limit: 1 }),
  findSchema: (store) => store.findSchema(),
  close: (store) => store.close(),
  findCredential: (store) => store.findCredential('d'),
  findCredentials: (store) => store.findCredentials(['d']),
  findCredentialById: (store) => store.findCredentialById('s'),
  findKey: (store) => store.findKey('w', 'k'),
  listKeys: (store) => store.listKeys({ workspaceId: 'w', limit: 1 }),
  countKeys: (store) => store.countKeys({ workspaceId: 'w' }),
  countSecrets: (store) => store.countSecrets(),
  countSealed: (store) => store.countSealed(),
  listSealed: (store) => store.listSealed({ type: 'delivery', limit: 1 }),
  recordUses: (store) => store.recordUses([]),
  recordUsage: (store) => store.recordUsage([]),
  findUsage: (store) => store.findUsage({ workspaceId: 'w', fromDay: 0, toDay: 1, limit: 1 }),
  findIdempotency: (store) => store.findIdempotency('i'),
  listEvents: (store) => store.listEvents({ workspaceId: 'w', limit: 1 }),
  listDueMessages: (store) => store.listDueMessages({ kind: 'sink', destination: 's', now: 0, limit: 1 }),
  countMessages: (store) => store.countMessages(),
  findApproval: (store) => store.findApproval('w', 'a'),
  findApprovalContent: (store) => store.findApprovalContent('w', 'a'),
  listApprovals: (store) => store.listApprovals({ workspaceId: 'w', limit: 1 }),
  listDueApprovals: (store) => store.listDueApprovals({ lane: 'named', now: 0, limit: 1 }),
  listVotes: (store) => store.listVotes('a'),
  findDelivery: (store) => store.findDelivery('w', 'd'),
  listDeliveries: (store) => store.listDeliveries({ workspaceId: 'w', limit: 1 }),
  listDueDeliveries: (store) => store.listDueDeliveries({ status: 'waiting', now: 0, limit: 1 }),
}

/** A store all of whose calls do the same. */
function storeThat(does: () => unknown): Store {
  const store = memoryStore() as unknown as Record<string, unknown>
  return {
    ...store,
    ...Object.fromEntries(Object.keys(calls).map((name) => [name, does])),
  } as unknown as Store
}

async function caught(run: () => unknown): Promise<unknown> {
  try {
    return await run()
  } catch (error) {
    return error
  }
}

test('no call of a store is left out', () => {
  const functions = Object.entries(memoryStore()).filter(([, value]) => typeof value === 'function')
  expect(Object.keys(calls).sort()).toEqual(
    functions
      .map(([name]) => name)
      .filter((name) => name !== 'migrate')
      .sort(),
  )
})

describe.each(Object.entries(calls))('%s', (name, call) => {
  const clock = manualClock()
  const guard = (does: () => unknown) => guardStore(storeThat(does), clock, 5_000)
  const driverError = Object.assign(new RangeError('near "canary-value"'), { parameters: ['canary-value'] })

  test.each([
    [
      'throws',
      () => {
        throw driverError
      },
    ],
    ['rejects', () => Promise.reject(driverError)],
  ])('that %s is 503, and nothing of the driver’s text comes out', async (_, does) => {
    const error = (await caught(() => call(guard(does)))) as KeyrungError
    expect(error).toMatchObject({ code: 'store_unavailable', internal: `store ${name}: RangeError` })
    expect(error.cause).toMatchObject({ name: 'RangeError', message: 'near "canary-value"' })
    expect(error.cause).not.toHaveProperty('parameters')
    expect(`${error.stack}${JSON.stringify(error)}`).not.toContain('canary')
  })

  test('passes an error of keyrung’s own on as it is', async () => {
    const own = new KeyrungError('transaction_open')
    expect(await caught(() => call(guard(() => Promise.reject(own))))).toBe(own)
  })

  test('that never answers is refused in time, and leaves no timer behind', async () => {
    const answer = caught(() => call(guard(() => new Promise(() => undefined))))
    await clock.advance(4_999)
    expect(clock.sleepers).toBe(1)
    await clock.advance(1)
    expect(await answer).toMatchObject({ code: 'store_unavailable' })
    expect(clock.sleepers).toBe(0)
  })

  test('that answers at once is answered at once, and its promise is kept a promise', async () => {
    const answer = {}
    expect(call(guard(() => answer))).toBe(answer)
    expect(await call(guard(() => Promise.resolve(answer)))).toBe(answer)
    expect(clock.sleepers).toBe(0)
  })

  test('is not made before the store may be asked', () => {
    let asked = 0
    const store = guardStore(
      storeThat(() => asked++),
      clock,
      5_000,
      () => {
        throw new KeyrungError('not_ready')
      },
    )
    expect(() => call(store)).toThrow(expect.objectContaining({ code: 'not_ready' }))
    expect(asked).toBe(0)
  })
})
