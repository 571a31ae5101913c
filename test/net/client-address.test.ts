import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseAddress } from '../../src/net/address.js'
import { clientAddress } from '../../src/net/client-address.js'
import type { AddressSources } from '../../src/net/client-address.js'

const request = (sources: Partial<AddressSources>): AddressSources => ({
  peer: '10.0.0.1',
  forwarded: [],
  xForwardedFor: [],
  ...sources,
})
const xff = (...xForwardedFor: string[]) => request({ xForwardedFor })
const forwarded = (...values: string[]) => request({ forwarded: values })

describe('without trusted proxies', () => {
  test("it is the socket's address, in canonical form", () => {
    expect(clientAddress(request({ peer: '203.0.113.9' }), 0)).toBe('203.0.113.9')
    expect(clientAddress(request({ peer: '::ffff:203.0.113.9' }), 0)).toBe('203.0.113.9')
    expect(clientAddress(request({ peer: undefined }), 0)).toBeUndefined()
    expect(clientAddress(request({ peer: '/run/app.sock' }), 0)).toBeUndefined()
  })

  test('headers change nothing, whatever they say', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.array(fc.oneof(fc.ipV4(), fc.string())), (a, b) => {
        expect(clientAddress({ peer: '203.0.113.9', forwarded: a, xForwardedFor: b }, 0)).toBe('203.0.113.9')
      }),
    )
  })
})

describe('behind counted proxies', () => {
  test.each([
    [1, ['203.0.113.9'], '203.0.113.9'],
    [1, ['6.6.6.6, 203.0.113.9'], '203.0.113.9'],
    [2, ['203.0.113.9, 10.0.0.2'], '203.0.113.9'],
    [2, ['6.6.6.6, 203.0.113.9, 10.0.0.2'], '203.0.113.9'],
    [2, ['6.6.6.6, 203.0.113.9', '10.0.0.2'], '203.0.113.9'],
    [3, ['203.0.113.9', '10.0.0.3', '10.0.0.2'], '203.0.113.9'],
    [1, ['\t203.0.113.9 '], '203.0.113.9'],
    [1, ['203.0.113.9:4711'], '203.0.113.9'],
    [1, ['2001:DB8::1'], '2001:db8::1'],
    [1, ['[2001:db8::1]'], '2001:db8::1'],
    [1, ['[2001:db8::1]:4711'], '2001:db8::1'],
    [1, ['::ffff:203.0.113.9'], '203.0.113.9'],
    [1, ['junk, 203.0.113.9'], '203.0.113.9'],
  ])('%i, X-Forwarded-For %j: %s', (proxies, values, expected) => {
    expect(clientAddress(xff(...values), proxies)).toBe(expected)
  })

  test.each([
    [1, ['for=203.0.113.9'], '203.0.113.9'],
    [1, ['for=6.6.6.6, for=203.0.113.9;proto=https'], '203.0.113.9'],
    [1, ['for="203.0.113.9:4711"'], '203.0.113.9'],
    [1, ['for="203.0.113.9:_port"'], '203.0.113.9'],
    [1, ['for="[2001:db8::1]:4711"'], '2001:db8::1'],
    [1, ['For="[2001:DB8::1]"'], '2001:db8::1'],
    [2, ['for=203.0.113.9', 'for=10.0.0.2;by=10.0.0.1'], '203.0.113.9'],
    [2, ['for=6.6.6.6, for=203.0.113.9, for=10.0.0.2'], '203.0.113.9'],
  ])('%i, Forwarded %j: %s', (proxies, values, expected) => {
    expect(clientAddress(forwarded(...values), proxies)).toBe(expected)
  })

  test('whatever a caller writes in front, the entry counted from the right stays the same', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary-ascii', maxLength: 100 }),
        fc.integer({ min: 1, max: 4 }),
        (own, proxies) => {
          const hops = ['203.0.113.9', '10.0.0.4', '10.0.0.3', '10.0.0.2'].slice(0, proxies).join(', ')
          expect(clientAddress(xff(`${own}, ${hops}`), proxies)).toBe('203.0.113.9')
          expect(clientAddress(xff(own, hops), proxies)).toBe('203.0.113.9')
        },
      ),
    )
  })
})

