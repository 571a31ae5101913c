import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OrderedList } from '../../src/stores/memory/ordered-list.js'
import { compareText } from '../../src/stores/text-order.js'

const anyUnit = fc.string({
  unit: fc.constantFrom('a', 'z', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}'),
})

describe('compareText', () => {
  it('orders texts as the bytes of their UTF-8', () => {
    fc.assert(
      fc.property(anyUnit, anyUnit, (a, b) => {
        expect(Math.sign(compareText(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
      }),
    )
  })
})

describe('OrderedList', () => {
  it('is always the sorted set of what was added and not removed', () => {
    const step = fc.record({ add: fc.boolean(), number: fc.integer({ min: 0, max: 40 }) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: -1, max: 41 }), (steps, bound) => {
        const list = new OrderedList<number>((a, b) => a - b)
        const set = new Set<number>()
        for (const { add, number } of steps) {
          if (add === set.has(number)) continue
          if (add) list.add(number)
          else list.remove(number)
          if (add) set.add(number)
          else set.delete(number)
        }
        const sorted = [...set].sort((a, b) => a - b)
        expect([...list.ascending()]).toEqual(sorted)
        expect([...list.ascending(bound)]).toEqual(sorted.filter((number) => number > bound))
        expect([...list.descending()]).toEqual([...sorted].reverse())
        expect([...list.descending(bound)]).toEqual(sorted.filter((number) => number < bound).reverse())
        expect(list.size).toBe(sorted.length)
      }),
    )
  })

  it('gives the same when its items lie in many blocks, and most of them are gone', () => {
    const list = new OrderedList<number>((a, b) => a - b)
    const count = 9_000
    for (let i = 0; i < count; i++) list.add((i * 7_919) % count)
    for (let i = 0; i < count; i++) if (i % 300 !== 0) list.remove((i * 7_919) % count)
    const kept = Array.from({ length: 30 }, (_, i) => (i * 300 * 7_919) % count).sort((a, b) => a - b)
    for (const bound of [-1, 0, kept[7]!, kept[7]! + 1, kept[29]!, count]) {
      expect([...list.ascending(bound)]).toEqual(kept.filter((number) => number > bound))
      expect([...list.descending(bound)]).toEqual(kept.filter((number) => number < bound).reverse())
    }
    list.remove(-5)
    expect(list.size).toBe(30)
  })

  it('takes many items in any order', () => {
    const list = new OrderedList<number>((a, b) => a - b)
    const count = 20_000
    for (let i = 0; i < count; i++) list.add((i * 7_919) % count)
    expect([...list.ascending()]).toEqual(Array.from({ length: count }, (_, i) => i))
  })
})
