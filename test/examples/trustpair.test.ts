import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { request as sendRaw } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest'
import { Client } from '../../examples/telling/client.js'
import { catalog, type TrustpairScope } from '../../examples/trustpair/catalog.js'
import { startHost } from '../../examples/trustpair/host.js'
import { isLocalHost, isLoopback } from '../../examples/trustpair/login.js'
import { readPermissionsFile } from '../../examples/trustpair/permissions-file.js'
import { knownRoutes, routes, type Route } from '../../examples/trustpair/routes.js'
import { tellStory } from '../../examples/trustpair/story.js'
import { createWorld, type World } from './trustpair-world.js'

const file = readPermissionsFile()
const everyModule = ['m1', 'm2', 'm3']
/** The highest scope of every resource. */
const allScopes = catalog.slots.map(({ scopes }) => scopes.at(-1)!)

let world: World
/** Holds everything there is, in a workspace that subscribes to everything; of each workspace one. */
let full: string
let foreign: string
beforeAll(async () => {
  world = await createWorld()
  await world.subscribe('mara', everyModule)
  await world.subscribe('tove', everyModule)
  full = (await world.makeToken('mara', allScopes)).secret
  foreign = (await world.makeToken('tove', allScopes)).secret
})
afterAll(() => world.close())

type Listed = { data: { id: string; name?: unknown }[]; has_more: boolean }

const codeOf = (answer: { body: unknown }): unknown => (answer.body as { code?: unknown } | undefined)?.code
const told = (answer: { status: number; body: unknown }) => [answer.status, codeOf(answer)]
const title = ({ method, path }: Route): string => `${method} ${path}`
const idOf = (answer: { body: unknown }): string => (answer.body as { id: string }).id
const listOf = (answer: { body: unknown }): Listed => answer.body as Listed

/** The cookie of a fresh login. */
async function cookieOf(user: string): Promise<string> {
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ user })
  const login = await fetch(`${world.host.url}/demo/login`, { method: 'POST', headers, body })
  return login.headers.getSetCookie()[0]!.split(';')[0]!
}

/** The path with the id of a record that was made for it. */
async function reach({ path }: Route, token = full): Promise<string> {
  if (!path.includes(':id')) return path
  const made = await world.api(token, 'POST', path.split('/:id')[0]!, { name: 'Made for a test' })
  return path.replace(':id', idOf(made))
}

const bodyFor = ({ method }: Route): unknown =>
  method === 'GET' || method === 'DELETE' ? undefined : { name: 'Sent' }
const statusOf = ({ method, path }: Route): number =>
  method === 'DELETE' ? 204 : method === 'POST' && !path.endsWith('/submit') ? 201 : 200

describe('the story', () => {
  it(
    'goes as told, shows no secret, and goes as told again on the same data',
    { timeout: 90_000 },
    async () => {
      const own = await createWorld()
      const lines: string[] = []
      expect(await tellStory(own.host.url, (line) => void lines.push(line))).toBe(true)
      const text = lines.join('\n')
      expect(text.match(/ → /g)!.length).toBe(text.match(/ ← /g)!.length)
      expect(text).toMatch(/trustpair_live_…\w{4}\b/)
      expect(text).not.toMatch(/trustpair_live_\w{5}/)
      expect(text).toMatch(
        /← 429 +limited: .*\n.*\n.*\n +… [123] s, as Retry-After says, for the limit "burst"\n.*\n.*← 200/,
      )
      expect(text).toContain('{"allow":3,"approval":0,"deny":0,"limited":1}')
      expect(await tellStory(own.host.url, () => undefined)).toBe(true)
      await own.close()
    },
  )

  it('ends, and says so, where a step cannot be done', async () => {
    const lines: string[] = []
    expect(await tellStory('http://127.0.0.1:1', (line) => void lines.push(line))).toBe(false)
    expect(lines.at(-1)).toContain('✗')
  })
})

