import { createServer, request as sendRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { createNodeDispatcher } from '../../../src/middleware/node-replay.js'
import type { ReplayTicket, StoredRequest } from '../../../src/service/replay.js'
import { report } from '../contest.js'

const rounds = 12
const calls = 400

const stored: StoredRequest = {
  ...{ method: 'POST', target: '/contacts', pattern: '/contacts', scheme: 'http', peer: '203.0.113.7' },
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

/** What dispatching a stored request in memory costs, beside the same request over the loopback. */
export async function replayContest(): Promise<void> {
  const app = express()
  app.use(express.json())
  app.post('/contacts', (request, response) => void response.status(201).json(request.body))
  const dispatcher = createNodeDispatcher(app, app, 'main')
  const { signal } = new AbortController()
  const replay = async (): Promise<void> => {
    const { status } = await dispatcher.dispatch(stored, { state: 'unused' } as ReplayTicket, {
      maxBytes: 65_536,
      signal,
    })
    if (status !== 201) throw new Error(`a replay was answered with ${status}`)
  }
  const server = createServer(app)
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const overLoopback = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const { method, target: path, body } = stored
      const headers = { ...Object.fromEntries(stored.headers), 'content-length': body.byteLength }
      const sent = sendRequest({ port, method, path, headers, agent: false }, (response) => {
        response.resume().on('end', resolve)
      })
      sent.on('error', reject).end(body)
    })

  const spent = new Map<string, number[]>([
    ['over the loopback', []],
    ['replayed in memory', []],
  ])
  for (let round = -2; round < rounds; round++) {
    for (const [name, call] of [
      ['over the loopback', overLoopback],
      ['replayed in memory', replay],
    ] as const) {
      const nanoseconds = await timed(call)
      if (round >= 0) spent.get(name)!.push(nanoseconds)
    }
  }
  await new Promise((resolve) => void server.close(resolve))
  report('A stored request into Express 5, one after another: processor time a call, both sides', spent, [
    { of: 'replayed in memory', against: 'over the loopback', times: 1 },
  ])
}
