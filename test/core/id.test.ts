import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  createIdSequence,
  earliestId,
  formatId,
  idEntropyBytes,
  isId,
  type IdKind,
} from '../../src/core/id.js'
import { hostileStrings, hostileValues } from './hostile-values.js'

const kinds: readonly IdKind[] = ['key', 'sec', 'evt', 'msg', 'req']
const zeros = new Uint8Array(idEntropyBytes)
const ones = new Uint8Array(idEntropyBytes).fill(255)
const kind = fc.constantFrom(...kinds)
const at = fc.integer({ min: 0, max: 2 ** 48 - 1 })
const entropy = fc.uint8Array({ minLength: idEntropyBytes, maxLength: idEntropyBytes })

/** The 128 bits an id holds, read back without the code under test. */
function bitsOf(id: string): bigint {
  const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'
  return Array.from(id.slice(4)).reduce((bits, letter) => bits * 32n + BigInt(alphabet.indexOf(letter)), 0n)
}

describe('an id', () => {
  it('has the form of its kind', () => {
    expect(formatId('key', 0, zeros)).toBe('key_0000000000e008000000000000')
    fc.assert(
      fc.property(kind, at, entropy, (of, when, random) => {
        const id = formatId(of, when, random)
        for (const other of kinds) expect(isId(other, id)).toBe(other === of)
      }),
    )
  })

  it('holds a UUIDv7: 48 bits of milliseconds, version 7, variant 10, and 74 random bits (RFC 9562, 5.7)', () => {
    fc.assert(
      fc.property(at, entropy, (when, random) => {
        const bits = bitsOf(formatId('evt', when, random))
        expect(bits >> 80n).toBe(BigInt(when))
        expect((bits >> 76n) & 15n).toBe(7n)
        expect((bits >> 62n) & 3n).toBe(2n)
        const given = random.reduce((all, byte) => all * 256n + BigInt(byte), 0n)
        const mask = (1n << 80n) - 1n - (15n << 76n) - (3n << 62n)
        expect(bits & mask).toBe(given & mask)
      }),
    )
  })

  it('sorts by the millisecond it was made in, as text', () => {
    fc.assert(
      fc.property(at, at, entropy, entropy, (one, other, a, b) => {
        fc.pre(one !== other)
        expect(formatId('key', one, a) < formatId('key', other, b)).toBe(one < other)
      }),
    )
    expect(formatId('key', 1_000, ones) < formatId('key', 1_001, zeros)).toBe(true)
  })

  it('is below the earliest of an instant if it was made before it, and only then', () => {
    fc.assert(
      fc.property(at, at, entropy, (made, instant, random) => {
        expect(formatId('apr', made, random) < earliestId('apr', instant)).toBe(made < instant)
      }),
    )
    expect(formatId('apr', 1_000, zeros) < earliestId('apr', 1_000)).toBe(false)
    expect(formatId('apr', 999, ones) < earliestId('apr', 1_000)).toBe(true)
    expect(formatId('apr', 2 ** 48 - 2, ones) < earliestId('apr', 8_640_000_000_000_000)).toBe(true)
  })

  it('takes the first ten bytes of the entropy and leaves them as they are', () => {
    const random = Uint8Array.from({ length: 16 }, (_, i) => i * 16 + 15)
    const copy = random.slice()
    expect(formatId('key', 5, random)).toBe(formatId('key', 5, random.slice(0, 10)))
    expect(random).toEqual(copy)
  })

  it('keeps its order until the year 10889, where 48 bits of milliseconds end', () => {
    const last = 2 ** 48 - 1
    expect(new Date(last).getUTCFullYear()).toBe(10_889)
    expect(bitsOf(formatId('key', last, zeros)) >> 80n).toBe(BigInt(last))
  })
})

describe('what is no id', () => {
  const id = formatId('key', 1_760_000_000_000, ones)

  it.each([
    id.toUpperCase(),
    ` ${id}`,
    `${id} `,
    `${id}\n`,
    id.slice(0, -1),
    `${id}0`,
    id.replace('key', 'kex'),
    id.replace('_', '-'),
    `key_8${id.slice(5)}`,
    ...['i', 'l', 'o', 'u', '-', 'A', '\u0131'].map((letter) => id.slice(0, -1) + letter),
    `key_${'0'.repeat(1_000_000)}`,
  ])('is refused: %.40s', (text) => {
    expect(isId('key', text)).toBe(false)
  })

  it.each([
    ...Object.entries(hostileValues()),
    ...hostileStrings.map((text) => [text.slice(0, 20), text] as const),
  ])('is refused: %s', (_name, value) => expect(isId('key', value)).toBe(false))

  it('is accepted with any letter of the alphabet', () => {
    for (const letter of '0123456789abcdefghjkmnpqrstvwxyz') {
      expect(isId('key', `key_7${letter.repeat(25)}`)).toBe(true)
    }
  })
})

it('ids of one sequence sort as they were made, within a millisecond too', () => {
  const random = (bytes: number) => Uint8Array.from({ length: bytes }, () => Math.floor(Math.random() * 256))
  const next = createIdSequence(random)
  const ids = [5, 5, 5, 6, 6, 7].flatMap((at) => Array.from({ length: 300 }, () => next('evt', at)))
  expect(ids.toSorted()).toEqual(ids)
  expect(new Set(ids).size).toBe(ids.length)
  for (const id of ids) expect(isId('evt', id)).toBe(true)
})
