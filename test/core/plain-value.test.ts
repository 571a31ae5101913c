import fc from 'fast-check'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { copyPlain } from '../../src/core/plain-value.js'

const wide = { depth: 100, elements: 10_000 }
const paths = (value: unknown, limits = wide) => copyPlain(value, limits).faults.map(({ path }) => path)

it('copies what JSON can hold, as it is', () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false } as never), (value) => {
      const { value: copy, faults } = copyPlain(value, wide)
      if (JSON.stringify(value).includes('"__proto__"')) return
      expect(faults).toEqual([])
      expect(JSON.stringify(copy)).toBe(JSON.stringify(value))
    }),
  )
  expect(copyPlain({ a: undefined, b: Object.create(null) as object }, wide).value).toEqual({ b: {} })
  // Another realm's objects, as test runners and embedders hand them over.
  expect(copyPlain(runInNewContext('({ a: [1, { b: null }] })'), wide)).toEqual({
    value: { a: [1, { b: null }] },
    faults: [],
  })
})

it('names everything else by its path', () => {
  const value = { a: [1, NaN, () => 1], b: { c: new Date(), d: 1n }, e: [undefined] }
  expect(paths(value)).toEqual(['a.1', 'a.2', 'b.c', 'b.d', 'e.0'])
  for (const whole of [
    undefined,
    Infinity,
    Symbol('s'),
    new Map(),
    /x/,
    new (class A {
      a = 1
    })(),
  ]) {
    expect(paths(whole)).toEqual([''])
  }
})

it('refuses __proto__ as a member and keeps the copy’s prototype as it is', () => {
  const { value, faults } = copyPlain(JSON.parse('{"a":{"__proto__":{"x":1}}}'), wide)
  expect(faults.map(({ path }) => path)).toEqual(['a.__proto__'])
  expect(Object.getPrototypeOf((value as { a: object }).a)).toBe(Object.prototype)
})

it('reads no deeper and no more than it may, whatever the value would go on with', () => {
  const deep = (levels: number): unknown => (levels === 0 ? 1 : { a: deep(levels - 1) })
  expect(paths(deep(3), { depth: 3, elements: 10 })).toEqual([])
  expect(paths(deep(4), { depth: 3, elements: 10 })).toEqual(['a.a.a'])
  expect(paths([1, 2, [3]], { depth: 3, elements: 4 })).toEqual([])
  expect(paths([1, 2, [3, 4]], { depth: 3, elements: 4 })).toEqual(['2'])
  expect(paths(Array(5), { depth: 3, elements: 4 })).toEqual([''])
  expect(paths({ a: 1, b: 2, c: 3, d: 4, e: 5 }, { depth: 3, elements: 4 })).toEqual([''])
  const cycle: unknown[] = []
  cycle.push(cycle)
  expect(paths(cycle, { depth: 3, elements: 10 })).toEqual(['0.0.0'])
})

it('is thrown over by nothing', () => {
  const boom = (): never => {
    throw new Error('boom')
  }
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  const bad = [
    proxy,
    new Proxy({}, { ownKeys: boom }),
    new Proxy({}, { getPrototypeOf: boom }),
    new Proxy([], { get: boom }),
    {
      get a() {
        return boom()
      },
    },
    Object.create(proxy) as object,
  ]
  for (const value of bad) expect(paths({ in: value })).toEqual(['in'])
})

it('reads a getter once', () => {
  let reads = 0
  const { value } = copyPlain(
    {
      get a() {
        return ++reads
      },
    },
    wide,
  )
  expect([value, reads]).toEqual([{ a: 1 }, 1])
})
