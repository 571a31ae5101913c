import type { Store } from '../../ports/store.js'
import { maxUsageEntries } from '../../core/usage.js'
import type { UsageEntry, UsageRequest, UsageRow } from '../../ports/usage-store.js'
import { anotherOf, reopenedOf, storeCase } from './case.js'
import type { StoreCase } from './case.js'
import { expectEqual, expectThat } from './expect.js'
import { commitAll, remove, stands } from './probe.js'
import { idOf, insert, insertKey, makeTombstone, someInstant } from './records.js'

const day = 20_454
const keyId = idOf('key', 1)

function entry(number: number, calls: number, parts: Partial<UsageEntry> = {}): UsageEntry {
  const permission = 'contacts:read'
  return { keyId: idOf('key', number), day, permission, outcome: 'allow', calls, ...parts }
}

/** What a store answers, in an order of its own. */
async function usageOf(store: Store, request: Partial<UsageRequest> = {}): Promise<readonly string[]> {
  const whole = { workspaceId: 'ws_1', keyId, fromDay: 0, toDay: day + 100, limit: 10_000, ...request }
  return (await store.findUsage(whole)).map(lineOf).sort()
}

function lineOf({ day: on, permission, outcome, calls }: UsageRow): string {
  return `${on - day} ${permission} ${outcome} ${calls}`
}

/** Everything that the keys of a workspace were used for. */
async function usageOfAll(store: Store, workspaceId: string): Promise<readonly string[]> {
  const rows = await store.findUsage({ workspaceId, fromDay: 0, toDay: day + 100, limit: 10_000 })
  return rows.map(lineOf).sort()
}

