import type { OutboundClient, OutboundMeans } from './outbound.js'

interface NodeDns {
  lookup(
    hostname: string,
    options: { readonly all: true },
    call: (error: unknown, addresses: readonly { readonly address: string }[]) => void,
  ): void
}

/**
 * Node's own DNS and HTTP clients; undefined in a runtime that has none. They are reached without an import, so that
 * what only might send something still loads everywhere.
 */
export function findNodeOutbound(): OutboundMeans | undefined {
  const { process } = globalThis as {
    readonly process?: { readonly getBuiltinModule?: (name: string) => unknown }
  }
  const load = (name: string): unknown => process?.getBuiltinModule?.(name)
  const dns = load('node:dns') as NodeDns | undefined
  const https = load('node:https') as OutboundClient | undefined
  const http = load('node:http') as OutboundClient | undefined
  if (!dns || !https || !http) return undefined
  return {
    https,
    http,
    resolve: (hostname) =>
      new Promise((resolve, reject) => {
        dns.lookup(hostname, { all: true }, (error, addresses) => {
          if (error) reject(error as Error)
          else resolve(addresses.map(({ address }) => address))
        })
      }),
  }
}
