import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startHost } from '../../examples/trustpager/host.js'
import { isLocalHost, isLoopback } from '../../examples/trustpager/login.js'
import { tellStory } from '../../examples/trustpager/story.js'
import { createWorld, type World } from './trustpager-world.js'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.close())

/** Every byte the host has written. */
const written = (): string =>
  readdirSync(world.dataDir)
    .map((name) => readFileSync(join(world.dataDir, name), 'latin1'))
    .join('\n')

const codeOf = (answer: { body: unknown }): unknown => (answer.body as { code?: unknown } | undefined)?.code

describe('the story', () => {
  it('goes as told, line by line, and shows no secret', async () => {
    const lines: string[] = []
    expect(await tellStory(world.host.url, (line) => void lines.push(line))).toBe(true)
    const text = lines.join('\n')
    expect(text.match(/ → /g)!.length).toBe(text.match(/ ← /g)!.length)
    expect(text).toMatch(/tp_live_…\w{4}\b/)
    expect(text).not.toMatch(/tp_live_\w{5}/)
    expect(text).not.toContain('whsec_')
    for (const action of ['created', 'edited', 'rotated', 'revoked', 'activated', 'deleted']) {
      expect(text).toContain(`key.${action}`)
    }
    expect(text).toContain('webhook, signature verified: approval.rejected: Not to everyone')
    expect(text).toContain('own_request: ')
  })

  it('goes as told a second time on the same data', async () => {
    expect(await tellStory(world.host.url, () => undefined)).toBe(true)
  })

  it('ends, and says so, where a step is not as told', async () => {
    await world.as('ada', 'POST', '/demo/plan', { plan: 'free' })
    const lines: string[] = []
    expect(await tellStory(world.host.url, (line) => void lines.push(line))).toBe(false)
    expect(lines.at(-1)).toContain('✗ the story tells 201')
    await world.as('ada', 'POST', '/demo/plan', { plan: 'pro' })
    expect(await tellStory('http://127.0.0.1:1', () => undefined)).toBe(false)
  })
})

describe('the demo login', () => {
  it('knows the demo users and nobody else', async () => {
    const client = { headers: { 'content-type': 'application/json' }, method: 'POST' }
    const login = `${world.host.url}/demo/login`
    const good = await fetch(login, { ...client, body: '{"user":"cleo"}' })
    expect([good.status, await good.json()]).toEqual([
      200,
      { user: 'cleo', name: 'Cleo', workspace: 'borealis', role: 'admin' },
    ])
    expect(good.headers.getSetCookie()[0]).toMatch(/^trustpager_demo=[\w-]{43};.*HttpOnly; SameSite=Strict$/)
    for (const body of ['{"user":"eve"}', '{"user":["ada"]}', '[]', '{']) {
      const answer = await fetch(login, { ...client, body })
      expect([answer.status, answer.headers.getSetCookie()]).toEqual([422, []])
    }
  })

  it('takes no form of another site, which a browser would send unasked', async () => {
    const headers = { 'content-type': 'text/plain' }
    const answer = await fetch(`${world.host.url}/demo/login`, {
      method: 'POST',
      headers,
      body: '{"user":"ada"}',
    })
    expect([answer.status, answer.headers.getSetCookie()]).toEqual([422, []])
  })

  it('is for this machine only', () => {
    expect(['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1'].filter(isLoopback)).toHaveLength(4)
    const others = ['10.0.0.1', '128.0.0.1', '::ffff:10.0.0.1', '::2', '127.0.0.1.example', '', undefined]
    expect(others.filter(isLoopback)).toEqual([])
    expect(['localhost', 'localhost:3000', '127.0.0.1:1', '[::1]:1'].filter(isLocalHost)).toHaveLength(4)
    expect(
      ['evil.example', 'localhost.evil.example', 'localhost:1@x', undefined].filter(isLocalHost),
    ).toEqual([])
  })

  it('ends with a logout', async () => {
    expect((await world.as('dan', 'GET', '/admin/keys')).status).toBe(403)
    expect((await world.as('dan', 'POST', '/demo/logout')).status).toBe(204)
    expect((await world.as('dan', 'GET', '/admin/keys')).status).toBe(401)
  })
})