describe('the permission reference', () => {
  it("says what the product's own says, about each of its permissions", async () => {
    const { body } = await world.api(undefined, 'GET', '/permissions')
    const { groups } = body as { groups: { label: string; resources: Shown[] }[] }
    const said = groups.flatMap(({ label: module, resources }) =>
      resources.map(({ label, ladders: [rungs] }) => ({
        label,
        module: module === 'Every subscription' ? null : module,
        read: rungs!.find(({ rung }) => rung === 'read')!.description,
        write: rungs!.find(({ rung }) => rung === 'write')?.description ?? null,
      })),
    )
    expect(said).toHaveLength(9)
    expect(said).toEqual(expect.arrayContaining([...file.permissions]))
  })

  it('is a table with a row for each, too', async () => {
    const response = await fetch(`${world.host.url}/permissions.md`)
    expect(response.headers.get('content-type')).toMatch(/^text\/markdown/)
    const rows = (await response.text()).split('\n').filter((line) => line.startsWith('| '))
    expect(rows).toHaveLength(2 + file.permissions.length)
    for (const { label, read, write } of file.permissions) {
      const row = rows.find((line) => line.startsWith(`| ${label} `))!
      expect(row).toContain(`| ${read} `)
      expect(row).toContain(`| ${write ?? '–'} `)
    }
  })

  interface Shown {
    readonly label: string
    readonly ladders: { readonly rung: string; readonly description: string }[][]
  }
})

describe('every route', () => {
  it("is mounted: the file's with the level it names, and at least one for each permission", () => {
    expect(file.routesKnown).toHaveLength(11)
    expect(
      knownRoutes.map(({ method, path, permission }) => ({
        method,
        path: path.replace(':id', '{id}'),
        needs: permission.split(':')[1],
      })),
    ).toEqual(file.routesKnown)
    expect(new Set(routes.map(({ permission }) => permission))).toEqual(
      new Set(catalog.permissions.map(({ permission }) => permission)),
    )
    expect(new Set(routes.map(title)).size).toBe(routes.length)
  })

  it('refuses a call without a token, and one that is none', async () => {
    for (const route of routes) {
      const path = route.path.replace(':id', 'rec_1')
      const without = await world.api(undefined, route.method, path, bodyFor(route))
      expect([title(route), ...told(without)]).toEqual([title(route), 401, 'credential_missing'])
      const junk = await world.api('trustpair_live_junk', route.method, path, bodyFor(route))
      expect([title(route), ...told(junk)]).toEqual([title(route), 401, 'credential_invalid'])
    }
  })

  it('refuses a level too low, and says which scope would do', async () => {
    for (const resource of catalog.resources) {
      const { secret: none } = await world.makeToken(
        'mara',
        allScopes.filter((scope) => !scope.startsWith(`${resource.name}:`)),
      )
      const { secret: reader } = await world.makeToken('mara', [`${resource.name}:read`])
      for (const route of routes.filter(({ permission }) => permission.startsWith(`${resource.name}:`))) {
        const path = await reach(route)
        const hidden = await world.api(none, route.method, path, bodyFor(route))
        expect([title(route), ...told(hidden)]).toEqual([title(route), 403, 'hidden'])
        if (route.permission.endsWith(':read')) continue
        const short = await world.api(reader, route.method, path, bodyFor(route))
        expect([title(route), ...told(short)]).toEqual([title(route), 403, 'insufficient'])
        expect(short.body).toMatchObject({ missing: { scopes: [route.permission] } })
      }
    }
  })

  it('works with exactly the scope it demands', async () => {
    const tokens = new Map<string, string>()
    for (const route of routes) {
      const known = tokens.get(route.permission)
      const token = known ?? (await world.makeToken('mara', [route.permission])).secret
      tokens.set(route.permission, token)
      const answer = await world.api(token, route.method, await reach(route), bodyFor(route))
      expect([title(route), answer.status]).toEqual([title(route), statusOf(route)])
    }
    expect(tokens.size).toBe(16)
  })

  it('is one of few: other paths and methods are refused', async () => {
    expect(told(await world.api(full, 'GET', '/company_account_checks/'))).toEqual([404, 'not_found'])
    expect(told(await world.api(full, 'GET', '/Tags'))).toEqual([404, 'not_found'])
    expect(told(await world.api(full, 'GET', '/cases/a%2Fb'))).toEqual([404, 'not_found'])
    expect(told(await world.api(full, 'GET', '/x/../tags%00'))).toEqual([404, 'not_found'])
    expect(told(await world.api(full, 'POST', '/users', { name: 'Eve' }))).toEqual([
      405,
      'method_not_allowed',
    ])
    const refused = await fetch(`${world.host.url}/tags/x`, { method: 'PUT' })
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'PATCH, DELETE'])
    const headers = { authorization: `Bearer ${full}` }
    const head = await fetch(`${world.host.url}/tags`, { method: 'HEAD', headers })
    expect([head.status, await head.text()]).toEqual([200, ''])
    expect((await fetch(`${world.host.url}/tags`, { method: 'HEAD' })).status).toBe(401)
  })
})

