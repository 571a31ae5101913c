import { Agent, createServer, request as sendRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { attach, guard } from 'keyrung/express'
import { approve, makeCaller, openHost, queue } from '../approvals/host.js'
import type { Host, Waiting } from '../approvals/host.js'
import { openStores } from '../approvals/stores.js'
import type { StoreKind } from '../approvals/stores.js'
import { report } from '../contest.js'
import { reportRates, standingsOf } from './limits-load.js'
import type { Round } from './limits-load.js'

const rounds = 7
const atOnce = 16
/** How many are queued and approved in a turn. */
const turns = { [1]: 24, [atOnce]: 96 } as const

/** One way of asking, on one store. */
interface Contestant {
  readonly name: string
  readonly kind: StoreKind
  readonly host: Host
  /** Queues for one of the callers. */
  ask(caller: number): Promise<Waiting>
  end(): Promise<void>
}

/** How many calls are queued a second, and how many approved and run, on each store. Nothing is asked of them. */
export async function approvalsContest(): Promise<void> {
  const kinds = await openStores()
  try {
    const named: Contestant[] = []
    const replayed: Contestant[] = []
    for (const kind of kinds) {
      named.push(await byName(kind))
      replayed.push(await overHttp(kind))
    }
    for (const inFlight of [1, atOnce] as const) {
      await compare('A named operation', named, inFlight)
      await compare('A request to Express 5 over the loopback, replayed in memory', replayed, inFlight)
    }
    for (const { end } of [...named, ...replayed]) await end()
  } finally {
    for (const kind of kinds) await kind.end()
  }
}

async function byName(kind: StoreKind): Promise<Contestant> {
  const host = await openHost(kind.open('named_'))
  const callers = await makeCallers(host)
  let asked = 0
  return {
    ...{ name: kind.name, kind, host, end: () => host.keyrung.close() },
    ask: (caller) => queue(host.keep, callers[caller]!.principal, `note ${asked++}`),
  }
}

async function overHttp(kind: StoreKind): Promise<Contestant> {
  const host = await openHost(kind.open('replayed_'))
  const callers = await makeCallers(host)
  const app = express()
  app.post('/contacts', guard(host.keyrung, 'contacts:write'), express.json(), (request, response) => {
    response.status(201).json(request.body)
  })
  attach(host.keyrung, app)
  const server = createServer(app)
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const agent = new Agent({ keepAlive: true })
  let asked = 0
  return {
    ...{ name: kind.name, kind, host },
    ask: (caller) => post({ port, agent, secret: callers[caller]!.secret }, { name: `Ada ${asked++}` }),
    async end() {
      agent.destroy()
      server.closeAllConnections()
      await new Promise((resolve) => void server.close(resolve))
      await host.keyrung.close()
    },
  }
}

/** A key for each of those that ask at the same time: what one key has waiting is one row. */
function makeCallers(host: Host) {
  return Promise.all(Array.from({ length: atOnce }, (_, i) => makeCaller(host, `agent ${i}`)))
}

function post(
  { port, agent, secret }: { readonly port: number; readonly agent: Agent; readonly secret: string },
  contact: object,
): Promise<Waiting> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' }
    const sent = sendRequest({ port, agent, method: 'POST', path: '/contacts', headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        if (response.statusCode !== 202) return reject(new Error(`${response.statusCode} ${text}`))
        const { approval_id: id, digest } = JSON.parse(text) as { approval_id: string; digest: string }
        resolve({ id, digest })
      })
    })
    sent.on('error', reject).end(JSON.stringify(contact))
  })
}

/** Lets the stores take turns: each queues, and then approves what it has queued; the first turn does not count. */
async function compare(
  what: string,
  contestants: readonly Contestant[],
  inFlight: 1 | typeof atOnce,
): Promise<void> {
  const queued = new Map<string, Round[]>(contestants.map(({ name }) => [name, []]))
  const executed = new Map<string, Round[]>(contestants.map(({ name }) => [name, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const { name, kind, host, ask } of contestants) {
      const waiting: Waiting[] = []
      const ofQueue = await timed(kind, inFlight, async (caller) => void waiting.push(await ask(caller)))
      const ofRun = await timed(kind, inFlight, () => approve(host, waiting.pop()!))
      if (round === 0) continue
      queued.get(name)!.push(ofQueue)
      executed.get(name)!.push(ofRun)
    }
  }
  const load = inFlight === 1 ? 'one at a time' : `${inFlight} in flight`
  for (const [title, held] of [
    [`${what}, queued, ${load}`, queued],
    [`${what}, approved until it has run, ${load}`, executed],
  ] as const) {
    report(title, standingsOf(held))
    reportRates(held, new Map())
  }
}

/** Microseconds of each of a turn's calls. */
async function timed(
  { serverMicros }: StoreKind,
  inFlight: 1 | typeof atOnce,
  call: (caller: number) => Promise<void>,
): Promise<Round> {
  const total = turns[inFlight]
  let left = total
  const before = serverMicros()
  const [from, used] = [performance.now(), process.cpuUsage()]
  await Promise.all(
    Array.from({ length: inFlight }, async (_, caller) => {
      while (left-- > 0) await call(caller)
    }),
  )
  const wall = ((performance.now() - from) * 1_000) / total
  const { user, system } = process.cpuUsage(used)
  return { wall, client: (user + system) / total, server: (serverMicros() - before) / total }
}
