import { BlockList } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { KeyrungError } from '../../src/core/errors.js'
import { createAddressList, mostAddressRules, parseAddressRules } from '../../src/net/address-rule.js'

function refusal(input: unknown, path?: string): KeyrungError {
  try {
    parseAddressRules(input, path)
  } catch (error) {
    return error as KeyrungError
  }
  throw new Error('it was not refused')
}

describe('reading rules', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['192.0.2.1/32', '192.0.2.1'],
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['2001:DB8:0::/32', '2001:db8::/32'],
    ['2001:db8::1/128', '2001:db8::1'],
    ['::/0', '::/0'],
    ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1/128', '192.0.2.1'],
    ['::ffff:0:0/96', '0.0.0.0/0'],
  ])('%s is kept as %s', (text, canonical) => {
    expect(parseAddressRules([text])).toEqual([canonical])
  })

  test('the same rule in several forms is kept once, the order is kept', () => {
    expect(parseAddressRules(['::1', '10.0.0.0/8', '0:0::1', '::ffff:10.0.0.0/104', '::1/128'])).toEqual([
      '::1',
      '10.0.0.0/8',
    ])
  })

  test('what it writes it reads again unchanged', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.ipV4(), fc.ipV6()), { maxLength: 20 }), (rules) => {
        const canonical = parseAddressRules(rules)
        expect(parseAddressRules(canonical)).toEqual(canonical)
      }),
    )
  })

  test('a network with bits behind its prefix is refused, and told what it may have meant', () => {
    expect(refusal(['10.1.2.3/8']).faults).toEqual([
      {
        path: 'addresses.0',
        message:
          'has bits set behind its prefix; write 10.0.0.0/8 for the network, or 10.1.2.3 for the one address',
      },
    ])
    expect(refusal(['2001:db8::1/32']).faults[0]!.message).toContain('write 2001:db8::/32')
  })

  test('a mapped network that reaches beyond IPv4 is refused', () => {
    expect(refusal(['::ffff:0:0/95']).faults[0]!.message).toContain('beyond the mapped')
  })

  test.each([
    ['10.0.0.0/33', '32 bits'],
    ['2001:db8::/129', '128 bits'],
    ['::ffff:10.0.0.0/129', '128 bits'],
  ])('%s has too long a prefix', (rule, text) => {
    expect(refusal([rule]).faults[0]!.message).toContain(text)
  })

  test.each([
    '',
    '*',
    'localhost',
    '10.0.0.0/',
    '10.0.0.0/08',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '10.0.0.0/255.0.0.0',
    '10/8',
    '10.0.0/24',
    '10.0.0.0 /8',
    ' 10.0.0.0/8',
    '10.0.0.0/8\n',
    '10.0.0.0-10.0.0.9',
    'fe80::1%eth0',
    'fe80::%1/64',
    '[::1]',
    '0x0a.0.0.0/8',
    '::ffff:10.0.0.0/1000',
    7,
    null,
    ['10.0.0.0/8'],
    { address: '10.0.0.0/8' },
    '1'.repeat(1_000_000),
  ])('%j is no rule', (rule) => {
    const error = refusal(['192.0.2.1', rule], 'allowed_addresses')
    expect(error.code).toBe('input_invalid')
    expect(error.faults.map((fault) => fault.path)).toEqual(['allowed_addresses.1'])
    expect(error.message.length).toBeLessThan(300)
  })

  test('all faults are named at once', () => {
    expect(refusal(['x', '10.0.0.0/8', 'y']).faults.map((fault) => fault.path)).toEqual([
      'addresses.0',
      'addresses.2',
    ])
  })

  test('a list has at most a hundred entries, and is a list', () => {
    const many = Array.from({ length: mostAddressRules }, (_, i) => `10.0.0.${i}`)
    expect(parseAddressRules(many)).toHaveLength(100)
    expect(parseAddressRules([])).toEqual([])
    for (const input of [
      [...many, '10.0.1.0'],
      undefined,
      null,
      '10.0.0.0/8',
      { length: 1, 0: '::1' },
      new Set(['::1']),
    ]) {
      expect(refusal(input).faults.map((fault) => fault.path)).toEqual(['addresses'])
    }
    expect(refusal(new Array(1e9)).faults).toHaveLength(1)
  })
})

