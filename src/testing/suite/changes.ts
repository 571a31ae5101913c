import type { RecordType, Records } from '../../ports/change.js'
import type { Store } from '../../ports/store.js'
import { storeCase } from './case.js'
import type { StoreCase } from './case.js'
import { expectEqual, expectError, expectThat } from './expect.js'
import {
  add,
  check,
  commitAll,
  dump,
  expectCounter,
  expectRefused,
  readBack,
  remove,
  stands,
  update,
} from './probe.js'
import {
  digestOf,
  everyType,
  idOf,
  insert,
  insertKey,
  makeKey,
  makeSecret,
  makeSetting,
  oneOfEach,
} from './records.js'

/** Something to set in each kind of records. */
const edits: { readonly [T in RecordType]: Partial<Records[T]> } = {
  key: { name: 'Edited', nameSearch: 'edited', status: 'revoked', revokedAt: 1_767_225_700_000 },
  secret: { lastFour: 'zZ99', endsAt: 4_000_000_000_000 },
  tombstone: { deletedAt: 1_767_225_700_000 },
  event: { reason: 'because' },
  message: { attempts: 3, dueAt: 1_767_225_700_000 },
  idempotency: { fingerprint: 'other' },
  setting: { value: '2' },
  approval: { status: 'approved', lane: 'app:main', dueAt: 1_767_225_700_000, votes: 1, reason: 'fine' },
  approvalContent: { result: 'a.h1.cmVzdWx0' },
  vote: { reason: 'fine' },
  delivery: { status: 'delivered', attempts: 1, dueAt: 1_767_225_700_000, lastStatus: 204 },
}

/** The same case for each kind of records. */
function perType(promise: string, test: (store: Store, type: RecordType) => Promise<void>): StoreCase[] {
  return everyType.map((type) => storeCase(`${type}: ${promise}`, (store) => test(store, type)))
}