describe('junk and absence deny', () => {
  test.each([
    ['no header', request({}), 1],
    ['an empty header', xff(''), 1],
    ['an empty standard header', forwarded(''), 1],
    ['too few hops', xff('203.0.113.9'), 2],
    ['too few hops of Forwarded', forwarded('for=203.0.113.9'), 2],
    ['an empty hop', xff('203.0.113.9, , 10.0.0.2'), 2],
    ['a trailing comma', xff('203.0.113.9,'), 1],
    ['an unknown hop', forwarded('for=unknown'), 1],
    ['a hidden hop', forwarded('for=_hidden'), 1],
    ['a hop without for', forwarded('for=6.6.6.6, proto=https'), 1],
    ['a malformed Forwarded', forwarded('for="6.6.6.6, for=203.0.113.9'), 1],
    ['an unquoted port', forwarded('for=203.0.113.9:80'), 1],
    ['a zone', forwarded('for="[fe80::1%eth0]"'), 1],
    ['IPv6 without brackets', forwarded('for="2001:db8::1"'), 1],
    ['IPv4 in brackets', forwarded('for="[203.0.113.9]"'), 1],
    ['a short form', xff('127.1'), 1],
    ['an octal form', xff('0177.0.0.1'), 1],
    ['a host name', xff('client.example'), 1],
    ['a port that is none', xff('203.0.113.9:123456'), 1],
    ['a Unicode blank', xff('\u00a0203.0.113.9'), 1],
    ['a header too long to be honest', xff(`${'6.6.6.6, '.repeat(500)}203.0.113.9`), 1],
    ['too long in many parts', xff(...new Array<string>(3000).fill('6'), '203.0.113.9'), 1],
    ['Forwarded too long', forwarded(`${'for=6.6.6.6, '.repeat(500)}for=203.0.113.9`), 1],
  ])('%s', (_, sources, proxies) => {
    expect(clientAddress(sources, proxies)).toBeUndefined()
  })

  test.each([-1, 1.5, NaN, Infinity, '1' as unknown as number])(
    'a count of proxies that is none: %s',
    (proxies) => {
      expect(clientAddress(xff('203.0.113.9'), proxies)).toBeUndefined()
    },
  )

  test('the header that the proxies do not write, where the host names theirs', () => {
    const both = request({ forwarded: ['for=6.6.6.6'], xForwardedFor: ['203.0.113.9'] })
    expect(clientAddress(both, 1, 'x-forwarded-for')).toBe('203.0.113.9')
    expect(clientAddress(both, 1, 'forwarded')).toBe('6.6.6.6')
    expect(clientAddress(xff('203.0.113.9'), 1, 'forwarded')).toBeUndefined()
    expect(clientAddress(forwarded('for=203.0.113.9'), 1, 'x-forwarded-for')).toBeUndefined()
    expect(clientAddress(xff('203.0.113.9'), 0, 'forwarded')).toBe(clientAddress(both, 0))
  })

  test('two headers that disagree, or of which one is unusable', () => {
    const both = (standard: string, common: string) =>
      request({ forwarded: [standard], xForwardedFor: [common] })
    expect(clientAddress(both('for=203.0.113.9', '203.0.113.9'), 1)).toBe('203.0.113.9')
    expect(clientAddress(both('for="[2001:db8::1]"', '2001:DB8::1'), 1)).toBe('2001:db8::1')
    expect(clientAddress(both('for=203.0.113.9', '6.6.6.6'), 1)).toBeUndefined()
    expect(clientAddress(both('for=unknown', '203.0.113.9'), 1)).toBeUndefined()
    expect(clientAddress(both('for=203.0.113.9', 'unknown'), 1)).toBeUndefined()
    expect(clientAddress(both('', '203.0.113.9'), 1)).toBeUndefined()
  })

  test('never throws, and answers an address in canonical form or nothing', () => {
    const words = fc.array(
      fc.constantFrom('for=', '1.2.3.4', '"', '[::1]', ':80', ',', ';', ' ', '_x', 'by=', '\\'),
    )
    const values = fc.array(
      words.map((parts) => parts.join('')),
      { maxLength: 4 },
    )
    fc.assert(
      fc.property(
        fc.option(fc.string(), { nil: undefined }),
        values,
        values,
        fc.nat(4),
        (peer, a, b, proxies) => {
          const address = clientAddress({ peer, forwarded: a, xForwardedFor: b }, proxies)
          if (address !== undefined) expect(parseAddress(address)).toBe(address)
        },
      ),
      { numRuns: 2000 },
    )
  })
})
