import { reopenedOf, storeCase } from './case.js'
import type { StoreCase } from './case.js'
import { expectEqual, expectError, expectThat } from './expect.js'
import { add, commitAll, dump, expectCounter, remove, stands, update } from './probe.js'
import {
  digestOf,
  everyType,
  idOf,
  insert,
  insertKey,
  makeIdempotency,
  makeSecret,
  makeTombstone,
  oneOfEach,
  someInstant,
} from './records.js'

/** What a store does for itself: the schema, purges, its end. */
export const upkeepCases: readonly StoreCase[] = [
  storeCase('a purge takes what time has ended, to the millisecond, and nothing else', async (store) => {
    const now = someInstant + 1_000
    await commitAll(
      store,
      ...insertKey(1),
      ...insertKey(2, {}, { endsAt: now }),
      ...insertKey(3, {}, { endsAt: now + 1 }),
      insert('idempotency', makeIdempotency(1, { expiresAt: now })),
      insert('idempotency', makeIdempotency(2, { expiresAt: now + 1 })),
      ...[4, 5].flatMap((number) => insertKey(number)),
    )
    await store.recordUses([1, 4].map((number) => ({ keyId: idOf('key', number), at: someInstant })))
    await commitAll(store, remove('key', idOf('key', 4), 1), remove('secret', idOf('sec', 4), 1))
    await commitAll(store, insert('tombstone', makeTombstone(4)), insert('tombstone', makeTombstone(6)))

    // A secret, an idempotency row, a use and two tombstones.
    expectEqual(await store.purge({ now, limit: 100 }), 5, 'how many were taken')
    expectEqual(await store.purge({ now, limit: 100 }), 0, 'how many were left')
    expectEqual(await store.findCredential(digestOf(2)), undefined, 'a secret that had ended')
    expectThat((await store.findCredential(digestOf(3))) !== undefined, 'a secret with a millisecond to go')
    expectThat(
      (await store.findKey('ws_1', idOf('key', 2))) !== undefined,
      'a key without its secret to stay',
    )
    expectEqual(await store.findIdempotency('idempotency-1'), undefined, 'a row that had expired')
    expectThat((await store.findIdempotency('idempotency-2')) !== undefined, 'a row with a millisecond to go')
    for (const number of [4, 6]) {
      expectThat(!(await stands(store, 'tombstone', idOf('key', number), 1)), 'no tombstones')
    }
    expectEqual(
      (await store.findKey('ws_1', idOf('key', 1)))?.lastUsedAt,
      someInstant,
      'the use of a living key',
    )
    // Had the use stayed, a key of the same id would come with it.
    await commitAll(store, ...insertKey(4))
    expectEqual((await store.findKey('ws_1', idOf('key', 4)))?.lastUsedAt, null, 'the use of the deleted key')
  }),
  storeCase('a purge is bounded, and many of them come to an end', async (store) => {
    for (let number = 0; number < 25; number++) {
      await commitAll(
        store,
        ...insertKey(number, {}, { endsAt: someInstant }),
        insert('idempotency', makeIdempotency(number, { expiresAt: someInstant })),
      )
    }
    const counts = []
    for (let round = 0; round < 4; round++) counts.push(await store.purge({ now: someInstant, limit: 10 }))
    expectEqual(counts, [20, 20, 10, 0], 'how many each took')
    expectEqual(await store.countSecrets(), new Map(), 'the secrets')
    expectEqual((await store.listKeys({ workspaceId: 'ws_1', limit: 99 })).length, 25, 'the keys')
    expectEqual(await store.purge({ now: someInstant, limit: 0 }), 0, 'a purge of none')
  }),
  storeCase('a secret whose end was taken back survives the purge', async (store) => {
    await commitAll(store, ...insertKey(1, {}, { endsAt: someInstant }))
    await commitAll(store, update('secret', idOf('sec', 1), 1, { endsAt: null }))
    expectEqual(await store.purge({ now: someInstant * 2, limit: 9 }), 0, 'how many were taken')
    await commitAll(store, update('secret', idOf('sec', 1), 2, { endsAt: someInstant }))
    expectEqual(await store.purge({ now: someInstant, limit: 9 }), 1, 'how many were taken')
  }),
  storeCase('living secrets are counted by the host secret they were made under', async (store) => {
    await commitAll(
      store,
      ...insertKey(1, {}, { hostSecretId: 'h1' }),
      ...insertKey(2, {}, { hostSecretId: 'h2' }),
      insert('secret', makeSecret(3, { keyId: idOf('key', 1), hostSecretId: 'h2' })),
    )
    expectEqual(
      await store.countSecrets(),
      new Map([
        ['h1', 1],
        ['h2', 2],
      ]),
      'the counts',
    )
    await commitAll(store, update('secret', idOf('sec', 1), 1, { hostSecretId: 'h2', digest: digestOf(5) }))
    expectEqual(await store.countSecrets(), new Map([['h2', 3]]), 'the counts when one was renewed')
  }),
  storeCase(
    'the schema is current once it was brought up to date, and doing so again changes nothing',
    async (store) => {
      await commitAll(store, ...everyType.map((type) => insert(type, oneOfEach[type])))
      const before = await dump(store)
      expectEqual(await store.findSchema(), 'current', 'the schema')
      await Promise.all([store.migrate(), store.migrate()])
      expectEqual(await store.findSchema(), 'current', 'the schema')
      expectEqual(await dump(store), before, 'the records')
    },
  ),
  storeCase('a store that was closed says so, and can be closed again', async (store) => {
    await commitAll(store, ...insertKey(1))
    await store.close()
    await store.close()
    const request = { workspaceId: 'ws_1', limit: 1 }
    const used = { day: 1, permission: 'contacts:read', outcome: 'allow' } as const
    const calls = [
      () => store.findCredential(digestOf(1)),
      () => store.findCredentials([digestOf(1)]),
      () => store.findKey('ws_1', idOf('key', 1)),
      () => store.listKeys(request),
      () => store.listEvents(request),
      () => store.countSecrets(),
      () => store.findSettings(''),
      () => store.commit(insertKey(2)),
      () => store.recordUses([{ keyId: idOf('key', 1), at: someInstant }]),
      () => store.recordUsage([{ ...used, keyId: idOf('key', 1), calls: 1 }]),
      () => store.findUsage({ ...request, keyId: idOf('key', 1), fromDay: 0, toDay: 1 }),
      () => store.purge({ now: someInstant, limit: 1 }),
    ]
    for (const call of calls) await expectError('store_unavailable', call, String(call))
  }),
  storeCase(
    'everything is there again when the store is opened anew',
    async (store, under) => {
      await commitAll(store, ...everyType.map((type) => insert(type, oneOfEach[type])), add('n', 3))
      await store.recordUses([{ keyId: idOf('key', 1), at: someInstant }])
      const before = await dump(store)
      const again = await reopenedOf(under)
      expectEqual(await again.findSchema(), 'current', 'the schema')
      expectEqual(await dump(again), before, 'the records')
      await expectCounter(again, 'n', 3)
      await again.close()
    },
    'reopening',
  ),
]