/** Everything a change can be, and every reason for which one is refused. */
export const changeCases: readonly StoreCase[] = [
  ...perType(
    'what was inserted comes back as it was, an update writes only what it names, and a delete ends it',
    async (store, type) => {
      // A secret is only found together with its key.
      if (type === 'secret') await commitAll(store, insert('key', oneOfEach.key))
      const record = oneOfEach[type]
      await commitAll(store, insert(type, record))
      expectEqual(await readBack(store, type, record), record, 'the record that was inserted')

      await commitAll(store, update(type, record.id, 1, edits[type]))
      const edited = { ...record, ...edits[type], version: 2 } as Records[RecordType]
      expectEqual(await readBack(store, type, edited), edited, 'the record that was updated')
      await commitAll(store, check(type, record.id, 2))

      await commitAll(store, remove(type, record.id, 2))
      expectThat(!(await stands(store, type, record.id, 2)), 'nothing where the record was')
      expectEqual(await readBack(store, type, edited), undefined, 'the record that was deleted')
    },
  ),
  ...perType(
    'a wrong version is refused by update, delete and check, and an absent record is missing',
    async (store, type) => {
      const { id } = oneOfEach[type]
      for (const change of [update(type, id, 1, edits[type]), remove(type, id, 1), check(type, id, 1)]) {
        await expectRefused(store, [change], 0, 'missing')
      }
      await commitAll(store, insert(type, oneOfEach[type]))
      for (const version of [0, 2, -1]) {
        await expectRefused(store, [update(type, id, version, edits[type])], 0, 'version')
        await expectRefused(store, [remove(type, id, version)], 0, 'version')
        await expectRefused(store, [check(type, id, version)], 0, 'version')
      }
      expectThat(await stands(store, type, id, 1), 'the record to be as it was')
    },
  ),
  ...perType('an id is taken once, and free again after a delete', async (store, type) => {
    const record = oneOfEach[type]
    await commitAll(store, insert(type, record))
    await expectRefused(store, [insert(type, record)], 0, 'duplicate')
    await expectRefused(store, [insert(type, { ...record, workspaceId: 'ws_2' } as never)], 0, 'duplicate')
    await commitAll(store, remove(type, record.id, 1), insert(type, record))
    expectThat(await stands(store, type, record.id, 1), 'the record anew, at version 1')
  }),
  storeCase('kinds of records do not share ids', async (store) => {
    const id = 'the-same-id'
    await commitAll(
      store,
      insert('key', makeKey(1, { id })),
      insert('secret', makeSecret(1, { id, keyId: id })),
    )
    await commitAll(store, insert('setting', makeSetting(id)))
    await commitAll(store, remove('setting', id, 1))
    expectThat(await stands(store, 'key', id, 1), 'the key to stay')
  }),
  storeCase('a version is 1 on insert whatever the record says, and raised by exactly one', async (store) => {
    await commitAll(store, insert('key', makeKey(1, { version: 41 })))
    const id = idOf('key', 1)
    for (let version = 1; version <= 5; version++) {
      await commitAll(store, update('key', id, version, { name: `Name ${version}` }))
      expectThat(
        await stands(store, 'key', id, version + 1),
        `version ${version + 1} after an update of ${version}`,
      )
    }
    await commitAll(store, update('key', id, 6, {}))
    expectThat(await stands(store, 'key', id, 7), 'an update that sets nothing to count too')
  }),
  storeCase('a digest is unique, by insert and by update, and free again once it is gone', async (store) => {
    await commitAll(store, ...insertKey(1), ...insertKey(2))
    await expectRefused(store, [insert('secret', makeSecret(3, { digest: digestOf(1) }))], 0, 'duplicate')
    await expectRefused(store, [update('secret', idOf('sec', 2), 1, { digest: digestOf(1) })], 0, 'duplicate')
    await commitAll(store, update('secret', idOf('sec', 2), 1, { digest: digestOf(2) }))
    await commitAll(store, update('secret', idOf('sec', 1), 1, { digest: digestOf(9) }))
    await commitAll(store, update('secret', idOf('sec', 2), 2, { digest: digestOf(1) }))
    const found = await store.findCredential(digestOf(1))
    expectEqual(found?.secret.id, idOf('sec', 2), 'the secret that has the digest now')
    expectEqual(await store.findCredential(digestOf(2)), undefined, 'what the old digest leads to')
  }),
  storeCase(
    'the changes of a commit are made in order, each on what the ones before it left',
    async (store) => {
      const id = idOf('key', 1)
      await commitAll(
        store,
        ...insertKey(1),
        check('key', id, 1),
        update('key', id, 1, { name: 'Second' }),
        update('key', id, 2, { scopes: 'contacts:read' }),
        check('key', id, 3),
        add('made', 1, 1),
        remove('secret', idOf('sec', 1), 1),
        insert('secret', makeSecret(2, { keyId: id, digest: digestOf(1) })),
      )
      const row = await store.findCredential(digestOf(1))
      expectEqual(
        [row?.key.name, row?.key.scopes, row?.key.version, row?.secret.id],
        ['Second', 'contacts:read', 3, idOf('sec', 2)],
        'the outcome',
      )
      await expectRefused(store, [remove('key', id, 3), check('key', id, 3)], 1, 'missing')
      await expectRefused(store, [insert('key', makeKey(5)), insert('key', makeKey(5))], 1, 'duplicate')
      await expectRefused(store, [add('made', -1), add('made', 1), add('made', 1, 1)], 2, 'limit')
    },
  ),
  storeCase('an empty commit succeeds and changes nothing', async (store) => {
    await commitAll(store, ...insertKey(1))
    const before = await dump(store)
    await commitAll(store)
    expectEqual(await dump(store), before, 'the store')
  }),
  storeCase(
    'the change that failed first is named, wherever it stands, and nothing of the commit stays',
    async (store) => {
      await commitAll(store, ...everyType.map((type) => insert(type, oneOfEach[type])), add('number', 5))
      const before = await dump(store)
      const good = [
        ...insertKey(3),
        update('key', idOf('key', 1), 1, { name: 'Not to be seen', status: 'revoked' }),
        update('secret', idOf('sec', 1), 1, { digest: digestOf(7) }),
        remove('message', idOf('msg', 1), 1),
        remove('event', idOf('evt', 1), 1),
        update('setting', 'one', 1, { value: 'not to be seen' }),
        remove('idempotency', 'idempotency-1', 1),
        remove('tombstone', idOf('key', 9), 1),
        add('number', 3),
        add('new number', 3),
      ]
      const bad = [
        [insert('key', makeKey(1)), 'duplicate'],
        [check('key', idOf('key', 8), 1), 'missing'],
        [check('setting', 'one', 7), 'version'],
        [add('number', 1, 5), 'limit'],
        [{ ...add('number', 0), before: 1_000_000_000_000 }, 'late'],
      ] as const
      for (const [change, why] of bad) {
        for (const place of [0, 4, good.length]) {
          await expectRefused(
            store,
            [...good.slice(0, place), change, ...good.slice(place), change],
            place,
            why,
          )
          expectEqual(await dump(store), before, `the store after a commit that failed as ${why} at ${place}`)
          await expectCounter(store, 'number', 5)
          await expectCounter(store, 'new number', 0)
        }
      }
    },
  ),
  storeCase('columns that are not to be set, and values that no column holds, are refused', async (store) => {
    await commitAll(store, ...insertKey(1))
    const before = await dump(store)
    const id = idOf('key', 1)
    const sets: readonly object[] = [
      { id: 'x' },
      { workspaceId: 'ws_2' },
      { version: 9 },
      { nonsense: 1 },
      { constructor: 'x' },
      { name: 7 },
      { name: null },
      { name: undefined },
      { expiresAt: Number.NaN },
      { expiresAt: 0.5 },
      { expiresAt: '2026-01-01' },
      { status: 'sleeping' },
      { mode: '' },
    ]
    for (const set of sets) {
      const change = update('key', id, 1, set as never)
      await expectError('input_invalid', () => store.commit([...insertKey(2), change]), JSON.stringify(set))
    }
    for (const fields of [
      { digest: 'short' },
      { digest: `${digestOf(1).slice(1)}\u0100` },
      { lastFour: undefined },
    ]) {
      const change = insert('secret', makeSecret(2, fields as never))
      await expectError('input_invalid', () => store.commit([change]), Object.keys(fields).join())
    }
    const strange = [
      { do: 'upsert', type: 'key', id, version: 1 },
      { ...remove('key', id, 1), type: 'keys' },
    ]
    for (const change of strange) {
      await expectError('input_invalid', () => store.commit([change as never]), JSON.stringify(change))
    }
    await expectError('input_invalid', () => store.commit([add('n', Number.NaN)]), 'a counter by no number')
    await expectError('input_invalid', () => store.commit([add('n', 1, 0.5)]), 'a counter up to no number')
    expectEqual(await dump(store), before, 'the store')
  }),
]
