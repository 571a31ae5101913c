import { createBounded } from '../core/bounded.js'
import { parseAddress } from './address.js'
import { parseForwarded } from './forwarded.js'

/** What a request tells about where it came from. */
export interface AddressSources {
  /** Address of the socket's other end. */
  readonly peer: string | undefined
  /** Every value of `Forwarded`, in the order received. */
  readonly forwarded: readonly string[]
  /** Every value of `X-Forwarded-For`, in the order received. */
  readonly xForwardedFor: readonly string[]
}

/** Which header a host's proxies write. */
export type ForwardingHeader = 'forwarded' | 'x-forwarded-for'

/** Few peers stand for most requests: proxies, and callers that keep their connection. */
const parsePeer = createBounded(1_000, (peer) => ({ address: parseAddress(peer) }))

/** Longer headers than any honest chain of proxies writes are not read. */
const longestHeader = 4096

/** An address alone or with a port, IPv6 in brackets (RFC 7239, 6); a port may be obfuscated. */
const nodeForm = /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::(?:\d{1,5}|_[0-9A-Za-z._-]+))?$/

/**
 * The canonical address of the caller, or `undefined` where it cannot be known.
 *
 * Without trusted proxies it is the socket's. With `n` of them, the socket's other end is the first, and
 * each has appended the address it was called by, so the caller is the `n`th entry from the right; all
 * left of it is the caller's own word and never used. Too few entries, an unknown or hidden one, junk,
 * and two headers that disagree all give `undefined`, which no allow-list admits.
 *
 * @param trustedProxies how many proxies stand in front, 0 for none
 * @param header the one that they write, so that the other is only the caller's word; null: either, or both alike
 */
export function clientAddress(
  sources: AddressSources,
  trustedProxies: number,
  header: ForwardingHeader | null = null,
): string | undefined {
  if (trustedProxies === 0) return sources.peer === undefined ? undefined : parsePeer(sources.peer).address
  if (!Number.isSafeInteger(trustedProxies) || trustedProxies < 0) return undefined
  if (header === 'forwarded') return readForwarded(sources.forwarded, trustedProxies)
  if (header === 'x-forwarded-for') return readXForwardedFor(sources.xForwardedFor, trustedProxies)
  const hasForwarded = sources.forwarded.length > 0
  const hasXForwardedFor = sources.xForwardedFor.length > 0
  const standard = hasForwarded ? readForwarded(sources.forwarded, trustedProxies) : undefined
  if (!hasXForwardedFor) return standard
  const common = readXForwardedFor(sources.xForwardedFor, trustedProxies)
  return !hasForwarded || standard === common ? common : undefined
}

function readForwarded(values: readonly string[], hops: number): string | undefined {
  const text = joinBounded(values)
  return text === undefined ? undefined : readNode(parseForwarded(text)?.at(-hops)?.for)
}

function readXForwardedFor(values: readonly string[], hops: number): string | undefined {
  const entry = joinBounded(values)?.split(',').at(-hops)
  if (entry === undefined) return undefined
  const text = trimBlanks(entry)
  return parseAddress(text) ?? readNode(text)
}

/** One list from all values of a header (RFC 9110, 5.3), unless it is too long to be honest. */
function joinBounded(values: readonly string[]): string | undefined {
  let length = 0
  for (const value of values) {
    length += value.length + 1
    if (length > longestHeader) return undefined
  }
  return values.join(',')
}

function readNode(text: string | undefined): string | undefined {
  const parts = text === undefined ? null : nodeForm.exec(text)
  if (!parts) return undefined
  if (parts[1] !== undefined) return parts[1].includes(':') ? parseAddress(parts[1]) : undefined
  return parseAddress(parts[2])
}

/** Blanks as HTTP knows them; `trim` would also take away Unicode's. */
function trimBlanks(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && (text[start] === ' ' || text[start] === '\t')) start++
  while (end > start && (text[end - 1] === ' ' || text[end - 1] === '\t')) end--
  return text.slice(start, end)
}
