import { parseAddress } from './address.js'
import { isPublicAddress } from './outbound-address.js'
import { createAddressList } from './address-rule.js'

/** What a host lets outbound requests reach beyond https on the public internet. */
export interface OutboundRules {
  /** @defaultValue `[443]` */
  readonly ports?: readonly number[]
  /**
   * Addresses and networks (CIDR) that may be reached although they are not public, and without TLS: for receivers on
   * the host's own machine, in development and tests. Whoever may set a webhook's URL can then reach them.
   */
  readonly dangerouslyAllowAddresses?: readonly string[]
}

/** Where a request is to go; the name is still to be resolved, and its addresses to be vetted. */
export interface OutboundTarget {
  readonly url: URL
  /** Without brackets; an address where the URL has one. */
  readonly hostname: string
  readonly port: number
}

/** The longest URL that is taken. */
const longestUrl = 2_048

const usualPorts = [443] as const

/** Judges URLs and addresses by a host's rules. */
export interface OutboundPolicy {
  /** Where a URL leads, or what is wrong with it, in words that may be shown. */
  readUrl(text: unknown): OutboundTarget | string
  /** Says whether an address may be connected to. */
  allows(address: unknown): boolean
}

/** Makes the policy of a host; what is no rule allows nothing. */
export function createOutboundPolicy(rules: OutboundRules = {}): OutboundPolicy {
  const ports: readonly number[] = rules.ports ?? usualPorts
  const isExcepted = createAddressList(rules.dangerouslyAllowAddresses ?? [])
  const hasExceptions = (rules.dangerouslyAllowAddresses ?? []).length > 0
  const allows = (address: unknown): boolean => isPublicAddress(address) || isExcepted(parseAddress(address))

  return {
    allows,
    readUrl(text) {
      if (typeof text !== 'string' || text.length > longestUrl) {
        return `must be a URL of at most ${longestUrl} characters`
      }
      // The parser would take blanks and line ends out, and the URL would be another than the one that was read.
      if (!/^[\x21-\x7e]+$/.test(text) || !URL.canParse(text)) return 'must be a URL'
      const url = new URL(text)
      // The parser repairs `https:host` and `https:/\\host`, and ends the host at a backslash; other parsers do not.
      if (/^https?:(?!\/\/[^/])/i.test(text) || text.includes('\\')) {
        return 'must begin with https:// and a host, without backslashes'
      }
      const hostname = url.hostname.replace(/^\[|\]$/g, '')
      const isLiteral = parseAddress(hostname) !== undefined
      const isOwn = isLiteral && isExcepted(parseAddress(hostname))
      if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isOwn)) return 'must begin with https://'
      if (url.username !== '' || url.password !== '') return 'must not carry a user or a password'
      if (url.hash !== '') return 'must have no fragment'
      const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port)
      if (!isOwn && !ports.includes(port)) return `must be at port ${ports.join(' or ')}`
      if (isLiteral)
        return allows(hostname) ? { url, hostname, port } : 'must not lead into a private network'
      if (!isName(hostname) && !hasExceptions) return 'must have a host name of the public internet'
      return { url, hostname, port }
    },
  }
}

/** A name of two labels at least: what stands alone, or under these ends, is nobody's on the internet (RFC 6761, 6762, 8375). */
function isName(hostname: string): boolean {
  const labels = hostname.replace(/\.$/, '').split('.')
  const last = labels.at(-1)!
  return (
    labels.length > 1 &&
    !['local', 'localhost', 'internal', 'arpa', 'onion', 'invalid', 'test'].includes(last)
  )
}
