import { isPromise } from '../../core/maybe-promise.js'
import { hostOf, storeCase } from './case.js'
import type { StoreCase } from './case.js'
import { expectEqual, expectError, expectThat } from './expect.js'
import { add, check, commitAll, expectCounter, stands, update } from './probe.js'
import { idOf, insertKey } from './records.js'

const id = idOf('key', 1)

/** What the host writes in the store's own transaction. */
export const sharingCases: readonly StoreCase[] = [
  storeCase(
    'what the host writes is committed with the changes, and its answer comes back',
    async (store, under) => {
      const { host, commitWith } = hostOf(under)
      await commitAll(store, ...insertKey(1))
      const changes = [update('key', id, 1, { name: 'Edited' }), add('runs', 1)]
      const answer = await commitWith(changes, (transaction) => {
        const written = host.write(transaction, 'one')
        return isPromise(written) ? written.then(() => 'done') : 'done'
      })
      expectEqual(answer, { ok: true, value: 'done' }, 'the answer')
      expectEqual(await host.read(), ['one'], 'what the host has written')
      expectThat(await stands(store, 'key', id, 2), 'the key to be edited')
      await expectCounter(store, 'runs', 1)
    },
    'sharing',
  ),
  storeCase(
    'what the host throws undoes its own part and the changes, and is thrown on as it is',
    async (store, under) => {
      const { host, commitWith } = hostOf(under)
      await commitAll(store, ...insertKey(1))
      const error = new TypeError('the card was declined')
      const fail = (): never => {
        throw error
      }
      let thrown: unknown
      try {
        await commitWith([update('key', id, 1, { name: 'Edited' }), add('runs', 1)], (transaction) => {
          const written = host.write(transaction, 'one')
          return isPromise(written) ? written.then(fail) : fail()
        })
      } catch (caught) {
        thrown = caught
      }
      expectThat(thrown === error, 'the host’s own error')
      expectEqual(await host.read(), [], 'what the host has written')
      expectThat(await stands(store, 'key', id, 1), 'the key as it was')
      await expectCounter(store, 'runs', 0)
      await commitAll(store, update('key', id, 1, { name: 'Edited' }))
    },
    'sharing',
  ),
  storeCase(
    'the host’s part is not begun where the changes are refused, and the answer says why',
    async (store, under) => {
      const { commitWith } = hostOf(under)
      await commitAll(store, ...insertKey(1))
      let begun = 0
      const refused = [
        [[check('key', id, 1), update('key', id, 7, {})], { ok: false, failed: 1, why: 'version' }],
        [[check('key', 'none', 1)], { ok: false, failed: 0, why: 'missing' }],
        [[add('runs', 2, 1)], { ok: false, failed: 0, why: 'limit' }],
        [[{ ...add('runs', 1), before: 1_000_000_000_000 }], { ok: false, failed: 0, why: 'late' }],
      ] as const
      for (const [changes, wanted] of refused) {
        expectEqual(await commitWith(changes, () => void begun++), wanted, 'the answer')
      }
      const invalid = { ...add('runs', 1), delta: 0.5 }
      await expectError('input_invalid', () => commitWith([invalid], () => void begun++), 'no change at all')
      expectEqual(begun, 0, 'how often the host’s part was begun')
    },
    'sharing',
  ),
  storeCase(
    'of many who share a commit on one version exactly one runs',
    async (store, under) => {
      const { host, commitWith } = hostOf(under)
      await commitAll(store, ...insertKey(1))
      const begun: number[] = []
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, caller) =>
          commitWith([update('key', id, 1, { name: `caller ${caller}` })], (transaction) => {
            begun.push(caller)
            return host.write(transaction, `caller ${caller}`)
          }),
        ),
      )
      const winners = answers.flatMap(({ ok }, caller) => (ok ? caller : []))
      expectEqual(begun, winners, 'whose part was begun')
      expectEqual(winners.length, 1, 'how many succeeded')
      expectEqual(await host.read(), [`caller ${winners[0]}`], 'what was written')
      expectEqual((await store.findKey('ws_1', id))?.key.name, `caller ${winners[0]}`, 'the key')
    },
    'sharing',
  ),
]
