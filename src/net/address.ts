import ipaddr from 'ipaddr.js'

/** The longest text of an address: six groups of four and a dotted quad. */
const longestAddress = 45

const octet = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const quad = `${octet}(?:\\.${octet}){3}`
/** A dotted quad in full decimal: such a text is canonical already. */
const v4Form = new RegExp(`^${quad}$`)
/** How a dual-stack socket writes an IPv4 peer (RFC 4291, 2.5.5.2). */
const mappedForm = new RegExp(`^::ffff:(${quad})$`, 'i')
/** Groups of one to four hexadecimal digits and, at the end, perhaps a dotted quad (RFC 4291, 2.2); no zone. */
const v6Form = new RegExp(`^(?:[0-9a-f]{0,4}:){2,8}(?:[0-9a-f]{0,4}|${quad})$`, 'i')
const endingQuad = new RegExp(`${quad}$`)

/** An address as numbers: four bytes, or sixteen. */
export type AddressBytes = readonly number[]

/**
 * The one way of writing an address that is used everywhere: a dotted quad, or RFC 5952 for IPv6; an
 * IPv4-mapped address (`::ffff:192.0.2.1`) is the IPv4 address it stands for.
 *
 * `undefined` for everything else: other types, short, octal and hexadecimal forms, zones, ports, brackets, blanks.
 */
export function parseAddress(text: unknown): string | undefined {
  if (typeof text !== 'string' || text.length > longestAddress) return undefined
  if (v4Form.test(text)) return text
  return mappedForm.exec(text)?.[1] ?? readV6(text)?.toString()
}

/** The bytes of an address in the sense of `parseAddress`. */
export function readAddressBytes(text: unknown): AddressBytes | undefined {
  const canonical = parseAddress(text)
  if (canonical === undefined) return undefined
  return canonical.includes(':')
    ? ipaddr.IPv6.parse(canonical).toByteArray()
    : canonical.split('.').map(Number)
}

/** Writes four or sixteen bytes, the latter not of a mapped address, the way `parseAddress` does. */
export function formatAddress(bytes: AddressBytes): string {
  return ipaddr.fromByteArray([...bytes]).toString()
}

/** The bytes with everything behind the first `prefix` bits set to zero. */
export function maskAddress(bytes: AddressBytes, prefix: number): AddressBytes {
  return bytes.map((byte, i) => byte & (0xff00 >> Math.max(0, Math.min(8, prefix - i * 8))) & 0xff)
}

/**
 * What one caller is counted by: an IPv4 address itself, the /64 network of an IPv6 address, as a single
 * host is usually given that many; `undefined` for what is no address.
 */
export function addressBucket(text: unknown): string | undefined {
  const canonical = parseAddress(text)
  if (canonical === undefined || !canonical.includes(':')) return canonical
  return `${formatAddress(maskAddress(ipaddr.IPv6.parse(canonical).toByteArray(), 64))}/64`
}

function readV6(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (!v6Form.test(text)) return undefined
  // ipaddr.js takes `::192.0.2.1` for a mapped address, but not the same address as `::c000:201`.
  const groups = text.replace(endingQuad, (found) => {
    const [a, b, c, d] = found.split('.').map(Number)
    return `${((a! << 8) | b!).toString(16)}:${((c! << 8) | d!).toString(16)}`
  })
  return ipaddr.IPv6.isValid(groups) ? ipaddr.process(groups) : undefined
}
