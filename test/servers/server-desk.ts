import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestProject } from 'vitest/node'
import { startMariadb } from './mariadb.js'
import { startPgbouncer } from './pgbouncer.js'
import { startPostgres } from './postgres.js'
import { startRedis } from './redis.js'
import type { ServerKind, TestServer } from './test-server.js'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where a test file asks for the server of a kind. */
    serverDesk: string
  }
}

/**
 * What vitest runs around all test files: a desk in the runner's own process where files ask for servers. One is
 * started when the first file asks, serves all of the run, and ends with it; a run that needs none pays nothing.
 */
export default async function openDesk(project: Pick<TestProject, 'provide'>): Promise<() => Promise<void>> {
  const servers = new Map<ServerKind, Promise<TestServer>>()
  const starts: Record<ServerKind, () => Promise<TestServer>> = {
    postgres: () => startPostgres(),
    mariadb: () => startMariadb(),
    pgbouncer: async () => startPgbouncer(await serverOf('postgres'), { pool_mode: 'transaction' }),
    redis: () => startRedis(),
  }

  function serverOf(kind: ServerKind): Promise<TestServer> {
    const server = servers.get(kind) ?? starts[kind]()
    servers.set(kind, server)
    return server
  }

  async function answer(path: string): Promise<{ readonly status: number; readonly body: string }> {
    const [, kind, wish] = path.split('/')
    if (kind === undefined || !(kind in starts)) return { status: 404, body: `no server ${kind}` }
    try {
      const server = await serverOf(kind as ServerKind)
      const { host, port, user, password, database } =
        wish === 'database' ? await server.createDatabase() : server
      return { status: 200, body: JSON.stringify({ host, port, user, password, database }) }
    } catch (error) {
      return { status: 500, body: String(error) }
    }
  }

  const desk = createServer((request, response) => {
    void answer(request.url ?? '').then(({ status, body }) => response.writeHead(status).end(body))
  })
  desk.listen(0, '127.0.0.1')
  await once(desk, 'listening')
  desk.unref()
  project.provide('serverDesk', `http://127.0.0.1:${(desk.address() as AddressInfo).port}`)

  return async () => {
    desk.close()
    // The last one started stands on those before it.
    for (const server of [...servers.values()].toReversed()) {
      await server.then(
        (started) => started.stop(),
        () => undefined,
      )
    }
  }
}
