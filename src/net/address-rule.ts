import { invalid } from '../core/errors.js'
import type { Fault } from '../core/errors.js'
import { formatAddress, maskAddress, readAddressBytes } from './address.js'
import type { AddressBytes } from './address.js'

/** The most rules one list may have. */
export const mostAddressRules = 100

/** Says whether an address is on a list; what is no address, or missing, never is. */
export type AddressMatcher = (address: string | undefined) => boolean

interface Rule {
  readonly bytes: AddressBytes
  readonly prefix: number
}

const mappedBits = 96
const ruleForm = /^([0-9A-Fa-f:.]{2,45})(?:\/(0|[1-9]\d{0,2}))?$/

/**
 * Reads a list of addresses and networks (CIDR, RFC 4632): canonical texts, each once, in the order given.
 *
 * A network is written with all bits behind its prefix zero; one with host bits set is refused with the
 * network it would be, since it may as well be meant as a single address. `192.0.2.1/32` becomes
 * `192.0.2.1`; networks of mapped addresses become IPv4 networks.
 *
 * @param path where the list stands in the input, for the faults
 * @throws KeyrungError `input_invalid` naming every fault by its path
 */
export function parseAddressRules(input: unknown, path = 'addresses'): readonly string[] {
  if (!Array.isArray(input)) throw invalid('input_invalid', [{ path, message: 'must be a list' }])
  if (input.length > mostAddressRules) {
    throw invalid('input_invalid', [{ path, message: `must have at most ${mostAddressRules} entries` }])
  }
  const faults: Fault[] = []
  const rules = new Set<string>()
  for (let i = 0; i < input.length; i++) {
    const rule = readRule(input[i])
    if (typeof rule === 'string') faults.push({ path: `${path}.${i}`, message: rule })
    else rules.add(formatRule(rule))
  }
  if (faults.length > 0) throw invalid('input_invalid', faults)
  return [...rules]
}

/**
 * Compiles a list into a matcher.
 *
 * A rule that cannot be read matches nothing, and so does an empty list: what is not allowed is denied.
 */
export function createAddressList(rules: readonly string[]): AddressMatcher {
  const compiled = rules.map(readRule).filter((rule) => typeof rule !== 'string')
  return (address) => {
    const bytes = readAddressBytes(address)
    return bytes !== undefined && compiled.some((rule) => contains(rule, bytes))
  }
}

function contains(rule: Rule, bytes: AddressBytes): boolean {
  if (rule.bytes.length !== bytes.length) return false
  for (let i = 0, left = rule.prefix; left > 0; i++, left -= 8) {
    const mask = left >= 8 ? 0xff : 0xff00 >> left
    if (((rule.bytes[i]! ^ bytes[i]!) & mask & 0xff) !== 0) return false
  }
  return true
}

/** A rule, or what is wrong with it. */
function readRule(value: unknown): Rule | string {
  const parts = typeof value === 'string' ? ruleForm.exec(value) : null
  const bytes = parts && readAddressBytes(parts[1])
  if (!bytes) return 'must be an IPv4 or IPv6 address or network, such as 192.0.2.0/24'
  const bits = bytes.length * 8
  // A mapped address has been read as IPv4, but its prefix is still counted in IPv6.
  const shift = bits === 32 && parts[1]!.includes(':') ? mappedBits : 0
  const prefix = parts[2] === undefined ? bits : Number(parts[2]) - shift
  if (prefix < 0) return 'reaches beyond the mapped IPv4 addresses; write an IPv4 and an IPv6 network'
  if (prefix > bits) return `has a prefix longer than ${bits + shift} bits`
  const network = { bytes: maskAddress(bytes, prefix), prefix }
  if (network.bytes.every((byte, i) => byte === bytes[i])) return network
  return `has bits set behind its prefix; write ${formatRule(network)} for the network, or ${formatAddress(bytes)} for the one address`
}

function formatRule({ bytes, prefix }: Rule): string {
  const text = formatAddress(bytes)
  return prefix === bytes.length * 8 ? text : `${text}/${prefix}`
}
