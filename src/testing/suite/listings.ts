import { storeCase } from './case.js'
import type { StoreCase } from './case.js'
import { expectEqual, expectThat } from './expect.js'
import { commitAll, remove, update } from './probe.js'
import { idOf, insert, insertKey, makeSecret } from './records.js'
import type { Store } from '../../ports/store.js'
import type { KeyFilter, KeyListRequest } from '../../ports/key-store.js'

/** Numbers of the keys on one page. */
async function page(store: Store, request: Partial<KeyListRequest>): Promise<readonly number[]> {
  const rows = await store.listKeys({ workspaceId: 'ws_1', limit: 100, ...request })
  return rows.map((row) => Number(row.key.id.slice(-6)))
}

/** More keys than any case makes. */
const most = 1_000

/** Every page from the newest key to the oldest. */
async function walk(
  store: Store,
  request: Partial<KeyListRequest>,
  limit: number,
): Promise<readonly string[]> {
  const ids: string[] = []
  while (ids.length <= most) {
    const last = ids.at(-1)
    const rows = await store.listKeys({
      workspaceId: 'ws_1',
      ...request,
      limit,
      ...(last !== undefined && { before: last }),
    })
    expectThat(rows.length <= limit, `no page over ${limit}`)
    if (rows.length === 0) return ids
    ids.push(...rows.map((row) => row.key.id))
  }
  throw new Error(`Pages of ${limit} keys come to no end.`)
}

