import { expectEqual, expectThat } from './expect.js'
import {
  expectSpent,
  expectUsed,
  hourly,
  hourMs,
  limitCase,
  limitClockOf,
  rules,
  spend,
  usedOf,
} from './limit-case.js'
import type { LimitStoreCase } from './limit-case.js'

/** Pairs of workspace and subject that stores have taken for each other. */
const pairs: readonly (readonly [workspaceId: string, subject: string])[] = [
  ['a', 'bc'],
  ['ab', 'c'],
  ['', 'abc'],
  ['a', 'b:c'],
  ['a:b', 'c'],
  ['a', ':b:c'],
  ['A', 'bc'],
  ['a', 'BC'],
  ['a', 'Bc'],
  ['a', 'bc '],
  ['a', ' bc'],
  ['a ', 'bc'],
  ['a', 'bć'],
  ['a', 'bc\u0301'],
  ['á', 'bc'],
  ['a\u0301', 'bc'],
  ['ß', 'bc'],
  ['ss', 'bc'],
  ['{a}', 'bc'],
  ['{a', '}bc'],
  ['a', '{bc}'],
  ['{a}bc', '{bc}'],
  ['}{', '{}'],
  ['a', 'b/c'],
  ['a/b', 'c'],
  ['a', 'b%'],
  ['a', 'b_'],
  ['a', 'b*'],
  ['a', "b'; --"],
  ['a', 'b"`\\'],
  ['a', 'b\n'],
  ['a', '🗝'],
  ['a', '🗝\ufe0f'],
  ['🗝', 'a'],
  ['a', 'b\u200b'],
  ['a', 'null'],
  ['a', '__proto__'],
  ['__proto__', 'a'],
  ['a', `${'x'.repeat(150)}y`],
  ['a', `${'x'.repeat(150)}Y`],
]

