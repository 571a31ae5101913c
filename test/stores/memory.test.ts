import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/stores/memory.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import { storeSuite, whyNot } from '../../src/testing/store-suite.js'
import { commitAll, update } from '../../src/testing/suite/probe.js'
import { digestOf, idOf, insertKey, makeKey } from '../../src/testing/suite/records.js'

function make() {
  const clock = manualClock()
  return { store: memoryStore({ clock }), clock }
}

const cases = storeSuite()

describe('memoryStore keeps every promise that can be asked of it', () => {
  for (const { name, needs, run } of cases) if (!needs || needs === 'clock') it(name, () => run(make))

  it('leaves out only what needs a second instance, a second life or a transaction', () => {
    const left = cases.filter(({ needs }) => needs && needs !== 'clock')
    const sharing = left.filter(({ needs }) => needs === 'sharing')
    expect([sharing.length, whyNot('sharing')]).toEqual([4, 'it has no transactions to share'])
    expect(make().store.commitWith).toBeUndefined()
    const others = left.filter((one) => !sharing.includes(one))
    expect(others.map(({ name, needs }) => `${name}: ${whyNot(needs!)}`)).toEqual([
      'what another instance commits is seen by the very next read: there can be only one instance of it',
      'the usage that instances count adds up: there can be only one instance of it',
      'usage is there again when the store is opened anew: what it holds ends with it',
      'everything is there again when the store is opened anew: what it holds ends with it',
    ])
  })
})

describe('memoryStore', () => {
  it('answers every read at once, and says so', async () => {
    const { store } = make()
    await commitAll(store, ...insertKey(1))
    expect(store).toMatchObject({ name: 'memory', freshness: 'exclusive', synchronous: true, durable: false })
    const answers = [
      store.findCredential(digestOf(1)),
      store.findCredentials([digestOf(1)]),
      store.findKey('ws_1', idOf('key', 1)),
      store.listKeys({ workspaceId: 'ws_1', limit: 1 }),
      store.commit([]),
      store.countSecrets(),
    ]
    for (const answer of answers) expect(answer).not.toBeInstanceOf(Promise)
  })

  it('a credential that was answered stays as it was; the next answer is the present state', async () => {
    const { store } = make()
    await commitAll(store, ...insertKey(1))
    const before = await store.findCredential(digestOf(1))
    expect(await store.findCredential(digestOf(1))).toBe(before)
    await commitAll(store, update('key', idOf('key', 1), 1, { status: 'revoked' }))
    await commitAll(store, update('secret', idOf('sec', 1), 1, { lastFour: 'next' }))
    const after = await store.findCredential(digestOf(1))
    expect(after).toMatchObject({ key: { status: 'revoked', version: 2 }, secret: { lastFour: 'next' } })
    expect(before?.key).toEqual(makeKey(1))
  })

  it('freezes the records it hands out', async () => {
    const { store } = make()
    await commitAll(store, ...insertKey(1))
    const row = await store.findCredential(digestOf(1))
    expect(Object.isFrozen(row?.key)).toBe(true)
    expect(Object.isFrozen(row?.secret)).toBe(true)
  })

  it('uses this machine’s time if it is given no clock', async () => {
    const store = memoryStore()
    const late = { do: 'counter', name: 'n', delta: 1, max: null } as const
    expect(await store.commit([{ ...late, before: Date.now() }])).toMatchObject({ why: 'late' })
    expect(await store.commit([{ ...late, before: Date.now() + 60_000 }])).toEqual({ ok: true })
  })
})
