import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isKeyrungError } from '../../src/core/errors.js'
import { packStates, textForgettableAt, unpackStates } from '../../src/core/limit-text.js'
import { parseLimits } from '../../src/core/limit.js'
import type { LimitRule } from '../../src/core/limit.js'
import { bucketStart, forgettableAt, planSpending, unspent } from '../../src/core/limit-window.js'
import type { LimitState } from '../../src/core/limit-window.js'
import { randomPause, randomRules, start } from './limit-samples.js'

const arrivals = fc.array(fc.tuple(randomPause, fc.integer({ min: 0, max: 1_000_000 })), { maxLength: 80 })

function lived(rules: readonly LimitRule[], given: readonly (readonly [number, number])[]) {
  let states: readonly LimitState[] = rules.map(() => unspent)
  let now = start
  for (const [pause, cost] of given) states = planSpending(rules, states, (now += pause), cost, true).states
  return { states, now }
}

const usedAt = (rules: readonly LimitRule[], states: readonly LimitState[], now: number) =>
  planSpending(rules, states, now, 0).meters.map(({ used, resetAt }) => [used, resetAt])

function readsAs(text: string, rules: readonly LimitRule[] = minute): readonly LimitState[] | 'unreadable' {
  try {
    return unpackStates(rules, text)
  } catch (error) {
    if (isKeyrungError(error) && error.code === 'store_unavailable' && error.internal !== undefined) {
      return 'unreadable'
    }
    throw error
  }
}

const minute = parseLimits([{ name: 'minute', limit: 60, windowMs: 60_000 }])
const day = parseLimits([{ name: 'day', limit: 10_000, calendar: 'day' }])
const text = packStates(minute, planSpending(minute, [unspent], start, 5).states, '', start)

