import ipaddr from 'ipaddr.js'
import { createAddressList } from './address-rule.js'
import { parseAddress } from './address.js'

/**
 * Networks that are no place on the internet although ipaddr.js takes them for such: addresses that hold an IPv4 one
 * (RFC 4291, 2.5.5.1; RFC 8215), the retired site-local ones (RFC 3879), documentation (RFC 9637), segment routing
 * (RFC 9602), and the anycast of the retired 6to4 relays (RFC 7526).
 */
const further = createAddressList([
  ...['::/96', '64:ff9b:1::/48', 'fec0::/10', '3fff::/20', '5f00::/16'],
  ...[
    '2620:4f:8000::/48',
    '192.88.99.0/24',
    '192.31.196.0/24',
    '192.52.193.0/24',
    '192.175.48.0/24',
    '198.18.0.0/15',
  ],
])

/**
 * Public by their numbers, yet answered by a cloud's own platform to whoever runs in it: Azure's host (168.63.129.16),
 * IBM Cloud's service networks, and Google's private ways to its APIs. What other clouds use is link-local, shared or
 * private already (169.254.0.0/16, 100.100.100.200, 192.0.0.192, fd00:ec2::254, fd20:ce::254).
 */
const platforms = createAddressList([
  ...['168.63.129.16', '161.26.0.0/16', '166.8.0.0/14', '199.36.153.4/30', '199.36.153.8/30'],
  ...['2600:2d00:2:1000::/64', '2600:2d00:2:2000::/64'],
])

/**
 * Says whether an address is one of the public internet: where a request that somebody else chose the destination of may
 * go. Loopback, private, link-local and shared networks, cloud metadata, multicast, reserved and embedded addresses are
 * not, and what is no address is not either.
 */
export function isPublicAddress(text: unknown): boolean {
  const canonical = parseAddress(text)
  if (canonical === undefined || further(canonical) || platforms(canonical)) return false
  return ipaddr.parse(canonical).range() === 'unicast'
}
