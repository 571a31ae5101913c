import { storeCase } from './case.js'
import type { StoreCase } from './case.js'
import { expectEqual, expectThat } from './expect.js'
import { add, check, commitAll, expectCounter, expectRefused } from './probe.js'

/** Named numbers with a maximum. */
export const counterCases: readonly StoreCase[] = [
  storeCase(
    'a counter begins at 0, adds and takes away, and its maximum is reached but never passed',
    async (store) => {
      await expectCounter(store, 'keys:ws_1', 0)
      await commitAll(store, add('keys:ws_1', 2, 2))
      await expectRefused(store, [add('keys:ws_1', 1, 2)], 0, 'limit')
      await expectCounter(store, 'keys:ws_1', 2)
      await commitAll(store, add('keys:ws_1', 5))
      await commitAll(store, add('keys:ws_1', -6, 2))
      await expectCounter(store, 'keys:ws_1', 1)
      await expectRefused(store, [add('keys:ws_1', 3, 2)], 0, 'limit')
      await commitAll(store, add('keys:ws_1', 1, 2))
      await expectCounter(store, 'keys:ws_1', 2)
    },
  ),
  storeCase('a maximum of 0 lets nothing in, not even the first', async (store) => {
    await expectRefused(store, [add('none', 1, 0)], 0, 'limit')
    await commitAll(store, add('none', 0, 0))
    await expectCounter(store, 'none', 0)
  }),
  storeCase('a counter above a maximum that was lowered goes down only to where it fits', async (store) => {
    await commitAll(store, add('n', 10, 10))
    await expectRefused(store, [add('n', -1, 5)], 0, 'limit')
    await commitAll(store, add('n', -1))
    await commitAll(store, add('n', -4, 5))
    await expectCounter(store, 'n', 5)
  }),
  storeCase(
    'a counter stays a whole number up to the largest one, and refuses what is above it',
    async (store) => {
      await commitAll(store, add('big', Number.MAX_SAFE_INTEGER))
      await expectRefused(store, [add('big', 1)], 0, 'limit')
      await commitAll(store, add('big', -1))
      await expectCounter(store, 'big', Number.MAX_SAFE_INTEGER - 1)
    },
  ),
  storeCase('counters of different names are apart, and of one name shared in a commit', async (store) => {
    const names = ['a', 'A', 'a ', ' a', 'á', 'a\u0301', '🗝', "a'; --", 'a%']
    await commitAll(store, ...names.map((name, index) => add(name, index + 1)))
    for (const [index, name] of names.entries()) await expectCounter(store, name, index + 1)
    await commitAll(store, add('both', 1, 2), add('both', 1, 2))
    await expectRefused(store, [add('both', -1), add('both', 1), add('both', 1, 2)], 2, 'limit')
    await expectCounter(store, 'both', 2)
  }),
  storeCase('a hundred callers at once get exactly as many units as there are', async (store) => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => store.commit([add('race', 1, 7), check('setting', 'none', 1)])),
    )
    expectThat(
      answers.every((answer) => !answer.ok),
      'no commit with an absent record to succeed',
    )
    await expectCounter(store, 'race', 0)
    const taken = await Promise.all(Array.from({ length: 100 }, () => store.commit([add('race', 1, 7)])))
    expectEqual(taken.filter(({ ok }) => ok).length, 7, 'the units given out')
    await expectCounter(store, 'race', 7)
  }),
]
