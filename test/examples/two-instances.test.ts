import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { Client, type Answer } from '../../examples/telling/client.js'
import { describeOn } from '../servers/on-server.js'
import type { DatabaseAddress } from '../servers/test-server.js'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Four processes that compile their sources take a while on a busy machine. */
const timeout = 180_000

/** The program, as a person starts it, and what it has printed so far. */
interface Demo {
  readonly child: ChildProcess
  readonly output: () => string
  /** Its exit code, when it has ended. */
  readonly ended: Promise<unknown>
}

function startDemo(environment: NodeJS.ProcessEnv, ...args: readonly string[]): Demo {
  const main = ['--import', 'tsx', 'examples/two-instances/main.ts', ...args]
  const env = { ...process.env, TSX_TSCONFIG_PATH: join(root, 'examples/tsconfig.json'), ...environment }
  const child = spawn(process.execPath, main, { cwd: root, env })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  return { child, output: () => output, ended: once(child, 'exit').then(([code]) => code as unknown) }
}

const told = (answer: Answer): unknown[] => [
  answer.status,
  (answer.body as { code?: unknown } | undefined)?.code,
]

describe('npm run start:two-instances -- --exit', () => {
  it('brings its own PostgreSQL, tells the story and ends with 0', { timeout }, async () => {
    const demo = startDemo({ PORT: '0', DATABASE_URL: '' }, '--exit')
    expect(await demo.ended, demo.output()).toBe(0)
    expect(demo.output()).toContain('on a PostgreSQL of its own')
    expect(demo.output()).toContain('The story went as told.')
  })

  it('ends with 1 where there is no PostgreSQL at DATABASE_URL', { timeout }, async () => {
    const demo = startDemo({ PORT: '0', DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing' }, '--exit')
    expect(await demo.ended).toBe(1)
    expect(demo.output()).toContain('ECONNREFUSED')
  })
})

describeOn('postgres', 'npm run start:two-instances', (server) => {
  let demo: Demo
  let address: DatabaseAddress
  let a: Client
  let b: Client
  beforeAll(async () => {
    address = await server.createDatabase()
    const { host, port, user, password, database } = address
    demo = startDemo({
      PORT: '0',
      DATABASE_URL: `postgres://${user}:${encodeURIComponent(password)}@${host}:${port}/${database}`,
    })
    await vi.waitFor(() => expect(demo.output()).toContain('until "pro"'), {
      timeout: 120_000,
      interval: 100,
    })
    const [, urlA, urlB] = /A is up at (http:\S+), B at (http:\S+)/.exec(demo.output())!
    const operator = /operator=(\S+)/.exec(demo.output())![1]!
    const identity = { user: 'ada', headers: { authorization: `Bearer ${operator}` } }
    ;[a, b] = [new Client(urlA!, identity), new Client(urlB!, identity)]
  }, timeout)
  afterAll(async () => {
    demo.child.kill('SIGTERM')
    await demo.ended
  })

  async function makeKey(on: Client): Promise<{ readonly path: string; readonly secret: string }> {
    const wanted = { name: 'A key', scopes: ['contacts:read'] }
    const { status, body } = await on.send({ method: 'POST', path: '/admin/keys', body: wanted })
    expect(status).toBe(201)
    const { key, secret } = body as { readonly key: { readonly id: string }; readonly secret: string }
    return { path: `/admin/keys/${key.id}`, secret }
  }
  const read = (on: Client, secret: string): Promise<Answer> =>
    on.send({ method: 'GET', path: '/contacts', key: secret })

  async function schemas(): Promise<readonly string[]> {
    const client = new pg.Client(address)
    await client.connect()
    const { rows } = await client.query<{ nspname: string }>(
      `select nspname from pg_namespace where nspname like 'two_instances_%'`,
    )
    await client.end()
    return rows.map(({ nspname }) => nspname)
  }

  it('tells a story that goes as told, by two processes, and prints no secret of a key', () => {
    expect(demo.output()).toContain('on the PostgreSQL at DATABASE_URL')
    expect(demo.output()).toContain('The story went as told.')
    const [, one, other] = /A at \S+ \(process (\d+)\), B at \S+ \(process (\d+)\)/.exec(demo.output())!
    expect(new Set([one, other, String(demo.child.pid)]).size).toBe(3)
    expect(demo.output()).toMatch(/sent after it had returned: 0 × 200, \d{3,} × 401 key_revoked/)
    expect(demo.output()).toMatch(/sent after it had returned: 0 × 200, \d{3,} × 403 not_entitled/)
    expect(demo.output()).not.toMatch(/acme_live_\w{5}/)
  })

  it('of the requests sent to B after A has answered the revoke, all are refused', { timeout }, async () => {
    for (let round = 0; round < 3; round++) {
      const { path, secret } = await makeKey(a)
      expect((await read(b, secret)).body).toMatchObject({ instance: 'B' })
      expect(told(await a.send({ method: 'POST', path: `${path}/revoke`, body: {} }))[0]).toBe(200)
      const answers = await Promise.all(Array.from({ length: 50 }, () => read(b, secret)))
      expect(new Set(answers.map((answer) => told(answer).join()))).toEqual(new Set(['401,key_revoked']))
    }
  })

  it(
    'what is edited, rotated, activated or deleted on one holds on the other at once',
    { timeout },
    async () => {
      const { path, secret } = await makeKey(b)
      const write = (on: Client): Promise<Answer> =>
        on.send({ method: 'POST', path: '/contacts', body: {}, key: secret })
      expect(told(await write(a))).toEqual([403, 'insufficient'])
      const { etag } = await b.send({ method: 'GET', path })
      const body = { scopes: ['contacts:write'] }
      expect((await b.send({ method: 'PATCH', path, body, ifMatch: etag ?? '' })).status).toBe(200)
      expect((await write(a)).body).toEqual({ instance: 'A', contact: 'made' })
      const rotated = await a.send({ method: 'POST', path: `${path}/rotate`, body: { grace_seconds: 0 } })
      const renewed = (rotated.body as { readonly secret: string }).secret
      expect(told(await read(b, secret))[0]).toBe(401)
      expect(told(await read(b, renewed))).toEqual([200, undefined])
      expect((await b.send({ method: 'DELETE', path })).status).toBe(204)
      expect(told(await read(a, renewed))).toEqual([401, 'credential_invalid'])
    },
  )

  it('a downgrade on one is refused by the other from its answer on', { timeout }, async () => {
    const { secret } = await makeKey(a)
    const setPlan = async (on: Client, plan: string): Promise<unknown> =>
      told(await on.send({ method: 'POST', path: '/demo/plan', body: { plan } }))[0]
    expect((await read(a, secret)).status).toBe(200)
    expect(await setPlan(b, 'free')).toBe(200)
    expect(told(await read(a, secret))).toEqual([403, 'not_entitled'])
    expect(await setPlan(a, 'pro')).toBe(200)
    expect((await read(b, secret)).status).toBe(200)
    expect(await setPlan(a, 'golden')).toBe(422)
  })

  it('nobody manages anything without the token that it printed', async () => {
    for (const headers of [{}, { authorization: 'Bearer operator-guess' }]) {
      const stranger = new Client(a.url, { user: 'eve', headers })
      for (const [method, path, body] of [
        ['GET', '/admin/keys'],
        ['POST', '/demo/plan', { plan: 'free' }],
      ] as const)
        expect(told(await stranger.send({ method, path, body }))[0]).toBe(401)
    }
  })

  it('ends cleanly when told, and takes both processes and all its tables along', { timeout }, async () => {
    expect(await schemas()).toHaveLength(1)
    demo.child.kill('SIGTERM')
    expect(await demo.ended).toBe(0)
    expect(await schemas()).toEqual([])
    for (const { url } of [a, b]) await expect(fetch(url)).rejects.toThrow()
  })
})
