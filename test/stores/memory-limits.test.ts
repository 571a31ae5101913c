import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseLimits } from '../../src/core/limit.js'
import type { LimitAnswer } from '../../src/ports/limit-store.js'
import { memoryLimits } from '../../src/stores/memory-limits.js'
import { limitStoreSuite } from '../../src/testing/limit-store-suite.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import { whyNot } from '../../src/testing/store-suite.js'
import { randomPause, start } from '../core/limit-samples.js'
import { textLimits } from '../testing/text-limits.js'

function open() {
  const clock = manualClock()
  return { store: memoryLimits({ clock }), clock }
}

const cases = limitStoreSuite()

describe('memoryLimits keeps every promise that can be asked of it', () => {
  for (const { name, needs, run } of cases) if (needs !== 'instances') it(name, () => run(open))

  it('leaves out only what needs a second instance', () => {
    const left = cases.filter(({ needs }) => needs === 'instances')
    expect(left.map(({ name, needs }) => `${name}: ${whyNot(needs!)}`)).toEqual([
      'two instances on one state count together: there can be only one instance of it',
    ])
  })
})

const minute = parseLimits([{ name: 'minute', limit: 3, windowMs: 60_000 }])
const charge = (subject: string, cost = 1, rules = minute) => ({ subject, rules, cost })

/** What may happen to a store, one after the other. */
const workspaceId = fc.constantFrom('', 'a', 'b')
const subject = fc.constantFrom('key', 'workspace', 'owner')
const limit = fc.constantFrom(0, 3, 9, 255, 256, 70_000)
const windows = [
  { windowMs: 1_000 },
  { windowMs: 60_000 },
  { calendar: 'day' },
  { calendar: 'month' },
] as const
const rules = fc
  .uniqueArray(fc.record({ at: fc.nat(3), limit }), { selector: ({ at }) => at, minLength: 1, maxLength: 3 })
  .map((limits) =>
    parseLimits(limits.map((one) => ({ name: `n${one.at}`, limit: one.limit, ...windows[one.at]! }))),
  )
const cost = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 0, max: 4 }) },
  fc.constantFrom(250, 60_000, 1_000_000_000),
)
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('spend' as const),
      pause: randomPause,
      workspaceId,
      charges: fc.uniqueArray(fc.record({ subject, rules, cost }), {
        selector: (one) => one.subject,
        minLength: 1,
        maxLength: 3,
      }),
      force: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true)),
    }),
  },
  fc.record({
    do: fc.constant('refund' as const),
    workspaceId,
    subject,
    rules,
    units: cost,
    back: randomPause,
  }),
  fc.record({ do: fc.constant('forget' as const), workspaceId, subject }),
  fc.record({ do: fc.constant('step' as const), by: fc.integer({ min: -90_000, max: 90_000 }) }),
)