describe('the subscription', () => {
  const subsets = [...Array(8).keys()].map((bits) => everyModule.filter((_, i) => bits & (1 << i)))

  it('decides what is offered, what can be handed out, and what works', { timeout: 90_000 }, async () => {
    const own = await createWorld()
    await own.subscribe('mara', everyModule)
    const { secret } = await own.makeToken('mara', allScopes)
    for (const modules of subsets) {
      await own.subscribe('mara', modules)
      const { body } = await own.as('mara', 'GET', '/offer')
      const { offer } = body as { offer: { resources: { name: string }[] }[] }
      const offered = offer.flatMap(({ resources }) => resources.map(({ name }) => name))
      for (const { name, group, slots } of catalog.resources) {
        const isIn = group === 'base' || modules.includes(group!)
        const at = [modules.join(), name]
        expect([...at, offered.includes(name)]).toEqual([...at, isIn])

        const scopes = [slots[0]!.scopes.at(-1)!]
        const made = await own.as('mara', 'POST', '/admin/keys', { name: 'Tried', scopes })
        expect([...at, ...told(made)]).toEqual([
          ...at,
          ...(isIn ? [201, undefined] : [403, 'beyond_own_rights']),
        ])

        for (const route of routes.filter(({ permission }) => permission.startsWith(`${name}:`))) {
          const answer = await own.api(
            secret,
            route.method,
            route.path.replace(':id', 'rec_1'),
            bodyFor(route),
          )
          const isFound = route.path.includes(':id') ? [404, 'not_found'] : [statusOf(route), undefined]
          const expected = isIn ? isFound : [403, 'not_entitled']
          expect([...at, title(route), ...told(answer)]).toEqual([...at, title(route), ...expected])
        }
      }
    }
    await own.close()
  })

  it('refuses with a way to get more, and no scope that would help', async () => {
    const { secret } = await world.makeToken('tove', ['payment_checks:read'])
    await world.subscribe('tove', ['m1'])
    const refused = await world.api(secret, 'GET', '/payment_checks/recents')
    expect(refused.body).toMatchObject({
      code: 'not_entitled',
      upgrade_url: 'https://trustpair.example/subscription',
    })
    const other = await world.api(full, 'GET', '/payment_checks/recents')
    expect(other.status).toBe(200)
    await world.subscribe('tove', everyModule)
    expect((await world.api(secret, 'GET', '/payment_checks/recents')).status).toBe(200)
  })

  it('is changed by admins only, to modules that there are', async () => {
    const ask = (user: string | undefined, modules: unknown) =>
      world.as(user, 'POST', '/demo/subscription', { modules })
    expect(told(await ask('milo', everyModule))).toEqual([403, 'forbidden'])
    expect(told(await ask(undefined, everyModule))).toEqual([401, 'actor_missing'])
    for (const modules of [['m4'], ['m1', 'm1'], 'm1', [['m1']], undefined]) {
      expect(told(await ask('mara', modules))).toEqual([422, 'input_invalid'])
    }
    expect(told(await world.as('milo', 'GET', '/offer'))).toEqual([403, 'forbidden'])
    expect(told(await world.as(undefined, 'GET', '/offer'))).toEqual([401, 'actor_missing'])
  })
})

