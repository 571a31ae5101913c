import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createOutboundPolicy } from '../../src/net/outbound-url.js'
import { isPublicAddress } from '../../src/net/outbound-address.js'

/** Where a request that somebody else chose the destination of must never go, and why. */
const hostile: readonly (readonly [address: string, what: string])[] = [
  ['127.0.0.1', 'loopback'],
  ['127.255.255.254', 'the end of loopback'],
  ['0.0.0.0', 'this host'],
  ['10.0.0.1', 'private'],
  ['172.16.0.1', 'private'],
  ['172.31.255.255', 'private'],
  ['192.168.1.1', 'private'],
  ['169.254.169.254', 'cloud metadata'],
  ['100.64.0.1', 'shared by a carrier'],
  ['192.0.0.192', "protocols' own"],
  ['192.0.2.1', 'documentation'],
  ['198.18.0.1', 'benchmarks'],
  ['198.51.100.7', 'documentation'],
  ['203.0.113.9', 'documentation'],
  ['192.88.99.1', 'retired 6to4 relays'],
  ['224.0.0.1', 'multicast'],
  ['239.255.255.250', 'multicast'],
  ['240.0.0.1', 'reserved'],
  ['255.255.255.255', 'broadcast'],
  ['::', 'this host'],
  ['::1', 'loopback'],
  ['::ffff:127.0.0.1', 'mapped loopback'],
  ['::ffff:a9fe:a9fe', 'mapped cloud metadata'],
  ['::127.0.0.1', 'IPv4-compatible'],
  ['::7f00:1', 'IPv4-compatible, in hexadecimal'],
  ['64:ff9b::7f00:1', 'NAT64'],
  ['64:ff9b:1::7f00:1', 'NAT64 of a network of its own'],
  ['2002:7f00:1::1', '6to4'],
  ['2001:0:7f00:1::', 'Teredo'],
  ['2001:db8::1', 'documentation'],
  ['3fff::1', 'documentation'],
  ['2001:10::1', 'ORCHID'],
  ['fc00::1', 'private'],
  ['fd12:3456:789a::1', 'private'],
  ['fd00:ec2::254', 'cloud metadata'],
  ['fe80::1', 'link-local'],
  ['fec0::1', 'retired site-local'],
  ['ff02::1', 'multicast'],
  ['100::1', 'discarded'],
  ['5f00::1', 'segment routing'],
  ['168.63.129.16', "Azure's host"],
  ['::ffff:168.63.129.16', "Azure's host, mapped"],
  ['100.100.100.200', "Alibaba's metadata"],
  ['169.254.170.2', "Amazon's task credentials"],
  ['169.254.0.23', "Tencent's metadata"],
  ['161.26.0.10', "IBM's service network"],
  ['166.9.251.2', "IBM's service network"],
  ['199.36.153.8', "Google's private way to its APIs"],
  ['2600:2d00:2:2000::', "Google's private way to its APIs"],
  ['fd20:ce::254', "Google's metadata"],
  ['fd00:c1::a9fe:a9fe', "Oracle's metadata"],
]

describe('an address that is not of the public internet', () => {
  test.each(hostile)('%s (%s) is refused', (address) => {
    expect(isPublicAddress(address)).toBe(false)
  })

  test.each([
    '8.8.8.8',
    '1.1.1.1',
    '93.184.216.34',
    '2606:4700::1111',
    '2a00:1450:4001::200e',
    '::ffff:8.8.8.8',
  ])('%s is public', (address) => expect(isPublicAddress(address)).toBe(true))

  test('is whatever is no address at all', () => {
    const values = [
      '',
      'localhost',
      '127.1',
      '0x7f000001',
      '2130706433',
      '127.0.0.1:443',
      '[::1]',
      '::1%lo',
      null,
      7,
    ]
    for (const value of values) expect(isPublicAddress(value)).toBe(false)
  })

  test('stays refused in its mapped form, and a public one public', () => {
    const octets = fc.tuple(...Array.from({ length: 4 }, () => fc.integer({ min: 0, max: 255 })))
    fc.assert(
      fc.property(octets, (bytes) => {
        const address = bytes.join('.')
        expect(isPublicAddress(`::ffff:${address}`)).toBe(isPublicAddress(address))
      }),
    )
  })
})

