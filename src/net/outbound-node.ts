import { createNameResolver } from './name-resolver.js'
import type { NetClock, NodeResolver } from './name-resolver.js'
import type { OutboundClient, OutboundMeans } from './outbound.js'

interface NodeDns {
  readonly Resolver: new (options: { readonly timeout: number; readonly tries: number }) => NodeResolver
}

interface NodeFiles {
  readFileSync(path: string, encoding: 'utf8'): string
}

interface NodeProcess {
  readonly platform: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly getBuiltinModule?: (name: string) => unknown
}

/** How a name server is asked: how long the first try may take, in milliseconds, and how often. */
const asking = { timeout: 1_500, tries: 2 } as const

/**
 * Node's own DNS and HTTP clients; undefined in a runtime that has none. They are reached without an import, so that
 * what only might send something still loads everywhere. Names are not looked up by `dns.lookup`: it waits in the
 * threads that the host's own look-ups and files need.
 */
export function findNodeOutbound(clock: NetClock): OutboundMeans | undefined {
  const { process } = globalThis as { readonly process?: NodeProcess }
  const load = (name: string): unknown => process?.getBuiltinModule?.(name)
  const dns = load('node:dns') as NodeDns | undefined
  const files = load('node:fs') as NodeFiles | undefined
  const https = load('node:https') as OutboundClient | undefined
  const http = load('node:http') as OutboundClient | undefined
  if (!process || !dns || !files || !https || !http) return undefined
  const hostsPath =
    process.platform === 'win32'
      ? `${process.env['SystemRoot'] ?? 'C:\\Windows'}\\System32\\drivers\\etc\\hosts`
      : '/etc/hosts'

  function readHosts(): string {
    try {
      return files!.readFileSync(hostsPath, 'utf8')
    } catch {
      return ''
    }
  }

  const createResolver = (): NodeResolver => new dns.Resolver(asking)
  return { https, http, clock, resolve: createNameResolver({ clock, createResolver, readHosts }) }
}