describe('tokens', () => {
  it('are made by admins in the web app: no member, nobody, and no token makes or sees any', async () => {
    const { id, secret } = await world.makeToken('mara', allScopes)
    const calls = [
      ['POST', '/admin/keys', { name: 'Child', scopes: ['tags:read'] }],
      ['GET', '/admin/keys'],
      ['GET', `/admin/keys/${id}`],
      ['POST', `/admin/keys/${id}/revoke`, {}],
      ['GET', '/admin/audit'],
    ] as const
    for (const [method, path, body] of calls) {
      expect([path, ...told(await world.api(secret, method, path, body))]).toEqual([path, 403, 'forbidden'])
      expect([path, ...told(await world.as('milo', method, path, body))]).toEqual([path, 403, 'forbidden'])
      expect([path, ...told(await world.as(undefined, method, path, body))]).toEqual([
        path,
        401,
        'actor_missing',
      ])
    }
    expect((await world.api(secret, 'GET', '/tags')).status).toBe(200)
    expect((await world.api(secret, 'GET', '/admin/me')).body).toMatchObject({ mode: 'custom' })
  })

  it('are not made by a token that comes with an admin’s session, either', async () => {
    const headers = {
      cookie: await cookieOf('mara'),
      authorization: `Bearer ${full}`,
      'content-type': 'application/json',
    }
    const body = JSON.stringify({ name: 'Child', scopes: ['tags:read'] })
    const answer = await fetch(`${world.host.url}/admin/keys`, { method: 'POST', headers, body })
    expect(answer.status).toBe(403)
  })

  it('have the levels of the table: no full access, no write where there is none', async () => {
    const make = (input: object) => world.as('mara', 'POST', '/admin/keys', { name: 'A token', ...input })
    expect(told(await make({ mode: 'full' }))).toEqual([403, 'beyond_own_rights'])
    for (const scope of ['users:write', 'paid_payments:write', 'tags:delete', 'unknown:read', 'tags']) {
      expect([scope, ...told(await make({ scopes: [scope] }))]).toEqual([scope, 422, 'input_invalid'])
    }
    expect(told(await make({ scopes: [] }))).toEqual([422, 'input_invalid'])
    expectTypeOf<'tags:write' | 'users:read'>().toExtend<TrustpairScope>()
    expectTypeOf<'users:write'>().not.toExtend<TrustpairScope>()
    expectTypeOf<'tags:delete'>().not.toExtend<TrustpairScope>()
  })

  it('are never edited, rotated, activated or deleted, by whomever, active or revoked', async () => {
    const { id, secret } = await world.makeToken('mara', ['tags:read'])
    const path = `/admin/keys/${id}`
    const disabled = [
      ['PATCH', path, { name: 'Other' }],
      ['PATCH', path, { scopes: ['tags:write'] }],
      ['POST', `${path}/rotate`, {}],
      ['POST', `${path}/activate`, {}],
      ['DELETE', path, undefined],
    ] as const
    const tryAll = async (): Promise<void> => {
      for (const [method, target, body] of disabled) {
        for (const user of ['mara', 'milo', 'tove']) {
          const answer = await world.as(user, method, target, body)
          expect([user, method, target, ...told(answer)]).toEqual([
            user,
            method,
            target,
            403,
            'operation_disabled',
          ])
        }
        expect((await world.api(full, method, target, body)).status).toBe(403)
        expect((await world.as(undefined, method, target, body)).status).toBe(401)
      }
    }
    const before = await world.as('mara', 'GET', path)
    await tryAll()
    expect((await world.as('mara', 'GET', path)).body).toEqual(before.body)
    expect((await world.api(secret, 'GET', '/tags')).status).toBe(200)

    expect((await world.as('mara', 'POST', `${path}/revoke`, { reason: 'Over' })).status).toBe(200)
    expect(told(await world.api(secret, 'GET', '/tags'))).toEqual([401, 'key_revoked'])
    await tryAll()
    expect(told(await world.api(secret, 'GET', '/tags'))).toEqual([401, 'key_revoked'])

    const { body: list } = await world.as(
      'mara',
      'GET',
      `/admin/keys?status=revoked&text=${secret.slice(-4)}`,
    )
    expect(list).toMatchObject({
      keys: [{ id, status: 'revoked', revoked_by: 'user:mara', revoked_reason: 'Over' }],
    })
    const { body: trail } = await world.as('mara', 'GET', `/admin/audit?target_id=${id}`)
    const actions = (trail as { events: { action: string }[] }).events.map(({ action }) => action)
    expect(actions).toEqual(['key.revoked', 'key.created'])
  })

  it('show nothing of their secret afterwards but the last four characters', async () => {
    const { id, secret } = await world.makeToken('mara', ['tags:read'])
    expect(secret).toMatch(/^trustpair_live_[0-9A-Za-z]{36}$/)
    await world.api(secret, 'GET', '/tags')
    for (const path of [`/admin/keys/${id}`, '/admin/keys?limit=100', '/admin/audit?limit=100']) {
      const text = JSON.stringify((await world.as('mara', 'GET', path)).body)
      expect(text).toContain(id)
      expect(text).not.toContain(secret.slice(-5))
    }
    const { body } = await world.as('mara', 'GET', `/admin/keys/${id}`)
    expect(body).toMatchObject({ key: { secrets: [{ last_four: secret.slice(-4) }] } })
    const names = readdirSync(world.dataDir)
    const written = names.map((name) => readFileSync(join(world.dataDir, name), 'latin1')).join('\n')
    expect(written).toContain(id)
    expect(written).not.toContain(secret.slice('trustpair_live_'.length))
  })
})

