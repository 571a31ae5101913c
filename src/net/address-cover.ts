import { maskAddress, readAddressBytes } from './address.js'
import type { AddressBytes } from './address.js'

interface Network {
  readonly bytes: AddressBytes
  readonly prefix: number
}

/**
 * Says whether everything that the wanted rules admit is admitted by the held ones too. Both are as
 * records keep them: canonical rules separated by single spaces, nothing meaning from anywhere.
 *
 * Each wanted network has to lie within a single held one: two held halves do not cover a wanted whole.
 * A rule that cannot be read covers nothing and is covered by none.
 */
export function coversAddresses(held: string, wanted: string): boolean {
  if (held === '') return true
  if (wanted === '') return false
  const networks = held.split(' ').map(readNetwork)
  return wanted.split(' ').every((rule) => {
    const inner = readNetwork(rule)
    return inner !== undefined && networks.some((outer) => outer !== undefined && contains(outer, inner))
  })
}

function contains(outer: Network, inner: Network): boolean {
  if (outer.bytes.length !== inner.bytes.length || outer.prefix > inner.prefix) return false
  return maskAddress(inner.bytes, outer.prefix).every((byte, i) => byte === outer.bytes[i])
}

function readNetwork(rule: string): Network | undefined {
  const [address, length] = rule.split('/')
  const bytes = readAddressBytes(address)
  if (!bytes) return undefined
  const prefix = length === undefined ? bytes.length * 8 : Number(length)
  return Number.isInteger(prefix) && prefix >= 0 && prefix <= bytes.length * 8 ? { bytes, prefix } : undefined
}