describe('management', () => {
  it('is for admins of the own workspace: not for members, others, or nobody', async () => {
    const { id, secret } = await world.makeKey('ada', { scopes: ['contacts:read'] })
    const path = `/admin/keys/${id}`
    const calls = [
      ['GET', path],
      ['PATCH', path, { name: 'Mine' }],
      ['POST', `${path}/rotate`, {}],
      ['POST', `${path}/revoke`, {}],
      ['POST', `${path}/activate`, {}],
      ['DELETE', path],
    ] as const
    for (const [method, target, body] of calls) {
      const call = (user: string | undefined) => world.as(user, method, target, body, '"v1"')
      expect([method, target, codeOf(await call('ben'))]).toEqual([method, target, 'forbidden'])
      expect([method, target, codeOf(await call('cleo'))]).toEqual([method, target, 'not_found'])
      expect([method, target, codeOf(await call(undefined))]).toEqual([method, target, 'actor_missing'])
    }
    for (const path of ['/admin/keys', '/admin/audit']) {
      expect((await world.as('ben', 'GET', path)).status).toBe(403)
      expect((await world.as(undefined, 'GET', path)).status).toBe(401)
      expect(JSON.stringify((await world.as('cleo', 'GET', path)).body)).not.toContain(id)
      expect(JSON.stringify((await world.as('ada', 'GET', path)).body)).toContain(id)
    }
    expect((await world.api(secret, 'GET', '/contacts')).status).toBe(200)
  })

  it('hands out no more to a key than its owner has', async () => {
    const { secret } = await world.makeKey('ada', { mode: 'full', owner_id: 'ben' })
    expect((await world.api(secret, 'POST', '/contacts', {})).status).toBe(201)
    // What Ben may only propose, his key may only propose, too.
    expect((await world.api(secret, 'POST', '/deals', {})).status).toBe(202)
    expect(codeOf(await world.api(secret, 'GET', '/products'))).toBe('owner_insufficient')
  })
})

describe('the plan', () => {
  it('without the API refuses every key at once, and says where to get another', async () => {
    const { secret } = await world.makeKey('cleo', { mode: 'full' })
    expect((await world.api(secret, 'GET', '/contacts')).status).toBe(200)
    expect((await world.as('cleo', 'POST', '/demo/plan', { plan: 'free' })).status).toBe(200)
    const refused = await world.api(secret, 'GET', '/contacts')
    expect([refused.status, refused.body]).toEqual([
      403,
      expect.objectContaining({ code: 'not_entitled', upgrade_url: 'https://trustpager.example/plans' }),
    ])
    const { secret: other } = await world.makeKey('ada', { mode: 'full' })
    expect((await world.api(other, 'GET', '/contacts')).status).toBe(200)
    await world.as('cleo', 'POST', '/demo/plan', { plan: 'pro' })
    expect((await world.api(secret, 'GET', '/contacts')).status).toBe(200)
  })

  it('is changed by admins only, to one that there is', async () => {
    expect((await world.as('ben', 'POST', '/demo/plan', { plan: 'free' })).status).toBe(403)
    expect((await world.as(undefined, 'POST', '/demo/plan', { plan: 'free' })).status).toBe(401)
    expect((await world.as('ada', 'POST', '/demo/plan', { plan: 'gold' })).status).toBe(422)
  })
})

describe('the data folder', () => {
  it('holds no secret of a key, and every change in a line of its own', async () => {
    const { id, secret } = await world.makeKey('ada', { name: 'Canary', scopes: ['contacts:read'] })
    await world.api(secret, 'GET', '/contacts')
    const isLogged = (): boolean => readFileSync(world.host.folder.auditPath, 'utf8').includes(id)
    await expect.poll(isLogged, { timeout: 10_000 }).toBe(true)
    const lines = readFileSync(world.host.folder.auditPath, 'utf8').trim().split('\n')
    expect(lines.every((line) => typeof JSON.parse(line) === 'object')).toBe(true)
    expect(written()).toContain(id)
    expect(written()).not.toContain(secret)
    expect(written()).not.toContain(secret.slice(8))
  })

  it('can be opened by one host after another: keys and records stay', async () => {
    const own = await createWorld()
    const { secret } = await own.makeKey('ada', { mode: 'full' })
    const made = await own.api(secret, 'POST', '/contacts', { name: 'Ada' })
    await own.host.close()
    // Nothing has to wait for the next start.
    expect(readFileSync(own.host.folder.auditPath, 'utf8')).toContain('key.created')
    const again = await startHost({ dataDir: own.dataDir, port: 0 })
    expect([own.host.folder.isNew, again.folder.isNew]).toEqual([true, false])
    const { id } = made.body as { id: string }
    const answer = await fetch(`${again.url}/contacts/${id}`, {
      headers: { authorization: `Bearer ${secret}` },
    })
    expect([answer.status, await answer.json()]).toEqual([200, made.body])
    await again.close()
  })

  it('can be opened after a start that failed, as where the port is in use', async () => {
    const port = Number(new URL(world.host.url).port)
    const own = await createWorld()
    await own.host.close()
    await expect(startHost({ dataDir: own.dataDir, port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
    const again = await startHost({ dataDir: own.dataDir, port: 0 })
    await again.close()
  })
})
