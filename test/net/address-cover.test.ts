import fc from 'fast-check'
import { expect, it } from 'vitest'
import { coversAddresses } from '../../src/net/address-cover.js'
import { createAddressList, parseAddressRules } from '../../src/net/address-rule.js'

it.each([
  ['', '', true],
  ['', '192.0.2.1', true],
  ['192.0.2.1', '', false],
  ['192.0.2.1', '192.0.2.1', true],
  ['192.0.2.0/24', '192.0.2.0/25 192.0.2.255', true],
  ['192.0.2.0/24', '192.0.2.0/23', false],
  ['192.0.2.0/25', '192.0.2.128', false],
  ['192.0.2.0/24 2001:db8::/32', '2001:db8:ffff::/48', true],
  ['0.0.0.0/0', '255.255.255.255', true],
  ['0.0.0.0/0', '::1', false],
  ['::/0', '192.0.2.1', false],
  ['::/0', '::/0', true],
  ['2001:db8::/33', '2001:db8:8000::1', false],
  // Two halves do not add up: refused is safe here.
  ['192.0.2.0/25 192.0.2.128/25', '192.0.2.0/24', false],
  ['junk', '192.0.2.1', false],
  ['0.0.0.0/0', 'junk', false],
  ['0.0.0.0/0', '192.0.2.1/33', false],
  ['0.0.0.0/0', '192.0.2.1/x', false],
  ['junk 192.0.2.1', '192.0.2.1', true],
])('rules "%s" cover "%s": %s', (held, wanted, covered) => {
  expect(coversAddresses(held, wanted)).toBe(covered)
})

it('never calls rules covered that admit an address the others do not', () => {
  const v4 = fc.ipV4()
  const network = fc.tuple(
    fc.oneof(v4, fc.constantFrom('192.0.2.1', '192.0.2.2')),
    fc.integer({ min: 0, max: 32 }),
  )
  const rules = fc.array(network, { minLength: 1, maxLength: 3 }).map((list) =>
    list.flatMap(([address, prefix]) => {
      const bits = address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0)
      const base = prefix === 0 ? 0 : Math.floor(bits / 2 ** (32 - prefix)) * 2 ** (32 - prefix)
      const text = [24, 16, 8, 0].map((shift) => Math.floor(base / 2 ** shift) % 256).join('.')
      return parseAddressRules([`${text}/${prefix}`])
    }),
  )
  fc.assert(
    fc.property(rules, rules, v4, (held, wanted, address) => {
      if (!coversAddresses(held.join(' '), wanted.join(' '))) return
      const probes = [address, ...wanted.map((rule) => rule.split('/')[0]!)]
      for (const probe of probes) {
        if (createAddressList(wanted)(probe)) expect(createAddressList(held)(probe)).toBe(true)
      }
    }),
    { numRuns: 1_000 },
  )
})
