import { parseHosts } from './hosts-file.js'

/** The part of a clock that the resolver uses. */
export interface NetClock {
  monotonic(): number
  /** Calls once after so many milliseconds, unless the answer is called before. */
  after(ms: number, call: () => void): () => void
}

type Answered = (error: unknown, addresses?: readonly string[]) => void

/** The part of Node's `dns.Resolver` that the resolver uses, which waits on the event loop and not in a thread. */
export interface NodeResolver {
  resolve4(hostname: string, call: Answered): void
  resolve6(hostname: string, call: Answered): void
  cancel(): void
}

/** What names are resolved with. */
export interface NameResolverNeeds {
  readonly clock: NetClock
  /** Makes a resolver for one look-up. */
  readonly createResolver: () => NodeResolver
  /** The text of the host's own list of names; empty where there is none. */
  readonly readHosts: () => string
}

/** How long a look-up may take, in milliseconds. */
const longestLookupMs = 5_000

/** The most look-ups under way at once; further ones wait for their turn. */
const mostLookups = 32

/** How long a name that could not be resolved is not asked for again, in milliseconds. */
const refusedMs = 10_000

/** The most names that are known not to be resolved. */
const mostRefused = 1_000

/** How long the host's own list of names is used as it was read, in milliseconds. */
const hostsMs = 5_000

/**
 * Makes what resolves names: by the host's own list, then `localhost` (RFC 6761, 6.3), then name servers. A look-up has
 * a bound and is canceled at it, equal ones are one, and a failed one answers for a while.
 */
export function createNameResolver(
  needs: NameResolverNeeds,
): (hostname: string) => Promise<readonly string[]> {
  const { clock } = needs
  const underWay = new Map<string, Promise<readonly string[]>>()
  const refused = new Map<string, { readonly error: Error; readonly until: number }>()
  const waiting: (() => void)[] = []
  let running = 0
  let hosts: { readonly names: ReadonlyMap<string, readonly string[]>; readonly until: number } | undefined

  function ownAddresses(name: string): readonly string[] | undefined {
    if (hosts === undefined || hosts.until <= clock.monotonic()) {
      hosts = { names: parseHosts(needs.readHosts()), until: clock.monotonic() + hostsMs }
    }
    const isLocal = name === 'localhost' || name.endsWith('.localhost')
    return hosts.names.get(name) ?? (isLocal ? ['127.0.0.1', '::1'] : undefined)
  }

  async function lookUp(name: string): Promise<readonly string[]> {
    if (running < mostLookups) running++
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await ask(name)
    } catch (error) {
      refuse(name, error as Error)
      throw error
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }

  async function ask(name: string): Promise<readonly string[]> {
    const resolver = needs.createResolver()
    let isOver = false
    const stop = clock.after(longestLookupMs, () => {
      isOver = true
      resolver.cancel()
    })
    const answers = await Promise.all([
      answerOf((call) => resolver.resolve4(name, call)),
      answerOf((call) => resolver.resolve6(name, call)),
    ])
    stop()
    const addresses = answers.flatMap((answer) => answer.addresses)
    if (addresses.length > 0) return addresses
    throw isOver ? Object.assign(new Error('no answer in time'), { code: 'ETIMEOUT' }) : answers[0].error
  }

  function refuse(name: string, error: Error): void {
    refused.delete(name)
    const oldest = refused.size < mostRefused ? undefined : refused.keys().next().value
    if (oldest !== undefined) refused.delete(oldest)
    refused.set(name, { error, until: clock.monotonic() + refusedMs })
  }

  return async (hostname) => {
    const name = hostname.replace(/\.$/, '').toLowerCase()
    const own = ownAddresses(name)
    if (own) return own
    const known = refused.get(name)
    if (known && clock.monotonic() < known.until) throw known.error
    const lookup = underWay.get(name) ?? lookUp(name).finally(() => underWay.delete(name))
    underWay.set(name, lookup)
    return lookup
  }
}

interface Answer {
  readonly addresses: readonly string[]
  readonly error: Error
}

function answerOf(ask: (call: Answered) => void): Promise<Answer> {
  return new Promise((resolve) => {
    const fail = (error: unknown): void => resolve({ addresses: [], error: error as Error })
    try {
      ask((error, addresses = []) => (error ? fail(error) : resolve({ addresses, error: noAddress() })))
    } catch (error) {
      fail(error)
    }
  })
}

function noAddress(): Error {
  return Object.assign(new Error('a name without an address'), { code: 'ENOTFOUND' })
}
