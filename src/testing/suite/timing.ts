import { isInstant } from '../../core/time.js'
import { clockOf, storeCase } from './case.js'
import type { StoreCase } from './case.js'
import { expectEqual, expectThat } from './expect.js'
import { add, check, commitAll, expectRefused, remove, stands, update } from './probe.js'
import { digestOf, idOf, insert, insertKey, makeKey, makeSecret, makeSetting } from './records.js'

/** Times that conditions and questions hang on. */
export const timingCases: readonly StoreCase[] = [
  storeCase('the store’s now is an instant, and does not go back', async (store) => {
    const first = await store.now()
    expectThat(isInstant(first), 'whole milliseconds since 1970')
    expectThat((await store.now()) >= first, 'as late as before, or later')
  }),
  storeCase(
    'the store’s now goes by the clock that it was given',
    async (store, under) => {
      const clock = clockOf(under)
      expectEqual(await store.now(), clock.now(), 'the store’s now')
      await clock.advance(1_234)
      expectEqual(await store.now(), clock.now(), 'the store’s now, later')
    },
    'clock',
  ),
  storeCase(
    '`before` holds to the millisecond on the store’s now, for every kind of change',
    async (store, under) => {
      const clock = clockOf(under)
      const end = clock.now() + 1_000
      const kinds = [
        (number: number) => insert('key', makeKey(number)),
        (number: number) => update('setting', 'one', number, { value: `${number}` }),
        () => check('setting', 'two', 1),
        () => add('n', 1),
        (number: number) => remove('setting', `delete-${number}`, 1),
      ]
      await commitAll(store, insert('setting', makeSetting('one')), insert('setting', makeSetting('two')))
      for (const number of [1, 2, 3])
        await commitAll(store, insert('setting', makeSetting(`delete-${number}`)))
      const at = (number: number) => kinds.map((make) => ({ ...make(number), before: end }))

      await commitAll(store, ...at(1))
      await clock.advance(999)
      await commitAll(store, ...at(2))
      await clock.advance(1)
      for (const change of at(3)) await expectRefused(store, [change], 0, 'late')
      await expectRefused(store, [add('n', 1), { ...add('n', 1), before: end }], 1, 'late')
      clock.step(-1)
      await commitAll(store, ...at(3))
      expectThat(await stands(store, 'setting', 'one', 4), 'three updates')
    },
    'clock',
  ),
  storeCase(
    'a secret counts as living until its last millisecond is over, and is found by its digest even then',
    async (store, under) => {
      const clock = clockOf(under)
      const endsAt = clock.now() + 500
      await commitAll(
        store,
        ...insertKey(1, {}, { endsAt, lastFour: 'Gone', hostSecretId: 'old' }),
        insert('secret', makeSecret(2, { keyId: idOf('key', 1), hostSecretId: 'new' })),
      )
      const listed = async () => {
        const [row] = await store.listKeys({ workspaceId: 'ws_1', limit: 1 })
        return [
          row?.secrets.length,
          (await store.findKey('ws_1', idOf('key', 1)))?.secrets.length,
          (await store.countSecrets()).get('old') ?? 0,
          (await store.listKeys({ workspaceId: 'ws_1', text: 'gone', limit: 1 })).length,
        ]
      }
      await clock.advance(499)
      expectEqual(await listed(), [2, 2, 1, 1], 'in its last millisecond')
      await clock.advance(1)
      expectEqual(await listed(), [1, 1, 0, 0], 'when it has ended')
      expectEqual(
        (await store.findCredential(digestOf(1)))?.secret.endsAt,
        endsAt,
        'the secret that has ended',
      )
      expectEqual(
        (await store.findCredentialById(idOf('sec', 1)))?.secret.endsAt,
        endsAt,
        'the same by its id',
      )
      expectEqual(await store.countSecrets(), new Map([['new', 1]]), 'living secrets by host secret')
    },
    'clock',
  ),
]