describe('matching', () => {
  test.each([
    [['192.0.2.1'], '192.0.2.1', true],
    [['192.0.2.1'], '192.0.2.2', false],
    [['192.0.2.1'], '::ffff:192.0.2.1', true],
    [['::ffff:192.0.2.1'], '192.0.2.1', true],
    [['10.0.0.0/8'], '10.255.255.255', true],
    [['10.0.0.0/8'], '11.0.0.0', false],
    [['10.0.0.0/9'], '10.127.255.255', true],
    [['10.0.0.0/9'], '10.128.0.0', false],
    [['0.0.0.0/0'], '203.0.113.9', true],
    [['0.0.0.0/0'], '2001:db8::1', false],
    [['::/0'], '2001:db8::1', true],
    [['::/0'], '203.0.113.9', false],
    [['::/0'], '::ffff:203.0.113.9', false],
    [['2001:db8::/32'], '2001:DB8:ffff::', true],
    [['2001:db8::/32'], '2001:db9::', false],
    [['2001:db8::1'], '2001:db8:0:0::1', true],
    [['2001:db8::/33'], '2001:db8:8000::', false],
    [['10.0.0.0/8', '::1'], '::1', true],
  ])('%j and %s: %s', (rules, address, expected) => {
    expect(createAddressList(rules)(address)).toBe(expected)
  })

  test('absence and junk are denied, even where everyone is allowed', () => {
    const everyone = createAddressList(['0.0.0.0/0', '::/0'])
    for (const address of [
      undefined,
      '',
      'unknown',
      '127.1',
      '0x7f.1',
      '::1%lo',
      '10.0.0.1:80',
      '10.0.0.1, 10.0.0.2',
    ]) {
      expect(everyone(address)).toBe(false)
    }
  })

  test('an empty list, and rules that cannot be read, admit nobody', () => {
    for (const rules of [[], ['*'], ['10.0.0.0/99'], ['10.1.2.3/8']]) {
      expect(createAddressList(rules)('10.1.2.3')).toBe(false)
    }
    expect(createAddressList(['junk', '10.1.2.3'])('10.1.2.3')).toBe(true)
  })

  test('agrees with Node on every network and address of one family', () => {
    const bits = fc.nat(128)
    const family = fc.constantFrom('ipv4' as const, 'ipv6' as const)
    const bytes = fc.array(fc.constantFrom(0, 1, 127, 128, 255), { minLength: 16, maxLength: 16 })
    const write = (list: number[], kind: 'ipv4' | 'ipv6') =>
      kind === 'ipv4'
        ? list.slice(0, 4).join('.')
        : // 2001: in front, so that no address is a mapped one.
          `2001:${Array.from({ length: 7 }, (_, i) => ((list[i * 2]! << 8) | list[i * 2 + 1]!).toString(16)).join(':')}`
    fc.assert(
      fc.property(family, bits, bytes, bytes, fc.nat(16), (kind, prefix, network, other, shared) => {
        const length = kind === 'ipv4' ? prefix % 33 : prefix
        const address = write([...network.slice(0, shared), ...other.slice(shared)], kind)
        const text = write(network, kind)
        const node = new BlockList()
        node.addSubnet(text, length, kind)
        const suggestion = canonicalNetwork(`${text}/${length}`)
        expect(createAddressList([suggestion])(address)).toBe(node.check(address, kind))
      }),
      { numRuns: 1000 },
    )
  })
})

/** The network itself, or what the refusal of one with host bits says to write. */
function canonicalNetwork(rule: string): string {
  try {
    return parseAddressRules([rule])[0]!
  } catch (error) {
    return /write (\S+) for the network/.exec((error as KeyrungError).faults[0]!.message)![1]!
  }
}