/** How often keys were used, and what for. */
export const usageCases: readonly StoreCase[] = [
  storeCase('usage is added up by key, day, permission and outcome', async (store) => {
    await commitAll(store, ...insertKey(1), ...insertKey(2))
    await store.recordUsage([])
    expectEqual(await usageOf(store), [], 'the usage before any')
    await store.recordUsage([
      entry(1, 3),
      entry(1, 2, { outcome: 'deny' }),
      entry(2, 9),
      entry(1, 1, { day: day + 1 }),
    ])
    await store.recordUsage([entry(1, 4), entry(1, 1, { permission: '' }), entry(1, 5)])
    const first = ['0  allow 1', '0 contacts:read allow 12', '0 contacts:read deny 2']
    expectEqual(await usageOf(store), [...first, '1 contacts:read allow 1'], 'the usage of the key')
    expectEqual(await usageOf(store, { fromDay: day, toDay: day }), first, 'the usage of its first day')
    expectEqual(await usageOf(store, { fromDay: day + 2 }), [], 'the usage of later days')
    expectEqual((await usageOf(store, { limit: 2 })).length, 2, 'how much there is of it at most')
    expectEqual(await usageOf(store, { limit: 0 }), [], 'none of it')
  }),
  storeCase('usage keeps apart what only looks alike', async (store) => {
    await commitAll(store, ...insertKey(1))
    const permissions = ['a:b', 'A:b', 'a:b ', 'ä:b', 'a\u0308:b', 'a,b', '"a":\\b', '{a}', '%', '']
    await store.recordUsage(permissions.map((permission, i) => entry(1, i + 1, { permission })))
    await store.recordUsage(permissions.map((permission) => entry(1, 100, { permission })))
    const wanted = permissions.map((permission, i) => `0 ${permission} allow ${101 + i}`).sort()
    expectEqual(await usageOf(store), wanted, 'the usage')
  }),
  storeCase('the usage of a workspace is the sum over its own keys, and none of others’', async (store) => {
    const other = { workspaceId: 'ws_2' }
    await commitAll(store, ...insertKey(1), ...insertKey(2), ...insertKey(3, other, other))
    await store.recordUsage([entry(1, 3), entry(2, 4), entry(3, 5), entry(2, 6, { outcome: 'limited' })])
    const [sum, limited] = ['0 contacts:read allow 7', '0 contacts:read limited 6']
    expectEqual(await usageOfAll(store, 'ws_1'), [sum, limited], 'the one')
    expectEqual(await usageOfAll(store, 'ws_2'), ['0 contacts:read allow 5'], 'the other')
    expectEqual(await usageOfAll(store, 'ws_3'), [], 'one without keys')
    expectEqual(await usageOf(store, { workspaceId: 'ws_2' }), [], 'a key asked for in another workspace')
    expectEqual(await usageOf(store, { keyId: 'no such key' }), [], 'a key that is not there')
  }),
  storeCase('usage that comes late finds no living key, and brings nothing back', async (store) => {
    await commitAll(store, ...insertKey(1), ...insertKey(2))
    await store.recordUsage([entry(1, 3)])
    await commitAll(store, remove('key', keyId, 1), remove('secret', idOf('sec', 1), 1))
    await commitAll(store, insert('tombstone', makeTombstone(1)))
    await store.recordUsage([entry(1, 4), entry(2, 5), entry(7, 6)])
    expectEqual(await usageOf(store), [], 'the usage of the deleted key')
    expectEqual(await usageOfAll(store, 'ws_1'), ['0 contacts:read allow 5'], 'that of its workspace')
    expectEqual(await store.findKey('ws_1', keyId), undefined, 'the deleted key')
    await store.purge({ now: someInstant, limit: 100 })
    // Had any of it stayed, a key of the same id would come with it.
    await commitAll(store, ...insertKey(1), ...insertKey(7))
    expectEqual(await usageOf(store), [], 'the usage of another key of that id')
    expectEqual(await usageOf(store, { keyId: idOf('key', 7) }), [], 'that of a key that came later')
  }),
  storeCase('counting usage touches nothing of the key', async (store) => {
    await commitAll(store, ...insertKey(1))
    const before = await store.findKey('ws_1', keyId)
    await store.recordUsage([entry(1, 3)])
    expectEqual(await store.findKey('ws_1', keyId), before, 'the key')
    expectThat(await stands(store, 'key', keyId, 1), 'its version to be as it was')
  }),
  storeCase('usage that no record can hold is passed over, and the rest of it counted', async (store) => {
    await commitAll(store, ...insertKey(1))
    const odd: Partial<UsageEntry>[] = [
      { calls: 0 },
      { calls: -1 },
      { calls: 1.5 },
      { calls: NaN },
      { day: 0.5 },
      { outcome: 'other' as never },
      { permission: 'a\0b' },
      { permission: '\ud800' },
      { permission: 'x'.repeat(300) },
      { keyId: '\ud800' },
    ]
    await store.recordUsage([...odd.map((parts) => entry(1, 1, parts)), entry(1, 2)])
    expectEqual(await usageOf(store), ['0 contacts:read allow 2'], 'the usage')
  }),
  storeCase('many who count at the same time do not lose or double each other’s', async (store) => {
    for (let number = 1; number <= 5; number++) await commitAll(store, ...insertKey(number))
    const numbers = [1, 2, 3, 4, 5]
    const write = (turn: number) => {
      // In another order each time: whoever waits must not be waited for.
      const turned = [...numbers.slice(turn % 5), ...numbers.slice(0, turn % 5)]
      return store.recordUsage(turned.map((number) => entry(number, number)))
    }
    await Promise.all(Array.from({ length: 20 }, (_, turn) => write(turn)))
    for (const number of numbers) {
      const wanted = [`0 contacts:read allow ${20 * number}`]
      expectEqual(await usageOf(store, { keyId: idOf('key', number) }), wanted, `the usage of key ${number}`)
    }
  }),
  storeCase(
    'the usage that instances count adds up',
    async (store, under) => {
      await commitAll(store, ...insertKey(1), ...insertKey(2))
      const another = await anotherOf(under)
      const write = (on: Store, turn: number) =>
        on.recordUsage(turn % 2 ? [entry(1, 1), entry(2, 2)] : [entry(2, 2), entry(1, 1)])
      await Promise.all(
        Array.from({ length: 20 }, (_, turn) => [write(store, turn), write(another, turn + 1)]).flat(),
      )
      expectEqual(await usageOf(store), ['0 contacts:read allow 40'], 'the usage of one key')
      expectEqual(await usageOfAll(another, 'ws_1'), ['0 contacts:read allow 120'], 'that of both')
      await another.close()
    },
    'instances',
  ),
  storeCase('usage of more than any transaction should hold is counted whole', async (store) => {
    await commitAll(store, ...insertKey(1))
    const rows = maxUsageEntries + 200
    await store.recordUsage(Array.from({ length: rows }, (_, i) => entry(1, 1, { day: day - i })))
    expectEqual((await usageOf(store)).length, rows, 'how many rows there are')
  }),
  storeCase('a purge takes usage that is too old, in bounded steps, and nothing else', async (store) => {
    await commitAll(store, ...insertKey(1), ...insertKey(2))
    const days = Array.from({ length: 25 }, (_, i) => day - 24 + i)
    await store.recordUsage(days.flatMap((on) => [entry(1, 1, { day: on }), entry(2, 1, { day: on })]))
    const purge = (usageBefore?: number) =>
      store.purge({ now: someInstant, limit: 20, ...(usageBefore !== undefined && { usageBefore }) })
    expectEqual(await purge(), 0, 'how many a purge takes that is not told from when on')
    const counts = []
    for (let round = 0; round < 4; round++) counts.push(await purge(day - 1))
    expectEqual(counts, [20, 20, 6, 0], 'how many each took')
    const left = ['-1 contacts:read allow 1', '0 contacts:read allow 1']
    expectEqual(await usageOf(store), left, 'the usage of one key')
    expectEqual(await usageOf(store, { keyId: idOf('key', 2) }), left, 'that of the other')
  }),
  storeCase(
    'a purge takes the usage of deleted keys in bounded steps, their tombstone last',
    async (store) => {
      await commitAll(store, ...insertKey(1), ...insertKey(2), ...insertKey(3))
      const days = Array.from({ length: 15 }, (_, i) => day - i)
      await store.recordUsage([1, 2, 3].flatMap((number) => days.map((on) => entry(number, 1, { day: on }))))
      for (const number of [1, 2]) {
        await commitAll(
          store,
          remove('key', idOf('key', number), 1),
          insert('tombstone', makeTombstone(number)),
        )
      }
      let taken = 0
      let rounds = 0
      for (let count = -1; count !== 0 && rounds < 20; rounds++) {
        count = await store.purge({ now: someInstant, limit: 10 })
        expectThat(count <= 12, 'each step to be bounded')
        taken += count
      }
      expectEqual(taken, 32, 'how many were taken')
      for (const number of [1, 2]) {
        expectThat(!(await stands(store, 'tombstone', idOf('key', number), 1)), 'no tombstones')
        await commitAll(store, insertKey(number)[0]!)
        expectEqual(await usageOf(store, { keyId: idOf('key', number) }), [], 'the usage of a deleted key')
      }
      expectEqual((await usageOf(store, { keyId: idOf('key', 3) })).length, 15, 'that of a living one')
    },
  ),
  storeCase(
    'usage is there again when the store is opened anew',
    async (store, under) => {
      await commitAll(store, ...insertKey(1))
      await store.recordUsage([entry(1, 3)])
      const again = await reopenedOf(under)
      await again.recordUsage([entry(1, 4)])
      expectEqual(await usageOf(again), ['0 contacts:read allow 7'], 'the usage')
      await again.close()
    },
    'reopening',
  ),
]
