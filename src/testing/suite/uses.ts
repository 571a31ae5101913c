import { storeCase } from './case.js'
import type { StoreCase } from './case.js'
import { expectEqual, expectThat } from './expect.js'
import { commitAll, remove, stands, update } from './probe.js'
import { idOf, insertKey } from './records.js'

const at = 1_767_225_600_000

/** Notes of when keys were used. */
export const useCases: readonly StoreCase[] = [
  storeCase('the latest use wins, in whatever order they are noted', async (store) => {
    await commitAll(store, ...insertKey(1), ...insertKey(2))
    const keyId = idOf('key', 1)
    const lastUse = async () => (await store.findKey('ws_1', keyId))?.lastUsedAt
    expectEqual(await lastUse(), null, 'before any use')
    await store.recordUses([
      { keyId, at: at + 5 },
      { keyId, at: at + 9 },
      { keyId, at: at + 7 },
    ])
    expectEqual(await lastUse(), at + 9, 'the latest of three')
    await store.recordUses([{ keyId, at: at + 8 }])
    expectEqual(await lastUse(), at + 9, 'after an older one')
    await store.recordUses([{ keyId, at: at + 10 }])
    expectEqual(await lastUse(), at + 10, 'after a newer one')
    await store.recordUses([])
    expectEqual((await store.findKey('ws_1', idOf('key', 2)))?.lastUsedAt, null, 'another key')
  }),
  storeCase('noting a use touches nothing of the key, and brings nothing back', async (store) => {
    await commitAll(store, ...insertKey(1), ...insertKey(2))
    const keyId = idOf('key', 1)
    await commitAll(store, update('key', keyId, 1, { status: 'revoked' }))
    const before = (await store.findKey('ws_1', keyId))?.key
    await store.recordUses([
      { keyId, at },
      { keyId: idOf('key', 7), at },
    ])
    expectEqual((await store.findKey('ws_1', keyId))?.key, before, 'the key')
    expectThat(await stands(store, 'key', keyId, 2), 'its version to be as it was')
    await commitAll(store, remove('key', keyId, 2), remove('secret', idOf('sec', 1), 1))
    await store.recordUses([
      { keyId, at: at + 1 },
      { keyId: idOf('key', 2), at },
    ])
    expectEqual(await store.findKey('ws_1', keyId), undefined, 'the key that was deleted')
    expectEqual((await store.findKey('ws_1', idOf('key', 2)))?.lastUsedAt, at, 'the other key of the batch')
    expectEqual(
      (await store.listKeys({ workspaceId: 'ws_1', limit: 9 })).length,
      1,
      'the keys that are listed',
    )
  }),
  storeCase('uses and changes of one key at the same time do not lose each other', async (store) => {
    await commitAll(store, ...insertKey(1))
    const keyId = idOf('key', 1)
    let version = 1
    for (let round = 1; round <= 10; round++) {
      const changes = [update('key', keyId, version, { status: round % 2 ? 'revoked' : 'active' })]
      const [, answer] = await Promise.all([
        store.recordUses([{ keyId, at: at + round }]),
        store.commit(changes),
        store.recordUses([{ keyId, at: at - round }]),
      ])
      expectEqual(answer, { ok: true }, 'the change')
      version++
    }
    const row = await store.findKey('ws_1', keyId)
    expectEqual([row?.key.status, row?.key.version, row?.lastUsedAt], ['active', 11, at + 10], 'the key')
  }),
  storeCase('a batch larger than any transaction should be is noted whole', async (store) => {
    for (let number = 0; number < 5; number++) await commitAll(store, ...insertKey(number))
    const uses = Array.from({ length: 3_000 }, (_, i) => ({ keyId: idOf('key', i % 1_500), at: at + i }))
    await store.recordUses(uses)
    const rows = await store.listKeys({ workspaceId: 'ws_1', limit: 10 })
    expectEqual(
      rows.map((row) => row.lastUsedAt),
      [4, 3, 2, 1, 0].map((i) => at + 1_500 + i),
      'the last uses',
    )
  }),
]
