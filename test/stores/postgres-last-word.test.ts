import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import pg from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parseLimits } from '../../src/core/limit.js'
import { postgresLimits, postgresStore } from '../../src/stores/postgres.js'
import { digestOf } from '../../src/testing/suite/records.js'

/** One message of the server's: its kind, its length, its body. */
function message(kind: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.write(kind)
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

const authenticated = message('R', Buffer.from([0, 0, 0, 0]))
const ready = message('Z', Buffer.from('I'))
const terminated = message('E', Buffer.from('SFATAL\0C57P01\0ended by an administrator\0\0'))

let server: Server
let pool: pg.Pool
let met: Socket[]
beforeEach(async () => {
  met = []
  server = createServer((socket) => {
    met.push(socket)
    socket.on('error', () => undefined)
    // The start-up message is answered, and in the same packet the connection is ended.
    socket.once('data', () => socket.end(Buffer.concat([authenticated, ready, terminated])))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  pool = new pg.Pool({ host: '127.0.0.1', port, user: 'u', password: 'p', database: 'd', max: 2 })
})
afterEach(async () => {
  await pool.end()
  for (const socket of met) socket.destroy()
  server.close()
})

test('a server that ends a connection in the moment it is ready ends a question, and no process', async () => {
  const store = postgresStore({ pool, timeoutMs: 1_000 })
  for (let i = 0; i < 5; i++) {
    await expect(async () => store.findCredential(digestOf(1))).rejects.toMatchObject({
      code: 'store_unavailable',
    })
  }
  expect(met.length).toBeGreaterThanOrEqual(5)
})

test('the same for limits', async () => {
  const limits = postgresLimits({ pool, timeoutMs: 1_000 })
  const rules = parseLimits([{ name: 'turn', limit: 3, windowMs: 60_000 }])
  for (let i = 0; i < 5; i++) {
    await expect(async () =>
      limits.spend({ workspaceId: 'ws_1', charges: [{ subject: 'workspace', rules, cost: 1 }] }),
    ).rejects.toMatchObject({ code: 'store_unavailable' })
  }
  expect(met.length).toBeGreaterThanOrEqual(5)
})