describe('limits', () => {
  it('hold for every token: 60 requests a minute and 10,000 a day, for each of them apart', async () => {
    const { secret } = await world.makeToken('mara', ['tags:read'], null)
    for (let i = 0; i < 60; i++) expect((await world.api(secret, 'GET', '/tags')).status).toBe(200)
    const headers = { authorization: `Bearer ${secret}` }
    const refused = await fetch(`${world.host.url}/tags`, { headers })
    expect(refused.status).toBe(429)
    expect(refused.headers.get('content-type')).toBe('application/problem+json')
    expect(refused.headers.get('ratelimit-policy')).toBe('"day";q=10000;w=86400, "minute";q=60;w=60')
    const wait = Number(refused.headers.get('retry-after'))
    expect(wait).toBeGreaterThan(0)
    expect(wait).toBeLessThanOrEqual(61)
    expect(await refused.json()).toMatchObject({
      ...{ status: 429, code: 'limited' },
      limit: { name: 'minute', limit: 60, remaining: 0, window_seconds: 60, retry_after: wait },
    })
    const { secret: other } = await world.makeToken('mara', ['tags:read'], null)
    expect((await world.api(other, 'GET', '/tags')).status).toBe(200)
  })

  it('of a token’s own are given when it is made, and never afterwards', async () => {
    const limits = [{ name: 'once', limit: 1, window_seconds: 3_600 }]
    const { id, secret } = await world.makeToken('mara', ['tags:read'], limits)
    const path = `/admin/keys/${id}`
    expect((await world.as('mara', 'GET', path)).body).toMatchObject({ key: { limits } })
    expect((await world.api(secret, 'GET', '/tags')).status).toBe(200)
    for (const raised of [null, [{ ...limits[0], limit: 2 }]]) {
      const edit = await world.as('mara', 'PATCH', path, { limits: raised })
      expect(told(edit)).toEqual([403, 'operation_disabled'])
    }
    const refused = await world.api(secret, 'GET', '/tags')
    expect([...told(refused), refused.body]).toEqual([
      ...[429, 'limited'],
      expect.objectContaining({ limit: expect.objectContaining({ name: 'once' }) }),
    ])
    const wrong = [{ name: 'once', limit: 1, window_seconds: 0 }]
    const made = await world.as('mara', 'POST', '/admin/keys', {
      name: 'X',
      scopes: ['tags:read'],
      limits: wrong,
    })
    expect(told(made)).toEqual([422, 'input_invalid'])
  })

  it('are shown to admins only', async () => {
    expect((await world.as('mara', 'GET', '/admin/limits')).body).toMatchObject({
      keys: [
        { name: 'day', limit: 10_000, window_seconds: 86_400 },
        { name: 'minute', limit: 60, window_seconds: 60 },
      ],
      counting: { store: 'sqlite', mode: 'ok' },
    })
    expect(told(await world.as('milo', 'GET', '/admin/limits'))).toEqual([403, 'forbidden'])
  })
})