describe('memoryLimits', () => {
  it('answers as the core reckons, whatever happens to it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const clock = manualClock(start)
        let now = start
        const [store, model] = [memoryLimits({ clock }), textLimits(() => now)]
        for (const one of steps) {
          if (one.do === 'spend') {
            now += one.pause
            await clock.advance(one.pause)
            expect(store.spend(one)).toEqual(model.spend(one))
          } else if (one.do === 'refund') {
            const refund = { ...one, spentAt: Math.max(0, now - one.back) }
            await store.refund(refund)
            await model.refund(refund)
          } else if (one.do === 'forget') {
            await store.forget(one.workspaceId, one.subject)
            await model.forget(one.workspaceId, one.subject)
          } else clock.step(one.by)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('answers as the core reckons where one key comes again and again, little by little or in bursts', async () => {
    const held = parseLimits([
      { name: 'minute', limit: 700, windowMs: 60_000 },
      { name: 'day', limit: 5_000, windowMs: 86_400_000 },
    ])
    const visit = fc.record({
      cost: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constantFrom(100, 254, 255, 256, 700)),
      pause: fc.oneof(
        { weight: 4, arbitrary: fc.integer({ min: 0, max: 3_000 }) },
        fc.constantFrom(30_000, 61_000, 1_440_000, 40_000_000),
      ),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(visit, { minLength: 30, maxLength: 120 }), async (visits) => {
        const clock = manualClock(start)
        let now = start
        const [store, model] = [memoryLimits({ clock }), textLimits(() => now)]
        for (const { cost, pause } of visits) {
          now += pause
          await clock.advance(pause)
          const request = { workspaceId: 'ws', charges: [charge('key', cost, held)] }
          expect(store.spend(request)).toEqual(model.spend(request))
        }
      }),
      { numRuns: 40 },
    )
  })

  it('answers at once, and says so', () => {
    const { store } = open()
    expect(store).toMatchObject({ name: 'memory', synchronous: true, shared: false })
    expect(store.spend({ workspaceId: 'ws', charges: [charge('key')] })).not.toBeInstanceOf(Promise)
  })

  it('hears nothing of a wall clock that is set on: no limit is filled by it', async () => {
    const { store, clock } = open()
    const day = parseLimits([{ name: 'day', limit: 3, calendar: 'day' }])
    const both = { workspaceId: 'ws', charges: [charge('key', 3), charge('owner', 3, day)] }
    const before = (await store.spend(both)).now
    clock.step(400 * 86_400_000)
    const { ok, now } = await store.spend(both)
    expect([ok, now]).toEqual([false, before])
  })

  it('removes subjects of which nothing counts any more as new ones come, and keeps the others', async () => {
    const clock = manualClock()
    const store = memoryLimits({ clock, maxSubjects: 1_000 })
    const day = parseLimits([{ name: 'day', limit: 3, calendar: 'day' }])
    for (let i = 0; i < 100; i++)
      await store.spend({ workspaceId: 'ws', charges: [charge(`day ${i}`, 3, day)] })
    for (let round = 0; round < 12; round++) {
      for (let i = 0; i < 400; i++) {
        const { ok } = await store.spend({ workspaceId: 'ws', charges: [charge(`${round} ${i}`)] })
        expect(ok).toBe(true)
      }
      await clock.advance(61_000)
    }
    for (let i = 0; i < 100; i++) {
      const { ok } = await store.spend({ workspaceId: 'ws', charges: [charge(`day ${i}`, 1, day)] })
      expect(ok).toBe(false)
    }
  })

  it('has room for so many and no more, and rather says so than forgets one', async () => {
    const clock = manualClock()
    const store = memoryLimits({ clock, maxSubjects: 100 })
    const spend = (name: string) =>
      store.spend({ workspaceId: 'ws', charges: [charge(name, 3)] }) as LimitAnswer
    for (let i = 0; i < 100; i++) expect(spend(`${i}`).ok).toBe(true)
    for (const again of ['x', 'y', 'x']) {
      expect(() => spend(again)).toThrow(expect.objectContaining({ code: 'store_unavailable' }))
    }
    for (let i = 0; i < 100; i++) expect(spend(`${i}`).ok).toBe(false)
    await clock.advance(61_000)
    expect(spend('x').ok).toBe(true)
  })

  it('a limit it no longer has holds on to a subject as long as it counts', async () => {
    const clock = manualClock()
    const store = memoryLimits({ clock, maxSubjects: 3 })
    const hour = parseLimits([{ name: 'hour', limit: 1, windowMs: 3_600_000 }])
    await store.spend({ workspaceId: 'ws', charges: [charge('key', 1, hour)] })
    await store.spend({ workspaceId: 'ws', charges: [charge('key')] })
    await clock.advance(120_000)
    for (let i = 0; i < 2; i++) await store.spend({ workspaceId: 'ws', charges: [charge(`${i}`)] })
    expect(() => store.spend({ workspaceId: 'ws', charges: [charge('2')] })).toThrow()
    expect((await store.spend({ workspaceId: 'ws', charges: [charge('key', 1, hour)] })).ok).toBe(false)
    await clock.advance(3_600_000 + 60_000)
    expect((await store.spend({ workspaceId: 'ws', charges: [charge('2')] })).ok).toBe(true)
  })

  it.each([0, -1, 1.5, Number.NaN, 10_000_001, '5'])('takes no room for %s subjects', (maxSubjects) => {
    expect(() => memoryLimits({ maxSubjects: maxSubjects as number })).toThrow(
      expect.objectContaining({ code: 'config_invalid' }),
    )
  })

  it('answers nothing once it is closed', async () => {
    const { store } = open()
    await store.close()
    const closed = expect.objectContaining({ code: 'store_unavailable' })
    expect(() => store.spend({ workspaceId: 'ws', charges: [charge('key')] })).toThrow(closed)
    expect(() => store.forget('ws', 'key')).toThrow(closed)
    const refund = { workspaceId: 'ws', subject: 'key', rules: minute, units: 1, spentAt: 0 }
    expect(() => store.refund(refund)).toThrow(closed)
  })

  it('uses this machine’s time if it is given no clock', async () => {
    const { now } = await memoryLimits().spend({ workspaceId: 'ws', charges: [charge('key')] })
    expect(Math.abs(now - Date.now())).toBeLessThan(60_000)
    expect(Number.isSafeInteger(now)).toBe(true)
  })
})
