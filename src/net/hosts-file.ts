import { parseAddress } from './address.js'

/** Reads a hosts file (hosts(5)): each name, in lower case, with its addresses in the order given. */
export function parseHosts(text: string): ReadonlyMap<string, readonly string[]> {
  const hosts = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const [first, ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
    const address = parseAddress(first)
    if (address === undefined) continue
    for (const name of names.map((given) => given.toLowerCase())) {
      const known = hosts.get(name)
      if (known) known.push(address)
      else hosts.set(name, [address])
    }
  }
  return hosts
}