describe('usage', () => {
  type Report = { totals: object; permissions: { permission: string; allows: string }[] }

  /** What a workspace was used for: this once, by a token that is revoked before anybody looks. */
  async function useOnce(own: World): Promise<string> {
    const limits = [{ name: 'few', limit: 2, window_seconds: 3_600 }]
    const { id, secret } = await own.makeToken('mara', ['tags:write'], limits)
    await own.api(secret, 'POST', '/tags', { name: 'urgent' })
    await own.api(secret, 'GET', '/users')
    await own.api(secret, 'GET', '/tags')
    await own.as('mara', 'POST', `/admin/keys/${id}/revoke`, {})
    return id
  }

  it('is told in the words of the permission reference, of revoked tokens too, and outlives the host', async () => {
    const own = await createWorld()
    const id = await useOnce(own)
    await own.host.close()
    const host = await startHost({ dataDir: own.dataDir, port: 0 })
    const mara = new Client(host.url)
    await mara.send({ method: 'POST', path: '/demo/login', body: { user: 'mara' } })
    const report = (await mara.send({ method: 'GET', path: '/usage' })).body as Report
    const totals = { allow: 1, approval: 0, deny: 1, limited: 1 }
    expect(report.totals).toEqual(totals)
    expect(report.permissions.map(({ permission }) => permission).toSorted()).toEqual(
      catalog.permissions.map(({ permission }) => permission).toSorted(),
    )
    const unused = { allowed: 0, refused: 0, limited: 0 }
    expect(report.permissions.filter(({ permission }) => /^(tags|users):/.test(permission))).toEqual([
      { permission: 'users:read', allows: 'List workspace users', ...unused, refused: 1 },
      { permission: 'tags:read', allows: 'View and list tags', ...unused, limited: 1 },
      { permission: 'tags:write', allows: 'Create and manage tags', ...unused, allowed: 1 },
    ])
    const ofToken = await mara.send({ method: 'GET', path: `/admin/keys/${id}/usage` })
    expect(ofToken.body).toMatchObject({ totals })
    await host.close()
    rmSync(own.dataDir, { recursive: true })
  })

  it('is a table, too, of the days that are asked for', async () => {
    const cookie = await cookieOf('tove')
    const ask = (query: string) => fetch(`${world.host.url}/usage.md${query}`, { headers: { cookie } })
    const response = await ask('?from=2026-01-01&to=2026-01-31')
    expect(response.headers.get('content-type')).toMatch(/^text\/markdown/)
    expect(response.headers.get('cache-control')).toBe('no-store')
    const text = await response.text()
    expect(text).toMatch(/^# Usage from 2026-01-01 to 2026-01-31\n/)
    const rows = text.split('\n').filter((line) => line.startsWith('| '))
    expect(rows).toHaveLength(2 + catalog.permissions.length)
    expect(rows.slice(2).every((row) => /\| 0 +\| 0 +\| 0 +\|$/.test(row))).toBe(true)
    for (const query of ['?from=yesterday', '?from=', '?from=2026-01-01&from=2026-01-02', '?to=2000-01-01']) {
      expect([query, (await ask(query)).status]).toEqual([query, 422])
    }
  })

  it('is for admins, of their own workspace', async () => {
    const own = await createWorld()
    await useOnce(own)
    const { secret } = await own.makeToken(
      'mara',
      allScopes.filter((scope) => !/payment_checks/.test(scope)),
    )
    for (const path of ['/usage', '/usage.md']) {
      expect(told(await own.as('milo', 'GET', '/usage'))).toEqual([403, 'forbidden'])
      expect(told(await own.api(secret, 'GET', path))).toEqual([401, 'actor_missing'])
    }
    const theirs = (await own.as('tove', 'GET', '/usage')).body as Report
    expect(theirs.totals).toEqual({ allow: 0, approval: 0, deny: 0, limited: 0 })
    await own.close()
  })
})

describe('another workspace', () => {
  it('knows of no token', async () => {
    const { id, secret } = await world.makeToken('mara', ['tags:read'])
    expect(told(await world.as('tove', 'GET', `/admin/keys/${id}`))).toEqual([404, 'not_found'])
    expect(told(await world.as('tove', 'POST', `/admin/keys/${id}/revoke`, {}))).toEqual([404, 'not_found'])
    for (const path of ['/admin/keys?limit=100', '/admin/audit?limit=100']) {
      expect(JSON.stringify((await world.as('tove', 'GET', path)).body)).not.toContain(id)
    }
    expect((await world.api(secret, 'GET', '/tags')).status).toBe(200)
  })

  it('knows of no record: its id and its place in a list answer as unknown ones', async () => {
    for (const route of routes.filter(({ path }) => path.includes(':id'))) {
      const theirs = await world.api(foreign, route.method, await reach(route), bodyFor(route))
      const unknown = await world.api(
        foreign,
        route.method,
        route.path.replace(':id', 'rec_0'),
        bodyFor(route),
      )
      expect([title(route), ...told(theirs)]).toEqual([title(route), 404, 'not_found'])
      expect(theirs.body).toEqual(unknown.body)
    }
    const { id } = listOf(await world.api(full, 'GET', '/cases')).data[0]!
    const cursor = await world.api(foreign, 'GET', `/cases?starting_after=${id}`)
    expect(cursor.body).toEqual((await world.api(foreign, 'GET', '/cases?starting_after=rec_0')).body)
    expect(cursor.status).toBe(422)
    const lists = routes.filter(({ method, path }) => method === 'GET' && !path.includes(':id'))
    for (const { path } of lists.filter((route) => route.path !== '/paid_payments')) {
      const ours = listOf(await world.api(full, 'GET', `${path}?limit=100`)).data
      const shown = JSON.stringify((await world.api(foreign, 'GET', `${path}?limit=100`)).body)
      for (const record of ours) expect(shown).not.toContain(`"${record.id}"`)
    }
  })
})

describe('records', () => {
  it('are listed newest first, a page at a time, in both directions', async () => {
    const { secret } = await world.makeToken('tove', ['tags:write'])
    for (const { id } of listOf(await world.api(secret, 'GET', '/tags?limit=100')).data) {
      await world.api(secret, 'DELETE', `/tags/${id}`)
    }
    const made: string[] = []
    for (let i = 0; i < 25; i++)
      made.unshift(idOf(await world.api(secret, 'POST', '/tags', { name: `Tag ${i}` })))
    const page = async (query: string): Promise<[string[], boolean]> => {
      const { data, has_more } = listOf(await world.api(secret, 'GET', `/tags${query}`))
      return [data.map(({ id }) => id), has_more]
    }
    expect(await page('')).toEqual([made.slice(0, 10), true])
    expect(await page('?limit=100')).toEqual([made, false])
    expect(await page(`?starting_after=${made[9]}`)).toEqual([made.slice(10, 20), true])
    expect(await page(`?starting_after=${made[19]}`)).toEqual([made.slice(20), false])
    expect(await page(`?starting_after=${made[24]}`)).toEqual([[], false])
    expect(await page(`?ending_before=${made[20]}`)).toEqual([made.slice(10, 20), true])
    expect(await page(`?ending_before=${made[10]}`)).toEqual([made.slice(0, 10), false])
    expect(await page(`?limit=3&ending_before=${made[5]}`)).toEqual([made.slice(2, 5), true])

    const bad = ['limit=0', 'limit=101', 'limit=x', 'limit=', 'limit=1&limit=2', 'starting_after=rec_0']
    for (const query of [...bad, `starting_after=${made[0]}&ending_before=${made[1]}`]) {
      expect([query, ...told(await world.api(secret, 'GET', `/tags?${query}`))]).toEqual([
        query,
        422,
        'input_invalid',
      ])
    }
  })

  it('are recent when they were changed, not only when they were made', async () => {
    const path = '/company_account_checks'
    const ids: string[] = []
    for (const name of ['A', 'B', 'C']) ids.unshift(idOf(await world.api(full, 'POST', path, { name })))
    const changed = await world.api(full, 'PATCH', `${path}/${ids[2]}`, { verdict: 'match' })
    expect(changed.body).toMatchObject({ id: ids[2], name: 'A', verdict: 'match' })
    const of = async (query: string) =>
      listOf(await world.api(full, 'GET', path + query)).data.map(({ id }) => id)
    expect(await of('?limit=3')).toEqual(ids)
    expect(await of('/recents?limit=3')).toEqual([ids[2], ids[0], ids[1]])
    expect(await of(`/recents?limit=1&starting_after=${ids[0]}`)).toEqual([ids[1]])
  })

  it('stand below one another: comments, overrides and analyses', async () => {
    const id = idOf(await world.api(full, 'POST', '/cases', { vendor: 'Hartmann' }))
    const other = idOf(await world.api(full, 'POST', '/cases', {}))
    await world.api(full, 'POST', `/cases/${id}/overrides`, { reason: 'Called the vendor' })
    await world.api(full, 'POST', `/cases/${id}/comments`, { text: 'Seen' })
    expect(listOf(await world.api(full, 'GET', `/cases/${id}/overrides`)).data).toMatchObject([
      { reason: 'Called the vendor' },
    ])
    expect(listOf(await world.api(full, 'GET', `/cases/${other}/overrides`)).data).toEqual([])
    expect((await world.api(full, 'GET', `/cases/${id}`)).body).toMatchObject({ status: 'open' })
    await world.api(full, 'POST', `/cases/${id}/submit`)
    expect((await world.api(full, 'GET', `/cases/${id}`)).body).toMatchObject({
      status: 'submitted',
      vendor: 'Hartmann',
    })
    const document = idOf(await world.api(full, 'POST', '/documents', { name: 'Invoice' }))
    const asked = await world.api(full, 'POST', `/documents/${document}/analyses`)
    expect([asked.status, asked.body]).toEqual([201, expect.objectContaining({ status: 'requested' })])
  })

  it('are refused where a body makes no sense, behind the guard only', async () => {
    const send = async (body: string, type = 'application/json', token = full): Promise<number> => {
      const headers = { authorization: `Bearer ${token}`, 'content-type': type }
      return (await fetch(`${world.host.url}/tags`, { method: 'POST', headers, body })).status
    }
    const deep = `{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`
    for (const body of ['[]', '{', '"text"', 'null', deep, '{"id":"rec_1"}', '{"created_at":"2026"}']) {
      expect([body.slice(0, 20), await send(body)]).toEqual([body.slice(0, 20), 422])
    }
    expect(await send('a=1', 'text/plain')).toBe(415)
    expect(await send(`{"a":"${'x'.repeat(100_000)}"}`)).toBe(413)
    expect(await send('{', 'application/json', 'trustpair_live_junk')).toBe(401)
    const polluting = await world.api(full, 'POST', '/tags', JSON.parse('{"__proto__":{"polluted":1}}'))
    expect([polluting.status, ({} as { polluted?: unknown }).polluted]).toEqual([201, undefined])
  })

  it('outlive the host, and so do tokens and the subscription', async () => {
    const own = await createWorld()
    const { secret } = await own.makeToken('mara', ['tags:write'])
    await own.subscribe('mara', ['m1'])
    const made = await own.api(secret, 'POST', '/tags', { name: 'urgent' })
    await own.host.close()
    const again = await startHost({ dataDir: own.dataDir, port: 0 })
    const headers = { authorization: `Bearer ${secret}` }
    const answer = await fetch(`${again.url}/tags`, { headers })
    expect([answer.status, await answer.json()]).toEqual([200, { data: [made.body], has_more: false }])
    const audit = readFileSync(join(own.dataDir, 'audit.jsonl'), 'utf8').trim().split('\n')
    expect(audit.map((line) => (JSON.parse(line) as { action: string }).action)).toEqual(['key.created'])
    await again.close()
  })
})

describe('the demo login', () => {
  it('knows the demo users and nobody else, and ends with a logout', async () => {
    const login = (user: unknown) => world.as(undefined, 'POST', '/demo/login', { user })
    for (const user of ['eve', ['mara'], null])
      expect(told(await login(user))).toEqual([422, 'input_invalid'])
    expect((await world.as('timo', 'GET', '/admin/keys')).status).toBe(403)
    expect((await world.as('timo', 'POST', '/demo/logout')).status).toBe(204)
    expect((await world.as('timo', 'GET', '/admin/keys')).status).toBe(401)
  })

  it('takes no form of another site, which a browser would send unasked', async () => {
    for (const path of ['/demo/login', '/demo/subscription']) {
      const headers = { 'content-type': 'text/plain', cookie: 'trustpair_demo=x' }
      const body = '{"user":"mara","modules":[]}'
      const answer = await fetch(world.host.url + path, { method: 'POST', headers, body })
      expect([path, answer.status, answer.headers.getSetCookie()]).toEqual([
        path,
        path === '/demo/login' ? 415 : 401,
        [],
      ])
    }
  })

  it('is for this machine only, under its own name', async () => {
    expect(['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1'].filter(isLoopback)).toHaveLength(4)
    const others = ['10.0.0.1', '128.0.0.1', '::ffff:10.0.0.1', '::2', '127.0.0.1.example', '', undefined]
    expect(others.filter(isLoopback)).toEqual([])
    expect(['localhost', 'localhost:3001', '127.0.0.1:1', '[::1]:1'].filter(isLocalHost)).toHaveLength(4)
    expect(['evil.example', 'localhost.evil.example', 'localhost:1@x'].filter(isLocalHost)).toEqual([])
    for (const path of ['/demo/users', '/admin/keys', '/permissions']) {
      expect([path, await statusUnder('evil.example', path)]).toEqual([path, 403])
    }
    expect(await statusUnder('localhost', '/permissions')).toBe(200)
  })

  function statusUnder(host: string, path: string): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      const sent = sendRaw(world.host.url + path, { headers: { host } }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
      sent.on('error', reject).end()
    })
  }
})
