import { describe, expect, test } from 'vitest'
import { createLeased } from '../../src/service/leased.js'
import { manualClock } from '../../src/testing/manual-clock.js'

/** A source whose answers are given by hand, so that a test decides what overtakes what. */
function handmade() {
  const asked: { key: string; answer(value: string | undefined): void; fail(error: Error): void }[] = []
  const load = (key: string) =>
    new Promise<string | undefined>((answer, fail) => asked.push({ key, answer, fail }))
  return { asked, load }
}

function setUp(lease = 1_000, bounds = { max: 10, maxMissing: 2 }) {
  const clock = manualClock()
  const source = handmade()
  return {
    clock,
    ...source,
    leased: createLeased({ ...bounds, clock, load: source.load, leaseMs: () => lease }),
  }
}

describe('a lease', () => {
  test('begins before the question was sent and ends to the millisecond', async () => {
    const { clock, asked, leased } = setUp()
    const first = leased.get('a')
    await clock.advance(400)
    asked[0]!.answer('old')
    expect(await first).toBe('old')
    await clock.advance(349)
    expect(leased.get('a')).toBe('old')
    await clock.advance(250)
    expect(leased.get('a')).toBe('old')
    await clock.advance(1)
    expect(leased.get('a')).toBeInstanceOf(Promise)
  })

  test.each([
    ['forward', 1_000],
    ['far forward', 86_400_000],
  ])('ends when the wall clock is stepped %s, though no time has passed', async (_, ms) => {
    const { clock, asked, leased } = setUp()
    const first = leased.get('a')
    asked[0]!.answer('old')
    await first
    clock.step(ms)
    expect(leased.get('a')).toBeInstanceOf(Promise)
  })

  test('is not lengthened when the wall clock is stepped back', async () => {
    const { clock, asked, leased } = setUp()
    const first = leased.get('a')
    asked[0]!.answer('old')
    await first
    clock.step(-86_400_000)
    await clock.advance(999)
    expect(leased.get('a')).toBe('old')
    await clock.advance(1)
    expect(leased.get('a')).toBeInstanceOf(Promise)
  })

  test('an answer that took longer than the lease serves those who waited and is not kept', async () => {
    const { clock, asked, leased } = setUp()
    const first = leased.get('a')
    await clock.advance(1_000)
    asked[0]!.answer('late')
    expect(await first).toBe('late')
    expect(leased.size).toBe(0)
  })

  test('a caller that begins a lease after the question was sent asks anew', async () => {
    const { clock, asked, leased } = setUp()
    void leased.get('a')
    await clock.advance(999)
    void leased.get('a')
    expect(asked).toHaveLength(1)
    await clock.advance(1)
    const later = leased.get('a')
    expect(asked).toHaveLength(2)
    asked[1]!.answer('new')
    asked[0]!.answer('old')
    expect(await later).toBe('new')
    expect(leased.get('a')).toBe('new')
  })

  test('an answer that was overtaken does not replace the newer one', async () => {
    const { clock, asked, leased } = setUp()
    const first = leased.get('a')
    await clock.advance(1_000)
    const second = leased.get('a')
    asked[0]!.answer('old')
    expect(await first).toBe('old')
    asked[1]!.answer('new')
    expect(await second).toBe('new')
    expect(leased.get('a')).toBe('new')
  })
})

describe('dropping', () => {
  test('forgets what is kept, and does not keep what was on its way', async () => {
    const { asked, leased } = setUp()
    const kept = leased.get('kept')
    asked[0]!.answer('old')
    await kept
    const flying = leased.get('flying')
    leased.drop(() => true)
    asked[1]!.answer('old')
    expect(await flying).toBe('old')
    expect(leased.size).toBe(0)
    void leased.get('kept')
    void leased.get('flying')
    expect(asked).toHaveLength(4)
  })

  test('touches only what matches', async () => {
    const { asked, leased } = setUp()
    for (const key of ['a', 'b']) void leased.get(key)
    asked.forEach((question) => question.answer(question.key))
    await Promise.resolve()
    leased.drop((key) => key === 'a')
    expect(leased.get('b')).toBe('b')
    expect(leased.get('a')).toBeInstanceOf(Promise)
  })
})

describe('a failure', () => {
  test('reaches every waiting caller and is never kept', async () => {
    const { asked, leased } = setUp()
    const both = [leased.get('a'), leased.get('a')]
    asked[0]!.fail(new Error('down'))
    for (const one of both) await expect(one).rejects.toThrow('down')
    void leased.get('a')
    expect(asked).toHaveLength(2)
  })

  test('thrown at once goes to the caller', () => {
    const leased = createLeased({
      ...{ clock: manualClock(), leaseMs: () => 1_000, max: 1, maxMissing: 1 },
      load: () => {
        throw new Error('down')
      },
    })
    expect(() => leased.get('a')).toThrow('down')
  })

  test('of a renewal is not seen while the old answer may still be used, and is seen afterwards', async () => {
    const { clock, asked, leased } = setUp()
    const first = leased.get('a')
    asked[0]!.answer('old')
    await first
    await clock.advance(800)
    expect(leased.get('a')).toBe('old')
    asked[1]!.fail(new Error('down'))
    await clock.advance(100)
    expect(leased.get('a')).toBe('old')
    await clock.advance(100)
    const next = leased.get('a')
    asked[2]!.fail(new Error('still down'))
    await expect(next).rejects.toThrow('still down')
  })
})

test('a busy answer is renewed before its lease ends, once, and nobody waits', async () => {
  const { clock, asked, leased } = setUp()
  const first = leased.get('a')
  asked[0]!.answer('old')
  await first
  await clock.advance(750)
  for (let i = 0; i < 5; i++) expect(leased.get('a')).toBe('old')
  expect(asked).toHaveLength(2)
  asked[1]!.answer('new')
  await clock.advance(0)
  expect(leased.get('a')).toBe('new')
  await clock.advance(749)
  expect(leased.get('a')).toBe('new')
})

test('answers are bounded, and unknown ones evict no known one', async () => {
  const clock = manualClock()
  let asked = 0
  const leased = createLeased({
    ...{ clock, leaseMs: () => 1_000, max: 6, maxMissing: 4 },
    load: (key: string) => (asked++, key.startsWith('no') ? undefined : key),
  })
  for (const key of ['a', 'b', 'c', ...Array.from({ length: 50 }, (_, i) => `no${i}`)]) void leased.get(key)
  expect(leased.size).toBeLessThanOrEqual(7)
  asked = 0
  for (const key of ['a', 'b', 'c', 'no48', 'no49']) void leased.get(key)
  expect(asked).toBe(0)
  for (let i = 0; i < 50; i++) void leased.get(`k${i}`)
  expect(leased.size).toBeLessThanOrEqual(10)
  void leased.get('k49')
  expect(asked).toBe(50)
  void leased.get('a')
  expect(asked).toBe(51)
})

test('a lease of nothing keeps nothing', () => {
  let asked = 0
  const leased = createLeased({
    ...{ clock: manualClock(), leaseMs: () => 0, max: 3, maxMissing: 2 },
    load: () => ++asked,
  })
  void leased.get('a')
  expect(leased.get('a')).toBe(2)
})
