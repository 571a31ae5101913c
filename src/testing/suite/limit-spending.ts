import type { LimitCharge } from '../../ports/limit-store.js'
import { expectEqual, expectThat } from './expect.js'
import {
  expectSpent,
  expectUsed,
  hourly,
  hourMs,
  limitCase,
  anotherLimitStoreOf,
  rules,
  spend,
  usedOf,
} from './limit-case.js'
import type { LimitStoreCase } from './limit-case.js'

function charge(subject: string, limit: number, cost = 1): LimitCharge {
  return { subject, rules: hourly(limit), cost }
}

function admitted(answers: readonly { readonly ok: boolean }[]): number {
  return answers.filter(({ ok }) => ok).length
}

/** What is spent, and what is refused. */
export const limitSpendingCases: readonly LimitStoreCase[] = [
  limitCase('spends what fits, and tells how each limit stands', async (store) => {
    const held = rules(
      { name: 'few', limit: 3, windowMs: hourMs },
      { name: 'many', limit: 9, calendar: 'month' },
    )
    const answer = await spend(store, held, 2)
    expectEqual(answer.ok, true, 'the answer')
    expectEqual(
      answer.meters.map(({ rule, used, remaining, fits }) => [rule.name, rule.limit, used, remaining, fits]),
      [
        ['few', 3, 2, 1, true],
        ['many', 9, 2, 7, true],
      ],
      'the meters',
    )
    for (const meter of answer.meters) {
      expectEqual(meter.retryAt, answer.now, 'when what fits will fit')
      expectThat(meter.resetAt > answer.now, 'what was spent to come free later')
    }
    expectThat(answer.meters[0]!.resetAt <= answer.now + 62 * (hourMs / 60), 'an hour to last an hour')
  }),
  limitCase(
    'refuses what does not fit one of the limits, and then spends nothing of the others',
    async (store) => {
      const held = rules(
        { name: 'few', limit: 2, windowMs: hourMs },
        { name: 'many', limit: 9, windowMs: hourMs },
      )
      await expectSpent(store, true, held, 2)
      for (let again = 0; again < 3; again++) {
        const answer = await expectSpent(store, false, held)
        expectEqual(usedOf(answer), [2, 2], 'what counts after a refusal')
        expectEqual(
          answer.meters.map(({ fits, remaining }) => [fits, remaining]),
          [
            [false, 0],
            [true, 7],
          ],
          'which limit it was',
        )
        const [few, many] = answer.meters
        expectThat(few!.retryAt !== null && few!.retryAt > answer.now, 'the one to say when it will fit')
        expectEqual(many!.retryAt, answer.now, 'when it will fit the other')
      }
      await expectUsed(store, held, [2, 2])
    },
  ),
  limitCase('spends all charges of a request, each at its cost, or none', async (store) => {
    const charges = [charge('key:one', 10, 1), charge('workspace', 5, 2), charge('owner:ann', 3, 0)]
    for (const used of [
      [1, 2, 0],
      [2, 4, 0],
    ]) {
      const answer = await store.spend({ workspaceId: 'ws_1', charges })
      expectEqual([answer.ok, usedOf(answer)], [true, used], 'what fits all')
    }
    const refused = await store.spend({ workspaceId: 'ws_1', charges })
    expectEqual([refused.ok, usedOf(refused)], [false, [2, 4, 0]], 'what does not fit the second')
    expectEqual(
      refused.meters.map(({ fits }) => fits),
      [true, false, true],
      'which charge it was',
    )
    const turned = await store.spend({ workspaceId: 'ws_1', charges: charges.toReversed() })
    expectEqual([turned.ok, usedOf(turned)], [false, [0, 4, 2]], 'the same the other way round')
    await expectUsed(store, hourly(10), [2])
    await expectUsed(store, hourly(5), [4], 'workspace')
    await expectUsed(store, hourly(3), [0], 'owner:ann')
  }),
  limitCase('admits exactly the limit, however many ask at once', async (store) => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => spend(store, hourly(37))))
    expectEqual(admitted(answers), 37, 'how many of a hundred were admitted')
    const counts = answers.filter(({ ok }) => ok).map((answer) => usedOf(answer)[0]!)
    expectEqual(
      counts.sort((a, b) => a - b),
      Array.from({ length: 37 }, (_, i) => i + 1),
      'what each of them was told',
    )
    await expectUsed(store, hourly(37), [37])
  }),
  limitCase(
    'of a flood on several subjects exactly as much is admitted as fits all of them',
    async (store) => {
      const answers = await Promise.all(
        Array.from({ length: 90 }, (_, i) => {
          const key = `key:${i % 3}`
          const charges = [charge(key, i % 3 === 0 ? 4 : 30), charge('workspace', 40, 2)]
          return store.spend({ workspaceId: 'ws_1', charges: i % 2 === 0 ? charges : charges.toReversed() })
        }),
      )
      const used = await Promise.all([0, 1, 2].map((i) => spend(store, hourly(100), 0, `key:${i}`)))
      const byKey = used.map((answer) => usedOf(answer)[0]!)
      expectEqual(admitted(answers), 20, 'how many were admitted')
      expectEqual(byKey[0]! + byKey[1]! + byKey[2]!, 20, 'what the keys spent together')
      expectThat(byKey[0]! <= 4, `the first key to stay within its own limit, not ${byKey[0]}`)
      await expectUsed(store, hourly(40), [40], 'workspace')
    },
  ),
  limitCase('takes costs other than 1, up to the very last unit', async (store) => {
    for (const [cost, ok] of [
      [4, true],
      [4, true],
      [4, false],
      [2, true],
      [1, false],
    ] as const) {
      await expectSpent(store, ok, hourly(10), cost)
    }
    const most = hourly(1_000_000_000, 'most')
    await expectSpent(store, true, most, 999_999_999, 'key:large')
    await expectSpent(store, false, most, 2, 'key:large')
    await expectSpent(store, true, most, 1, 'key:large')
    await expectUsed(store, most, [1_000_000_000], 'key:large')
  }),
  limitCase('a cost of 0 only looks, and always fits', async (store) => {
    await expectUsed(store, hourly(2), [0])
    await expectSpent(store, true, hourly(2), 2)
    await expectUsed(store, hourly(2), [2])
    const looked = await expectUsed(store, hourly(0), [2])
    expectEqual([looked.meters[0]!.fits, looked.meters[0]!.remaining], [true, 0], 'a look at what is over')
    await expectUsed(store, hourly(2), [2])
  }),
  limitCase('what costs more than the limit never fits, and says so', async (store) => {
    const held = rules(
      { name: 'few', limit: 3, windowMs: hourMs },
      { name: 'many', limit: 9, windowMs: hourMs },
    )
    const [few, many] = (await expectSpent(store, false, held, 4)).meters
    expectEqual([few!.fits, few!.retryAt, few!.used], [false, null, 0], 'the limit that is too low')
    expectEqual(many!.fits, true, 'the other')
    const none = await expectSpent(store, false, hourly(0), 1, 'key:none')
    expectEqual(none.meters[0]!.retryAt, null, 'when something fits a limit of 0')
  }),
  limitCase('force spends what does not fit, which then counts as anything else', async (store) => {
    await expectSpent(store, true, hourly(5), 4)
    const forced = await spend(store, hourly(5), 3, 'key:one', true)
    expectEqual([forced.ok, usedOf(forced)], [true, [7]], 'what was forced')
    expectEqual(forced.meters[0]!.remaining, 0, 'what is left')
    await expectSpent(store, false, hourly(5))
    await expectSpent(store, false, hourly(7))
    await expectSpent(store, true, hourly(8))
    const charges = [charge('key:one', 5), charge('workspace', 5, 6)]
    const both = await store.spend({ workspaceId: 'ws_1', charges, force: true })
    expectEqual([both.ok, usedOf(both)], [true, [9, 6]], 'several at once')
  }),
  limitCase('a refund gives back what was spent, and never more', async (store) => {
    const held = rules(
      { name: 'few', limit: 5, windowMs: hourMs },
      { name: 'many', limit: 9, windowMs: hourMs },
    )
    const { now } = await expectSpent(store, true, held, 5)
    const refund = (subject: string, units: number) =>
      store.refund({ workspaceId: 'ws_1', subject, rules: held, units, spentAt: now })
    await refund('key:one', 2)
    await expectUsed(store, held, [3, 3])
    await refund('key:other', 2)
    await expectUsed(store, held, [0, 0], 'key:other')
    await refund('key:one', 0)
    await expectUsed(store, held, [3, 3])
    await refund('key:one', 100)
    await expectUsed(store, held, [0, 0])
    await expectSpent(store, true, held, 5)
    await expectSpent(store, false, held)
  }),
  limitCase(
    'two instances on one state count together',
    async (store, under) => {
      const other = await anotherLimitStoreOf(under)
      try {
        const answers = await Promise.all(
          Array.from({ length: 80 }, (_, i) => spend(i % 2 === 0 ? store : other, hourly(31))),
        )
        expectEqual(admitted(answers), 31, 'how many of eighty were admitted')
        await expectUsed(other, hourly(31), [31])
        const { now } = await expectSpent(other, true, hourly(9), 5, 'key:two')
        await store.refund({
          workspaceId: 'ws_1',
          subject: 'key:two',
          rules: hourly(9),
          units: 5,
          spentAt: now,
        })
        await expectUsed(other, hourly(9), [0], 'key:two')
        await other.forget('ws_1', 'key:one')
        await expectUsed(store, hourly(31), [0])
      } finally {
        await other.close()
      }
    },
    'instances',
  ),
]
