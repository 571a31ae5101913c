import { isIP } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  addressBucket,
  formatAddress,
  maskAddress,
  parseAddress,
  readAddressBytes,
} from '../../src/net/address.js'

describe('one canonical text for each address', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['0.0.0.0', '0.0.0.0'],
    ['255.255.255.255', '255.255.255.255'],
    ['2001:db8::1', '2001:db8::1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['::', '::'],
    ['::1', '::1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
    ['::192.0.2.1', '::c000:201'],
  ])('%s is %s', (text, canonical) => {
    expect(parseAddress(text)).toBe(canonical)
  })

  test('the canonical text is its own canonical text, and keeps the bytes', () => {
    const v4 = fc.ipV4()
    const v6 = fc.ipV6()
    fc.assert(
      fc.property(fc.oneof(v4, v6), (text) => {
        const canonical = parseAddress(text)!
        expect(parseAddress(canonical)).toBe(canonical)
        expect(readAddressBytes(canonical)).toEqual(readAddressBytes(text))
        expect(formatAddress(readAddressBytes(text)!)).toBe(canonical)
      }),
    )
  })

  test('every mapped address is the IPv4 address it stands for', () => {
    fc.assert(
      fc.property(fc.ipV4(), (text) => {
        expect(parseAddress(`::ffff:${text}`)).toBe(parseAddress(text))
        expect(parseAddress(`::FFFF:${text}`)).toBe(parseAddress(text))
        expect(addressBucket(`::ffff:${text}`)).toBe(parseAddress(text))
      }),
    )
  })
})

describe('what is no address', () => {
  test.each([
    '',
    ' ',
    'localhost',
    'unknown',
    '127.1',
    '127.0.1',
    '2130706433',
    '0x7f.1',
    '0x7f000001',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '127.0.0.01',
    '127.0.0.1.',
    '127.0.0.1.1',
    '127.0.0.256',
    '127.0.0.-1',
    '127.0.0.1 ',
    ' 127.0.0.1',
    '127.0.0.1\n',
    '127.0.0.1:80',
    '127.0.0.1/32',
    '１２７.0.0.1',
    '[::1]',
    '::1%eth0',
    'fe80::1%1',
    '::ffff:127.1',
    '::ffff:0177.0.0.1',
    '::ffff:127.0.0.1%lo',
    '::1::',
    ':::',
    ':',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '00001::',
    'g::1',
    '::1/128',
    '1.2.3.4::',
  ])('%j', (text) => {
    expect(parseAddress(text)).toBeUndefined()
    expect(readAddressBytes(text)).toBeUndefined()
    expect(addressBucket(text)).toBeUndefined()
  })

  test.each([
    undefined,
    null,
    2130706433,
    ['127.0.0.1'],
    { toString: () => '127.0.0.1' },
    new String('::1'),
    true,
  ])('a value of another type: %j', (value) => {
    expect(parseAddress(value)).toBeUndefined()
  })

  test('a megabyte of anything, at once', () => {
    for (const part of ['1', ':', '1:', '1.', '0', 'f:f']) {
      expect(parseAddress(part.repeat(1_000_000))).toBeUndefined()
    }
  })
})

test('what is an address and what is not, is as Node sees it, zones aside', () => {
  const piece = fc.constantFrom(
    '0',
    '1',
    '255',
    '256',
    '01',
    'ffff',
    'FFF',
    '00000',
    'g',
    ':',
    '::',
    '.',
    '1.2.3.4',
    '',
    '%',
  )
  const text = fc.oneof(
    fc.array(piece, { maxLength: 17 }).map((pieces) => pieces.join('')),
    fc.ipV4(),
    fc.ipV6(),
  )
  const groups = fc.array(fc.constantFrom('', '0', 'a1', 'ffff', '1.2.3.4'), { minLength: 2, maxLength: 10 })
  fc.assert(
    fc.property(
      fc.oneof(
        text,
        groups.map((parts) => parts.join(':')),
      ),
      (candidate) => {
        const known = isIP(candidate) !== 0 && !candidate.includes('%')
        const read = parseAddress(candidate)
        expect(read !== undefined).toBe(known)
        // The value too: a browser's host parser writes the same RFC 5952 text.
        if (read?.includes(':')) expect(`[${read}]`).toBe(new URL(`http://[${candidate}]/`).hostname)
      },
    ),
    { numRuns: 2000 },
  )
})

describe('buckets', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['::1', '::/64'],
  ])('%s counts as %s', (text, bucket) => {
    expect(addressBucket(text)).toBe(bucket)
  })

  test('two IPv6 addresses share a bucket exactly when they share their first 64 bits', () => {
    const half = fc.tuple(fc.nat(2), fc.nat(2), fc.nat(2), fc.nat(0xffff))
    const hex = (parts: number[]) => parts.map((part) => part.toString(16)).join(':')
    fc.assert(
      fc.property(half, half, half, half, (a, b, x, y) => {
        const same = addressBucket(`${hex(a)}:${hex(x)}`) === addressBucket(`${hex(b)}:${hex(y)}`)
        // An address with 64 leading zero bits may be a mapped one, which is its own bucket.
        fc.pre(hex(a) !== '0:0:0:0' && hex(b) !== '0:0:0:0')
        expect(same).toBe(hex(a) === hex(b))
      }),
    )
  })
})

test('masking keeps exactly the first bits', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(255), { minLength: 16, maxLength: 16 }), fc.nat(128), (bytes, prefix) => {
      const bits = (list: readonly number[]) => list.map((byte) => byte.toString(2).padStart(8, '0')).join('')
      expect(bits(maskAddress(bytes, prefix))).toBe(bits(bytes).slice(0, prefix).padEnd(128, '0'))
    }),
  )
})