describe('a URL that somebody else has chosen', () => {
  const policy = createOutboundPolicy()

  test.each([
    ['http://hooks.example.com/', 'must begin with https://'],
    ['ftp://hooks.example.com/', 'must begin with https://'],
    ['javascript:alert(1)', 'must begin with https://'],
    ['file:///etc/passwd', 'must begin with https://'],
    ['https:hooks.example.com/', 'must begin with https:// and a host, without backslashes'],
    ['https:/hooks.example.com/', 'must begin with https:// and a host, without backslashes'],
    ['https:///hooks.example.com/', 'must begin with https:// and a host, without backslashes'],
    ['https:\\\\hooks.example.com/', 'must begin with https:// and a host, without backslashes'],
    ['https:/\\hooks.example.com/', 'must begin with https:// and a host, without backslashes'],
    ['https://ok\\@127.0.0.1/', 'must begin with https:// and a host, without backslashes'],
    ['https://hooks.example.com/a\\b', 'must begin with https:// and a host, without backslashes'],
    ['https://user@hooks.example.com/', 'must not carry a user or a password'],
    ['https://:secret@hooks.example.com/', 'must not carry a user or a password'],
    ['https://hooks.example.com/#x', 'must have no fragment'],
    ['https://hooks.example.com:8443/', 'must be at port 443'],
    ['https://hooks.example.com:22/', 'must be at port 443'],
    ['https://127.0.0.1/', 'must not lead into a private network'],
    ['https://127.1/', 'must not lead into a private network'],
    ['https://0x7f.1/', 'must not lead into a private network'],
    ['https://0177.0.0.1/', 'must not lead into a private network'],
    ['https://2130706433/', 'must not lead into a private network'],
    ['https://１２７.0.0.1/', 'must be a URL'],
    ['https://%31%32%37.0.0.1/', 'must not lead into a private network'],
    ['https://[::1]/', 'must not lead into a private network'],
    ['https://[::ffff:127.0.0.1]/', 'must not lead into a private network'],
    ['https://[::127.0.0.1]/', 'must not lead into a private network'],
    ['https://[fe80::1%25eth0]/', 'must be a URL'],
    ['https://localhost/', 'must have a host name of the public internet'],
    ['https://localhost./', 'must have a host name of the public internet'],
    ['https://intranet/', 'must have a host name of the public internet'],
    ['https://printer.local/', 'must have a host name of the public internet'],
    ['https://metadata.google.internal/', 'must have a host name of the public internet'],
    [' https://hooks.example.com/', 'must be a URL'],
    ['https://hooks.example.com/\n', 'must be a URL'],
    ['https://', 'must be a URL'],
    ['hooks.example.com', 'must be a URL'],
    [`https://hooks.example.com/${'x'.repeat(2_048)}`, 'must be a URL of at most 2048 characters'],
    [7, 'must be a URL of at most 2048 characters'],
  ])('%s: %s', (url, fault) => {
    expect(policy.readUrl(url)).toBe(fault)
  })

  test('is taken where it is https at the usual port of a public place', () => {
    expect(policy.readUrl('https://hooks.example.com/a?b=c')).toMatchObject({
      hostname: 'hooks.example.com',
      port: 443,
    })
    expect(policy.readUrl('https://8.8.8.8/')).toMatchObject({ hostname: '8.8.8.8' })
    expect(policy.readUrl('https://[2606:4700::1111]:443/')).toMatchObject({ hostname: '2606:4700::1111' })
  })

  test('may be without TLS and at any port only at an address that the host has excepted', () => {
    const lenient = createOutboundPolicy({ dangerouslyAllowAddresses: ['127.0.0.1'] })
    expect(lenient.readUrl('http://127.0.0.1:8080/')).toMatchObject({ port: 8080 })
    expect(lenient.readUrl('http://127.0.0.2:8080/')).toBe('must begin with https://')
    expect(lenient.readUrl('http://hooks.example.com/')).toBe('must begin with https://')
    expect(createOutboundPolicy({ ports: [8443] }).readUrl('https://hooks.example.com:8443/')).toMatchObject({
      port: 8443,
    })
  })
})
