import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Generations } from '../../src/core/generations.js'

describe('a map that forgets its oldest half', () => {
  test('keeps what was set or used lately, forgets the rest, and says how much it keeps', () => {
    const map = new Generations<number>(4)
    for (const [value, key] of ['a', 'b', 'c', 'd'].entries()) map.set(key, value)
    expect(map.size).toBe(4)
    expect([map.get('a'), map.get('d')]).toEqual([0, 3])
    // Looked up, but not counted as used: it goes with its half.
    map.get('a')
    expect(map.use('b')).toBe(1)
    expect([map.get('a'), map.get('b'), map.get('c'), map.get('d')]).toEqual([undefined, 1, 2, 3])
    expect(map.size).toBe(3)
    expect(map.use('nobody')).toBeUndefined()
    expect(map.size).toBe(3)
  })

  test('a key that is set again has its new value alone, in whichever half it was', () => {
    const map = new Generations<number>(4)
    for (const key of ['a', 'b', 'c']) map.set(key, 0)
    map.set('a', 1)
    map.set('a', 2)
    expect([map.get('a'), map.size]).toEqual([2, 3])
    map.set('b', 3)
    expect(map.get('a')).toBe(2)
  })

  test('what is deleted is gone from both halves', () => {
    const map = new Generations<number>(6)
    for (const key of ['a1', 'a2', 'b3', 'a4', 'b5']) map.set(key, 0)
    map.delete('a1')
    map.delete('b5')
    expect([map.get('a1'), map.get('b5'), map.size]).toEqual([undefined, undefined, 3])
    map.deleteWhere((key) => key.startsWith('a'))
    expect([map.get('a2'), map.get('a4'), map.get('b3'), map.size]).toEqual([undefined, undefined, 0, 1])
  })

  test('never holds more than it may, nor a value that was not the last one set', () => {
    const steps = fc.array(fc.tuple(fc.constantFrom('set', 'use', 'delete'), fc.nat(12)), { maxLength: 100 })
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 9 }), steps, (max, taken) => {
        const map = new Generations<number>(max)
        const model = new Map<string, number>()
        for (const [index, [step, number]] of taken.entries()) {
          const key = String(number)
          if (step === 'set') {
            map.set(key, index)
            model.set(key, index)
            expect(map.get(key)).toBe(index)
          } else if (step === 'delete') {
            map.delete(key)
            model.delete(key)
          } else {
            const kept = map.use(key)
            if (kept !== undefined) expect(kept).toBe(model.get(key))
          }
          expect(map.size).toBeLessThanOrEqual(max)
        }
      }),
    )
  })
})
