import { expectEqual, expectThat } from './expect.js'
import { expectSpent, expectUsed, limitCase, limitClockOf, rules, spend, usedOf } from './limit-case.js'
import type { LimitStoreCase } from './limit-case.js'

const dayMs = 86_400_000
const minutely = rules({ name: 'minute', limit: 4, windowMs: 60_000 })
const daily = rules({ name: 'day', limit: 4, calendar: 'day' })
const monthly = rules({ name: 'month', limit: 4, calendar: 'month' })

function nextMonth(now: number): number {
  const date = new Date(now)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1)
}

/** What time does to limits. */
export const limitWindowCases: readonly LimitStoreCase[] = [
  limitCase(
    'in a rolling window what was spent comes free with its bucket, to the millisecond that was told',
    async (store, under) => {
      const clock = limitClockOf(under)
      const first = await expectSpent(store, true, minutely, 3)
      const free = (Math.floor(first.now / 1_000) + 61) * 1_000
      expectEqual(first.meters[0]!.resetAt, free, 'when all will be free')
      await clock.advance(20_500)
      const second = await expectSpent(store, true, minutely, 1)
      const later = (Math.floor(second.now / 1_000) + 61) * 1_000
      expectEqual(second.meters[0]!.resetAt, later, 'when all will be free, after some more')
      const refused = await expectSpent(store, false, minutely, 2)
      expectEqual(refused.meters[0]!.retryAt, free, 'when two more will fit')
      const all = await expectSpent(store, false, minutely, 4)
      expectEqual(all.meters[0]!.retryAt, later, 'when four more will fit')
      await clock.advance(free - second.now - 1)
      await expectSpent(store, false, minutely, 2)
      await clock.advance(1)
      await expectUsed(store, minutely, [1])
      await expectSpent(store, true, minutely, 3)
      await expectSpent(store, false, minutely)
    },
    'clock',
  ),
  limitCase(
    'no window of a rolling limit holds more than the limit, wherever it begins',
    async (store, under) => {
      const clock = limitClockOf(under)
      await clock.advance(999)
      const at: number[] = []
      for (let step = 0; step < 400; step++) {
        const answer = await spend(store, minutely)
        if (answer.ok) at.push(answer.now)
        await clock.advance(step % 7 === 0 ? 999 : 421)
      }
      const most = Math.max(...at.map((from) => at.filter((t) => t >= from && t < from + 60_000).length))
      expectEqual(most, 4, 'the most that any minute held')
      expectThat(at.length >= 8, `the limit to be usable again, not ${at.length} times in three minutes`)
    },
    'clock',
  ),
  limitCase(
    'a limit of a day is whole again at midnight in UTC, and not before',
    async (store, under) => {
      const clock = limitClockOf(under)
      const { now } = await expectSpent(store, true, daily, 1)
      const midnight = (Math.floor(now / dayMs) + 1) * dayMs
      await clock.advance(midnight - now - 1)
      const last = await expectSpent(store, true, daily, 3)
      expectEqual([last.now, last.meters[0]!.resetAt], [midnight - 1, midnight], 'the last millisecond')
      const refused = await expectSpent(store, false, daily)
      expectEqual(refused.meters[0]!.retryAt, midnight, 'when it will fit')
      await clock.advance(1)
      await expectUsed(store, daily, [0])
      const next = await expectSpent(store, true, daily, 4)
      expectEqual(next.meters[0]!.resetAt, midnight + dayMs, 'the end of the next day')
    },
    'clock',
  ),
  limitCase(
    'a limit of a month is whole again on the first, however long the month',
    async (store, under) => {
      const clock = limitClockOf(under)
      for (let months = 0; months < 15; months++) {
        const { now, meters } = await expectSpent(store, true, monthly, 3)
        const end = nextMonth(now)
        expectEqual(meters[0]!.resetAt, end, 'when all will be free')
        await clock.advance(end - now - 1)
        await expectSpent(store, true, monthly, 1)
        const refused = await expectSpent(store, false, monthly)
        expectEqual(refused.meters[0]!.retryAt, end, 'when it will fit')
        await clock.advance(1)
      }
    },
    'clock',
  ),
  limitCase(
    'a minute and a day hold together: what one refuses is not spent of the other',
    async (store, under) => {
      const clock = limitClockOf(under)
      const both = rules(
        { name: 'day', limit: 6, calendar: 'day' },
        { name: 'minute', limit: 4, windowMs: 60_000 },
      )
      await expectSpent(store, true, both, 4)
      const refused = await expectSpent(store, false, both, 2)
      expectEqual(
        refused.meters.map(({ fits, used }) => [fits, used]),
        [
          [true, 4],
          [false, 4],
        ],
        'the meters',
      )
      await clock.advance(61_000)
      await expectUsed(store, both, [4, 0])
      await expectSpent(store, true, both, 2)
      await expectSpent(store, false, both, 1)
      await expectUsed(store, both, [6, 2])
    },
    'clock',
  ),
  limitCase(
    'a refund goes into the bucket it was spent in, and nowhere once that is over',
    async (store, under) => {
      const clock = limitClockOf(under)
      const both = [...minutely, ...daily]
      const refund = (units: number, spentAt: number) =>
        store.refund({ workspaceId: 'ws_1', subject: 'key:one', rules: both, units, spentAt })
      const first = await expectSpent(store, true, both, 3)
      await clock.advance(10_000)
      const second = await expectSpent(store, true, both, 1)
      await refund(2, first.now)
      const left = await expectUsed(store, both, [2, 2])
      expectEqual(left.meters[0]!.resetAt, (Math.floor(second.now / 1_000) + 61) * 1_000, 'when all is free')
      await refund(3, second.now)
      expectEqual(usedOf(await spend(store, minutely, 0)), [1], 'never less than nothing of its bucket')
      await clock.advance(51_500)
      expectEqual(usedOf(await spend(store, minutely, 0)), [0], 'what counts when the first is over')
      await expectSpent(store, true, minutely, 2)
      await refund(4, first.now)
      expectEqual(usedOf(await spend(store, minutely, 0)), [2], 'what a late refund takes of others')
    },
    'clock',
  ),
  limitCase(
    'a clock that is set back frees nothing, and holds nobody up for longer than a window',
    async (store, under) => {
      const clock = limitClockOf(under)
      for (const [held, back] of [
        [minutely, 3_600_000],
        [daily, 2 * dayMs],
        [monthly, 40 * dayMs],
      ] as const) {
        await expectSpent(store, true, held, 4)
        clock.step(-back)
        await expectSpent(store, false, held)
        await expectUsed(store, held, [4])
        await clock.advance(held[0]!.windowMs + held[0]!.bucketMs)
        await expectSpent(store, true, held, 4)
      }
    },
    'clock',
  ),
]