/** Limits and subjects that come, change and go. */
export const limitChangeCases: readonly LimitStoreCase[] = [
  limitCase('workspaces and subjects are byte-exact: none is taken for another', async (store) => {
    const held = hourly(1_000)
    const look = (workspaceId: string, subject: string, cost: number) =>
      store.spend({ workspaceId, charges: [{ subject, rules: held, cost }] })
    for (const [i, [workspaceId, subject]] of pairs.entries()) {
      const answer = await look(workspaceId, subject, i + 1)
      expectEqual(usedOf(answer), [i + 1], `the first of ${JSON.stringify([workspaceId, subject])}`)
    }
    for (const [i, [workspaceId, subject]] of pairs.entries()) {
      const answer = await look(workspaceId, subject, 0)
      expectEqual(usedOf(answer), [i + 1], `what counts of ${JSON.stringify([workspaceId, subject])}`)
    }
  }),
  limitCase('forgets a subject, and nobody else', async (store) => {
    const held = hourly(3)
    for (const workspaceId of ['ws_1', 'ws_2']) {
      for (const subject of ['key:one', 'key:two']) {
        await store.spend({ workspaceId, charges: [{ subject, rules: held, cost: 3 }] })
      }
    }
    await store.forget('ws_1', 'key:one')
    await store.forget('ws_1', 'key:unknown')
    await store.forget('ws_3', 'key:one')
    for (const [workspaceId, subject, used] of [
      ['ws_1', 'key:one', 0],
      ['ws_1', 'key:two', 3],
      ['ws_2', 'key:one', 3],
      ['ws_2', 'key:two', 3],
    ] as const) {
      const answer = await store.spend({ workspaceId, charges: [{ subject, rules: held, cost: 0 }] })
      expectEqual(usedOf(answer), [used], `what counts of ${workspaceId} ${subject}`)
    }
    await expectSpent(store, true, held, 3)
  }),
  limitCase('a limit that is raised or lowered holds from the next spending on', async (store) => {
    await expectSpent(store, true, hourly(3), 3)
    await expectSpent(store, false, hourly(3))
    await expectSpent(store, true, hourly(5), 2)
    await expectSpent(store, false, hourly(5))
    const lowered = await expectSpent(store, false, hourly(2))
    expectEqual([usedOf(lowered), lowered.meters[0]!.remaining], [[5], 0], 'a limit below what is used')
    await expectSpent(store, true, hourly(300), 295)
    await expectSpent(store, true, hourly(100_000), 99_700)
    await expectSpent(store, false, hourly(100_000))
    await expectUsed(store, hourly(10), [100_000])
  }),
  limitCase(
    'a limit that comes is unspent, and one that goes and comes back is not full again',
    async (store) => {
      const [one, two] = [hourly(3, 'one'), hourly(5, 'two')]
      await expectSpent(store, true, one, 3)
      const both = [...one, ...two]
      await expectUsed(store, both, [3, 0])
      await expectUsed(store, both.toReversed(), [0, 3])
      await expectSpent(store, true, two, 2)
      await expectUsed(store, both, [3, 2])
      await expectSpent(store, true, two, 1)
      await expectSpent(store, false, one)
      await expectUsed(store, both, [3, 3])
    },
  ),
  limitCase('what was spent stays spent where the window of a limit is changed', async (store) => {
    const windows = [hourMs, 2 * hourMs, hourMs + 1, 1_000_000, 31 * 24 * hourMs, hourMs]
    for (const [i, windowMs] of windows.entries()) {
      const held = rules({ name: 'turn', limit: windows.length, windowMs })
      const answer = await expectSpent(store, true, held)
      expectEqual(usedOf(answer), [i + 1], `what counts in a window of ${windowMs}`)
    }
    await expectSpent(store, false, rules({ name: 'turn', limit: windows.length, windowMs: 3 * hourMs }))
  }),
  limitCase(
    'a limit whose window was changed comes free with its new window, or its new period',
    async (store, under) => {
      const clock = limitClockOf(under)
      const [minute, day] = [
        rules({ name: 'turn', limit: 4, windowMs: 60_000 }),
        rules({ name: 'turn', limit: 4, calendar: 'day' }),
      ]
      await expectSpent(store, true, minute, 4)
      await clock.advance(30_000)
      const refused = await expectSpent(store, false, day)
      const tomorrow = (Math.floor(refused.now / 86_400_000) + 1) * 86_400_000
      expectEqual(refused.meters[0]!.retryAt, tomorrow, 'when a day comes free')
      await clock.advance(tomorrow - refused.now - 1)
      await expectSpent(store, false, day)
      await clock.advance(1)
      await expectSpent(store, true, day, 4)
      const back = await expectSpent(store, false, minute)
      const { retryAt } = back.meters[0]!
      expectThat(retryAt !== null && retryAt <= back.now + 61_000, 'a minute to come free within a minute')
      await clock.advance(retryAt! - back.now - 1)
      await expectSpent(store, false, minute)
      await clock.advance(1)
      await expectSpent(store, true, minute, 4)
    },
    'clock',
  ),
  limitCase(
    'what says nothing any more may be purged, and nothing else is',
    async (store, under) => {
      const clock = limitClockOf(under)
      const held = rules({ name: 'minute', limit: 5, windowMs: 60_000 })
      for (const subject of ['key:one', 'key:two', 'key:three']) await spend(store, held, 5, subject)
      await clock.advance(59_000)
      await expectSpent(store, true, held, 1, 'key:four')
      const early = (await store.purge?.(100)) ?? 0
      expectEqual(early, 0, 'what was purged while it counts')
      await expectUsed(store, held, [5], 'key:two')
      await clock.advance(2_000)
      const purged = (await store.purge?.(2)) ?? 2
      expectEqual(purged, 2, 'what was purged, where two at most were asked for')
      for (const subject of ['key:one', 'key:two', 'key:three']) {
        await expectUsed(store, held, [0], subject)
        await expectSpent(store, true, held, 5, subject)
      }
      await expectUsed(store, held, [1], 'key:four')
    },
    'clock',
  ),
]
