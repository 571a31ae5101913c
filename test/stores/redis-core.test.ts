import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { bucketAt, bucketStart } from '../../src/core/limit-window.js'
import { parseLimits } from '../../src/core/limit.js'
import type { Limit } from '../../src/core/limit.js'
import { redisLimits } from '../../src/stores/redis.js'
import { luaCalendar } from '../../src/stores/redis/lua-calendar.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import { describeOn } from '../servers/on-server.js'
import { textLimits } from '../testing/text-limits.js'
import { clientMakers } from './redis-clients.js'
import type { MadeClient } from './redis-clients.js'

const units = fc.oneof(
  { arbitrary: fc.nat({ max: 6 }), weight: 9 },
  { arbitrary: fc.constantFrom(1_000_000_000, 999_999_999), weight: 1 },
)
const limit = fc.oneof(fc.nat({ max: 40 }), fc.constantFrom(12, 1_000_000_000))
const limits = fc.oneof(
  fc.record({ limit, windowMs: fc.constantFrom(1_000, 1_999, 60_000, 3_600_000, 3_600_001, 2_678_400_000) }),
  fc.record({ limit, calendar: fc.constantFrom<'day' | 'month'>('day', 'month') }),
)
/** The same few names, so that windows and limits change under them. */
const rules = fc
  .uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c'), limits), {
    selector: ([name]) => name,
    minLength: 1,
    maxLength: 3,
  })
  .map((list) => parseLimits(list.map(([name, one]): Limit => ({ name, ...one }))))
const ms = fc.oneof(
  ...[20, 70, 1_100, 4_000, 62_000, 4_000_000].map((max) => fc.nat({ max })),
  fc.constantFrom(17, 1_000, 1_020, 60_000, 61_000, 86_400_000, 2_678_400_000),
)
const subject = fc.constantFrom('key:one', 'key:one', 'workspace', 'owner:ann')
const which = fc.nat({ max: 5 })
const step = fc.oneof(
  { arbitrary: fc.record({ ms }), weight: 6 },
  { arbitrary: fc.record({ back: ms }), weight: 1 },
  {
    arbitrary: fc.record({
      charges: fc.uniqueArray(fc.record({ subject, which, cost: units }), {
        selector: (charge) => charge.subject,
        minLength: 1,
        maxLength: 3,
      }),
      force: fc.nat({ max: 4 }).map((die) => die === 0),
    }),
    weight: 9,
  },
  {
    arbitrary: fc.record({
      refunded: subject,
      which,
      units: fc.nat({ max: 6 }).map((less) => less + 1),
      ago: fc.nat({ max: 12 }),
    }),
    weight: 3,
  },
  { arbitrary: fc.record({ forgotten: subject }), weight: 1 },
)
const story = fc.record({
  lists: fc.array(rules, { minLength: 1, maxLength: 3 }),
  steps: fc.array(step, { minLength: 30, maxLength: 80 }),
})

describeOn('redis', 'what redisLimits counts', (server) => {
  let made: MadeClient
  beforeAll(async () => {
    made = clientMakers.ioredis(await server.createDatabase())
  })
  afterAll(() => made.end())

  it('is what the core counts, whatever is spent, taken back and changed, and when', async () => {
    let runs = 0
    await fc.assert(
      fc.asyncProperty(story, async ({ lists, steps }) => {
        const held = (index: number) => lists[index % lists.length]!
        const spentAts: number[] = []
        const clock = manualClock()
        const prefix = `p${(runs += 1)}:`
        const store = redisLimits({ client: made.client, prefix, clock, timeoutMs: 15_000 })
        const model = textLimits(() => clock.now())
        for (const one of steps) {
          if ('ms' in one) await clock.advance(one.ms)
          else if ('back' in one) clock.step(-one.back)
          else if ('charges' in one) {
            const charges = one.charges.map((charge) => ({ ...charge, rules: held(charge.which) }))
            const request = { workspaceId: 'ws_1', charges, force: one.force }
            spentAts.unshift(clock.now())
            expect(await store.spend(request)).toEqual(await model.spend(request))
          } else if ('refunded' in one) {
            const spentAt = spentAts[one.ago] ?? clock.now()
            const refund = {
              ...{ workspaceId: 'ws_1', subject: one.refunded },
              ...{ rules: held(one.which), units: one.units, spentAt },
            }
            await store.refund(refund)
            await model.refund(refund)
          } else {
            await store.forget('ws_1', one.forgotten)
            await model.forget('ws_1', one.forgotten)
          }
        }
        await store.close()
      }),
      { numRuns: 150 },
    )
  }, 120_000)

  it('falls into the days and months of the core, from 1970 to 2400', async () => {
    const [day, month] = (['day', 'month'] as const).map(
      (calendar) => parseLimits([{ name: 'quota', limit: 1, calendar }])[0]!,
    )
    const script = `${luaCalendar}
      local out = {}
      for i, at in ipairs(ARGV) do
        for _, width in ipairs({ 86400000, 1 }) do
          local bucket = bucketAt(width, tonumber(at))
          out[#out + 1] = bucket
          out[#out + 1] = bucketStart(width, bucket)
        end
      end
      return out`
    const instants: number[] = []
    for (let at = 0; at < Date.UTC(2400, 1); at += 9 * 86_400_000 + 1) instants.push(at)
    for (let number = 0; number < 430 * 12; number++) {
      instants.push(Date.UTC(1970, number), Date.UTC(1970, number + 1) - 1)
    }
    for (let from = 0; from < instants.length; from += 1_000) {
      const part = instants.slice(from, from + 1_000)
      const answer = await made.command('EVAL', script, '0', ...part.map(String))
      expect(answer).toEqual(
        part.flatMap((at) =>
          [day!, month!].flatMap((rule) => {
            const bucket = bucketAt(rule, at)
            return [bucket, bucketStart(rule, bucket)]
          }),
        ),
      )
    }
  })
})