/** Lists of keys. */
export const listingCases: readonly StoreCase[] = [
  storeCase('keys are listed newest first by id, whatever the order they came in', async (store) => {
    for (const number of [5, 1, 9, 3, 7, 2, 8, 4, 6]) await commitAll(store, ...insertKey(number))
    expectEqual(await page(store, {}), [9, 8, 7, 6, 5, 4, 3, 2, 1], 'all')
    expectEqual(await page(store, { limit: 3 }), [9, 8, 7], 'the first page')
    expectEqual(await page(store, { before: idOf('key', 7), limit: 3 }), [6, 5, 4], 'the second page')
    expectEqual(await page(store, { before: idOf('key', 1) }), [], 'below the oldest')
    expectEqual(await page(store, { before: 'a' }), [], 'below an id that no key has')
    expectEqual(await page(store, { before: 'z', limit: 2 }), [9, 8], 'below an id above all')
    expectEqual(await page(store, { limit: 0 }), [], 'none')
  }),
  storeCase('keys are listed and counted by expiry, owner and maker', async (store) => {
    await commitAll(
      store,
      ...insertKey(1, { expiresAt: 1_000 }),
      ...insertKey(2, { expiresAt: 2_000, ownerId: 'ann' }),
      ...insertKey(3, { expiresAt: null, ownerId: 'ann', createdBy: 'user:bob' }),
      ...insertKey(4, { expiresAt: 3_000, status: 'revoked', ownerId: 'bob', createdBy: 'user:bob' }),
      ...insertKey(5, { workspaceId: 'ws_2', ownerId: 'ann', expiresAt: 1_000 }),
    )
    const cases: readonly [filter: Omit<KeyFilter, 'workspaceId'>, numbers: readonly number[]][] = [
      [{ expiresBefore: 2_000 }, [1]],
      [{ expiresBefore: 2_001 }, [2, 1]],
      [{ expiresFrom: 2_000 }, [4, 3, 2]],
      [{ expiresFrom: 2_001 }, [4, 3]],
      [{ expiresFrom: 1_001, expiresBefore: 3_001 }, [4, 2]],
      [{ status: 'active', expiresFrom: 1_001, expiresBefore: 3_001 }, [2]],
      [{ ownerId: 'ann' }, [3, 2]],
      [{ ownerId: 'Ann' }, []],
      [{ createdBy: 'user:bob' }, [4, 3]],
      [{ createdBy: 'user:bob', status: 'revoked' }, [4]],
      [{}, [4, 3, 2, 1]],
    ]
    for (const [filter, numbers] of cases) {
      expectEqual(await page(store, filter), numbers, JSON.stringify(filter))
      const counted = await store.countKeys({ workspaceId: 'ws_1', ...filter })
      expectEqual(counted, numbers.length, `count of ${JSON.stringify(filter)}`)
      expectEqual(
        await walk(store, filter, 1),
        numbers.map((number) => idOf('key', number)),
        'page by page',
      )
    }
  }),
  storeCase('pages stay in step while keys come and go', async (store) => {
    for (let number = 10; number < 40; number++) await commitAll(store, ...insertKey(number))
    const first = await page(store, { limit: 10 })
    await commitAll(
      store,
      ...insertKey(99),
      ...insertKey(25, { id: `${idOf('key', 25)}x` }, { id: 'x', digest: '!'.repeat(32) }),
    )
    await commitAll(store, remove('key', idOf('key', 30), 1), remove('key', idOf('key', 28), 1))
    const second = await page(store, { before: idOf('key', first.at(-1)!), limit: 10 })
    expectEqual(first, [39, 38, 37, 36, 35, 34, 33, 32, 31, 30], 'the first page')
    expectEqual(second.length, 10, 'the length of the second page')
    expectEqual(second.slice(0, 3), [29, 27, 26], 'what follows the first page')
  }),
  storeCase('a walk by pages meets every key once, in every page size', async (store) => {
    for (let number = 0; number < 23; number++) {
      await commitAll(store, ...insertKey(number * 7, { status: number % 3 ? 'active' : 'revoked' }))
    }
    const all = await walk(store, {}, 100)
    expectEqual(all.length, 23, 'all keys')
    for (const limit of [1, 2, 5, 23]) {
      expectEqual(await walk(store, {}, limit), all, `pages of ${limit}`)
      expectEqual((await walk(store, { status: 'revoked' }, limit)).length, 8, `revoked keys by ${limit}`)
    }
  }),
  storeCase('a status is a filter, and follows the key', async (store) => {
    for (const number of [1, 2, 3]) await commitAll(store, ...insertKey(number))
    await commitAll(store, update('key', idOf('key', 2), 1, { status: 'revoked' }))
    expectEqual(await page(store, { status: 'active' }), [3, 1], 'active keys')
    expectEqual(await page(store, { status: 'revoked' }), [2], 'revoked keys')
    await commitAll(store, update('key', idOf('key', 2), 2, { status: 'active' }))
    expectEqual(await page(store, { status: 'revoked' }), [], 'revoked keys')
  }),
  storeCase('a text finds part of a name, the last four of a secret, or a whole id', async (store) => {
    await commitAll(
      store,
      ...insertKey(1, { nameSearch: 'nightly %_ import' }, { lastFour: 'Ab1Z' }),
      ...insertKey(2, { nameSearch: 'zürich [x]* straße' }, { lastFour: 'ab1y' }),
      ...insertKey(3, { nameSearch: "o'brien; drop table" }, { lastFour: '0000' }),
    )
    const found = [
      ['night', [1]],
      ['%_', [1]],
      ['_', [1]],
      ['%', [1]],
      ['z', [2]],
      ['[x]*', [2]],
      ['straße', [2]],
      ['strasse', []],
      ["o'brien; drop", [3]],
      ['ab1z', [1]],
      ['ab1', []],
      ['0000', [3]],
      [idOf('key', 2), [2]],
      [idOf('key', 2).slice(0, 10), []],
      ['', [3, 2, 1]],
      ['\\', []],
    ] as const
    for (const [text, wanted] of found) {
      expectEqual(await page(store, { text }), wanted, `text ${JSON.stringify(text)}`)
    }
    expectEqual(await page(store, { text: 'r', status: 'revoked' }), [], 'with a status')
    expectEqual(await page(store, { text: 'r', before: idOf('key', 3), limit: 1 }), [2], 'with a cursor')
  }),
  storeCase('a key comes with its secrets, newest first, and its last use', async (store) => {
    await commitAll(store, ...insertKey(1), insert('secret', makeSecret(3, { keyId: idOf('key', 1) })))
    await commitAll(store, insert('secret', makeSecret(2, { keyId: idOf('key', 1) })), ...insertKey(4))
    await commitAll(store, remove('secret', idOf('sec', 4), 1))
    await store.recordUses([{ keyId: idOf('key', 1), at: 1_767_225_600_123 }])
    const listed = await store.listKeys({ workspaceId: 'ws_1', limit: 10 })
    expectEqual(
      listed.map((row) => row.secrets.map((secret) => secret.id)),
      [[], [3, 2, 1].map((n) => idOf('sec', n))],
      'the secrets',
    )
    expectEqual(
      listed.map((row) => row.lastUsedAt),
      [null, 1_767_225_600_123],
      'the last uses',
    )
    for (const row of listed) expectEqual(await store.findKey('ws_1', row.key.id), row, 'findKey')
  }),
  storeCase('no question about one workspace answers from another', async (store) => {
    await commitAll(
      store,
      ...insertKey(1),
      ...insertKey(2, { workspaceId: 'ws_2' }),
      ...insertKey(3, { workspaceId: '' }),
    )
    expectEqual(await page(store, {}), [1], 'the keys of ws_1')
    expectEqual(await page(store, { workspaceId: 'ws_2' }), [2], 'the keys of ws_2')
    expectEqual(await page(store, { workspaceId: 'ws_' }), [], 'the keys of no workspace')
    expectEqual(await page(store, { text: idOf('key', 2) }), [], "another's id as text")
    expectEqual(await store.findKey('ws_1', idOf('key', 2)), undefined, "another's key")
    expectEqual(await store.findKey('', idOf('key', 1)), undefined, 'a key by no workspace')
    expectEqual(await store.findKey('ws_2', idOf('key', 9)), undefined, 'a key that is not there')
  }),
]
