import { createServer, request as sendRequest } from 'node:http'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { createNodeDispatcher } from '../../../src/middleware/node-replay.js'
import type { ReplayTicket, StoredRequest } from '../../../src/service/replay.js'
import { report } from '../contest.js'

const rounds = 12
const calls = 400

const stored: StoredRequest = {
  ...{ method: 'POST', target: '/contacts', pattern: '/contacts', scheme: 'http' },
  headers: [
    ['content-type', 'application/json'],
    ['host', 'crm.example'],
  ],
  body: new TextEncoder().encode(JSON.stringify({ name: 'Ada', email: 'ada@example.com' })),
  isRewritten: false,
}

/** Nanoseconds of this process's processor for each call, one after another. */
async function timed(call: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage()
  for (let i = 0; i < calls; i++) await call()
  const { user, system } = process.cpuUsage(before)
  return ((user + system) * 1e3) / calls
}

/** The same request into the same listener, in memory and over a connection of its own. */
interface Pair {
  readonly title: string
  readonly ways: Readonly<Record<'over the loopback' | 'replayed in memory', () => Promise<unknown>>>
  stop(): Promise<unknown>
}

async function pairOf(title: string, listener: RequestListener): Promise<Pair> {
  const dispatcher = createNodeDispatcher(listener, listener, 'main')
  const { signal } = new AbortController()
  const server = createServer(listener)
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    title,
    ways: {
      'over the loopback': () =>
        new Promise<void>((resolve, reject) => {
          const { method, target: path, body } = stored
          const headers = { ...Object.fromEntries(stored.headers), 'content-length': body.byteLength }
          const sent = sendRequest({ port, method, path, headers, agent: false }, (response) => {
            response.resume().on('end', resolve)
          })
          sent.on('error', reject).end(body)
        }),
      async 'replayed in memory'() {
        const ticket = { state: 'unused', principal: { address: '203.0.113.7' } } as ReplayTicket
        const { status } = await dispatcher.dispatch(stored, ticket, { maxBytes: 65_536, signal })
        if (status !== 201) throw new Error(`a replay was answered with ${status}`)
      },
    },
    stop: () => new Promise((resolve) => void server.close(resolve)),
  }
}

/**
 * What dispatching a stored request in memory costs, beside the same request over the loopback: into Express, and into a
 * handler that does nothing, which leaves the dispatch alone.
 */
export async function replayContest(): Promise<void> {
  const app = express()
  app.use(express.json())
  app.post('/contacts', (request, response) => void response.status(201).json(request.body))
  const bare: RequestListener = (request, response) =>
    void (request.resume(), response.writeHead(201).end('{}'))
  const pairs = [await pairOf('Express 5', app), await pairOf('a handler that does nothing', bare)]
  const spent = new Map(
    pairs.map((pair) => [pair, new Map<string, number[]>(Object.keys(pair.ways).map((name) => [name, []]))]),
  )
  for (let round = -2; round < rounds; round++) {
    for (const pair of pairs) {
      for (const [name, call] of Object.entries(pair.ways)) {
        const nanoseconds = await timed(call)
        if (round >= 0) spent.get(pair)!.get(name)!.push(nanoseconds)
      }
    }
  }
  for (const [{ title, stop }, standings] of spent) {
    await stop()
    report(
      `A stored request into ${title}, one after another: processor time a call, both sides`,
      standings,
      [{ of: 'replayed in memory', against: 'over the loopback', times: 1 }],
    )
  }
}