describe('what was spent, as a text', () => {
  it('reads back as it was, and is the same whatever the order', () => {
    fc.assert(
      fc.property(randomRules, arrivals, (rules, given) => {
        const { states, now } = lived(rules, given)
        const written = packStates(rules, states, '', now)
        expect(written).toMatch(/^[ -~]*$/)
        const read = unpackStates(rules, written)
        for (const [i, state] of states.entries()) if (state.counts.length > 0) expect(read[i]).toEqual(state)
        expect(usedAt(rules, read, now)).toEqual(usedAt(rules, states, now))
        expect(packStates(rules, read, written, now)).toBe(written)
        expect(packStates(rules.toReversed(), states.toReversed(), '', now)).toBe(written)
        const ends = rules.map((rule, i) => forgettableAt(rule, states[i]!))
        expect(textForgettableAt(written)).toBe(Math.max(0, ...ends))
      }),
      { numRuns: 300 },
    )
  })

  it('is nothing where nothing is spent, and nothing reads as that', () => {
    expect(packStates(minute, [unspent], '', start)).toBe('')
    expect(unpackStates([...minute, ...day], '')).toEqual([unspent, unspent])
    expect(textForgettableAt('')).toBe(0)
  })

  it('is short: a minute in full swing in under 200 characters', () => {
    const { states, now } = lived(
      minute,
      Array.from({ length: 60 }, () => [1_000, 1] as const),
    )
    expect(packStates(minute, states, '', now).length).toBeLessThan(200)
    expect(text.length).toBeLessThan(50)
  })

  it('keeps a limit that is not asked for, until it says nothing any more', () => {
    const states = planSpending(day, [unspent], start, 2).states
    const both = packStates(day, states, text, start)
    expect(unpackStates(minute, both)[0]!.counts).toEqual([5])
    expect(unpackStates(day, both)[0]!.counts).toEqual([2])
    const end = textForgettableAt(text)
    expect(unpackStates(minute, packStates(day, states, both, end - 1))[0]!.counts).toEqual([5])
    expect(unpackStates(minute, packStates(day, states, both, end))).toEqual([unspent])
  })

  it('holds 32 limits at most, whatever names come and go, and can still be read', () => {
    let written = ''
    for (let i = 0; i < 100; i++) {
      const rules = parseLimits([{ name: `n${i}`, limit: 9, windowMs: 3_600_000 + i * 60_000 }])
      written = packStates(rules, planSpending(rules, [unspent], start, 1).states, written, start)
      expect(unpackStates(rules, written)[0]!.counts).toEqual([1])
    }
    expect(written.split(';')).toHaveLength(33)
  })

  it('of a window that has changed all counts in the new one, as late as it can have been spent', () => {
    fc.assert(
      fc.property(randomRules, randomRules, arrivals, (before, after, given) => {
        const { states, now } = lived(before, given)
        const written = packStates(before, states, '', now)
        const moved = unpackStates(after, written)
        for (const [i, rule] of after.entries()) {
          const old = before.findIndex(({ name }) => name === rule.name)
          if (old < 0 || states[old]!.counts.length === 0) expect(moved[i]).toEqual(unspent)
          else {
            const same = before[old]!.kind === rule.kind && before[old]!.bucketMs === rule.bucketMs
            const sum = (counts: readonly number[]) => counts.reduce((units, more) => units + more, 0)
            expect(sum(moved[i]!.counts)).toBe(sum(states[old]!.counts))
            expect(same || moved[i]!.counts.length === 1).toBe(true)
            expect(bucketStart(rule, moved[i]!.bucket)).toBeLessThanOrEqual(now)
            const first = bucketStart(before[old]!, states[old]!.bucket)
            expect(bucketStart(rule, moved[i]!.bucket + 1)).toBeGreaterThan(first)
          }
        }
      }),
    )
  })

  it('of a window that has changed the present one counts all, and comes free with it', () => {
    const hour = parseLimits([{ name: 'minute', limit: 60, windowMs: 3_600_000 }])
    const now = start + 30_000
    const { used, resetAt } = planSpending(hour, unpackStates(hour, text), now, 0).meters[0]!
    expect([used, resetAt]).toEqual([5, start + 61 * 60_000])
    const asDay = parseLimits([{ name: 'minute', limit: 60, calendar: 'day' }])
    expect(planSpending(asDay, unpackStates(asDay, text), now, 0).meters[0]!.resetAt).toBe(
      Date.UTC(2028, 1, 29),
    )
  })

  it.each([
    ['no text at all', 5 as unknown as string],
    ['a word', 'x'],
    ['no entry', 'lk2s9x1'],
    ['an empty entry', 'lk2s9x1;'],
    ['no instant', text.slice(text.indexOf(';'))],
    ['NaN', text.replace(/ [^ ]+$/, ' NaN')],
    ['an upper-case digit', text.toUpperCase()],
    ['a negative count', text.replace(/[^ ]+$/, '-5')],
    ['a part of a unit', text.replace(/[^ ]+$/, '1.5')],
    ['no counts', text.replace(/[^ ]+$/, '')],
    ['a hole in the counts', text.replace(/[^ ]+$/, '5,,3')],
    ['a trailing nothing', text.replace(/[^ ]+$/, '5,0')],
    ['a leading 0', text.replace(/[^ ]+$/, '05')],
    ['too large a count', text.replace(/[^ ]+$/, 'zzzzzzz')],
    ['more counts than buckets', text.replace(/[^ ]+$/, Array.from({ length: 62 }, () => '1').join(','))],
    ['the same limit twice', `${text}${text.slice(text.indexOf(';'))}`],
    ['a name that is none', text.replace('minute', 'Minute')],
    ['a reserved name', text.replace('minute', 'constructor')],
    ['an unknown kind', text.replace(' r ', ' x ')],
    ['a kind with another’s buckets', text.replace(' r ', ' d ')],
    ['no width', text.replace(/ r [^ ]+/, ' r 0')],
    ['too many buckets', text.replace(/ r ([^ ]+) [^ ]+/, ' r $1 zz')],
    ['a bucket beyond time', text.replace(/ ([^ ]+) ([^ ]+)$/, ' zzzzzzzzzz $2')],
    ['an instant beyond time', text.replace(/^[^;]+/, 'zzzzzzzzzzz')],
    ['a space too many', `${text} `],
    ['a line after it', `${text}\n`],
    ['a character of another script', text.replace('5', '５')],
    ['33 limits', `1${Array.from({ length: 33 }, (_, i) => `;n${i} d 0 1 1 1`).join('')}`],
    ['a megabyte', `${text}${';'.repeat(1_000_000)}`],
  ])('that has %s is not read at all', (_, hostile) => {
    expect(hostile).not.toBe(text)
    expect(readsAs(hostile)).toBe('unreadable')
  })

  it('never reads as anything but whole numbers, whatever happened to it', () => {
    const characters = fc.constantFrom(...' ;,0123456789abcxyz-.NeI\n\0é')
    fc.assert(
      fc.property(
        fc.nat(text.length),
        fc.nat(3),
        fc.string({ unit: characters, maxLength: 4 }),
        (at, cut, put) => {
          const read = readsAs(text.slice(0, at) + put + text.slice(at + cut))
          if (read === 'unreadable') return
          for (const { bucket, counts } of read) {
            expect([bucket, ...counts].every((number) => Number.isSafeInteger(number) && number >= 0)).toBe(
              true,
            )
          }
        },
      ),
      { numRuns: 2_000 },
    )
  })
})
