import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readApiFile } from '../../examples/trustpager/api-file.js'
import { catalog } from '../../examples/trustpager/catalog.js'
import { planRoutes, type PlannedRoute } from '../../examples/trustpager/route-plan.js'
import { createWorld, type World } from './trustpager-world.js'

const routes = planRoutes(readApiFile().routes)
/** The order of methods in which records are there when they are needed. */
const inOrder = routes.toSorted((a, b) => Number(a.method === 'DELETE') - Number(b.method === 'DELETE'))

let world: World
let full: string
beforeAll(async () => {
  world = await createWorld()
  full = (await world.makeKey('ada', { mode: 'full' })).secret
})
afterAll(() => world.close())

const title = ({ method, path }: PlannedRoute): string => `${method} ${path}`
const codeOf = (answer: { body: unknown }): unknown => (answer.body as { code?: unknown } | undefined)?.code
const shapeOf = (path: string): string => path.replace(/:\w+/g, ':')

/** A path with ids of records that were made for it; samples where nothing can be made. */
async function reach(route: PlannedRoute): Promise<string> {
  let pattern = ''
  let path = ''
  for (const segment of route.path.slice(1).split('/')) {
    if (segment.startsWith(':')) {
      const isNew = route.operation === 'link' && shapeOf(route.path) === `${shapeOf(pattern)}/:`
      path += `/${isNew ? 'link_1' : await makeRecord(pattern, path)}`
    } else path += `/${segment}`
    pattern += `/${segment}`
  }
  return path
}

async function makeRecord(pattern: string, path: string): Promise<string> {
  const creates = ({ operation, path }: PlannedRoute) =>
    operation === 'create' && shapeOf(path) === shapeOf(pattern)
  const links = ({ operation, path }: PlannedRoute) =>
    operation === 'link' && shapeOf(path) === `${shapeOf(pattern)}/:`
  const create = routes.find(creates)
  if (create) {
    const { status, body } = await world.api(full, create.method, path, { name: 'Made for a test' })
    if (status !== 201) throw new Error(`${title(create)} answered ${status}`)
    return (body as { id: string }).id
  }
  if (!routes.some(links)) return 'sample'
  await world.api(full, 'POST', `${path}/link_2`, {})
  return 'link_2'
}

function bodyFor({ method, path, operation }: PlannedRoute): unknown {
  if (method === 'GET' || method === 'DELETE') return undefined
  if (operation === 'decide-approval')
    return path.endsWith('/reject') ? { reason: 'No' } : { digest: '0'.repeat(64) }
  return operation === 'delete-many' ? { ids: [] } : { name: 'Changed' }
}

/** The routes by the permissions they demand. */
const bySet = new Map<string, PlannedRoute[]>()
for (const route of routes.filter(({ permissions }) => permissions.length > 0)) {
  const set = route.permissions.join()
  bySet.set(set, [...(bySet.get(set) ?? []), route])
}

/** A test that walks all routes makes a few thousand requests. */
const timeout = 180_000

describe('every mounted route', () => {
  it('refuses a call without a key', { timeout }, async () => {
    expect(routes.length).toBe(454)
    for (const route of routes) {
      const answer = await world.api(undefined, route.method, shapeOf(route.path).replaceAll(':', 'x'))
      expect([title(route), answer.status, codeOf(answer)]).toEqual([title(route), 401, 'credential_missing'])
    }
  })

  it(
    'is hidden from a key with nothing on its resources; deciding is for keys with full access',
    { timeout },
    async () => {
      const held = { knowledge: 'knowledge:delete', contacts: 'contacts:delete' } as const
      const [one, other] = [
        await world.makeKey('ada', { scopes: [held.knowledge] }),
        await world.makeKey('ada', { scopes: [held.contacts] }),
      ]
      for (const route of routes) {
        const key = route.permissions.some((name) => name.startsWith('knowledge:')) ? other : one
        const path = shapeOf(route.path).replaceAll(':', 'sample')
        const answer = await world.api(key.secret, route.method, path, bodyFor(route))
        const isForDeciders = ['list-approvals', 'decide-approval'].includes(route.operation)
        const isHidden = route.permissions.length > 0 || route.operation === 'read-approval'
        const expected = isHidden ? 404 : isForDeciders ? 403 : 200
        expect([title(route), answer.status]).toEqual([title(route), expected])
      }
    },
  )

  it('runs for no key that is short of any of its permissions, by one rung or all', { timeout }, async () => {
    const { id, secret } = await world.makeKey('ada', { scopes: ['knowledge:read'] })
    expect(bySet.size).toBe(91)
    const counts = { 202: 0, 403: 0, 404: 0 }
    for (const [set, [route]] of bySet) {
      for (const short of set.split(',')) {
        const others = set.split(',').filter((name) => name !== short)
        const { rungs, allowAt } = catalog.find(short)!
        const unrelated = set.includes('knowledge:') ? 'contacts:read' : 'knowledge:read'
        for (const rung of [undefined, ...rungs.slice(0, allowAt - 1)]) {
          const below = rung === undefined ? [] : [`${short.split(':')[0]}:${rung}`]
          await world.setScopes('ada', id, [...others, ...below, unrelated])
          const path = shapeOf(route!.path).replaceAll(':', 'sample')
          const answer = await world.api(secret, route!.method, path, bodyFor(route!))
          // From the rung that proposes, whatever is demanded on it waits for a human.
          const isProposal = rung?.endsWith('-approval') === true && rung === rungs[allowAt - 2]
          expect([title(route!), short, rung, answer.status]).toEqual([
            title(route!),
            short,
            rung,
            isProposal ? 202 : expect.toBeOneOf([403, 404]),
          ])
          counts[answer.status as 202 | 403 | 404]++
          if (!isProposal) expect(['insufficient', 'not_found']).toContain(codeOf(answer))
        }
      }
    }
    for (const count of Object.values(counts)) expect(count).toBeGreaterThan(30)
    const { body } = await world.api(full, 'GET', '/approvals?status=succeeded')
    expect(body).toMatchObject({ approvals: [] })
  })

  it('works with exactly the scopes it demands, tried on one route of each set', { timeout }, async () => {
    const { id, secret } = await world.makeKey('ada', { scopes: ['knowledge:read'] })
    for (const [route] of bySet.values()) {
      await world.setScopes('ada', id, route!.permissions)
      const answer = await world.api(secret, route!.method, await reach(route!), bodyFor(route!))
      expect([title(route!), answer.status]).toEqual([title(route!), expect.toBeOneOf([200, 201, 204])])
    }
  })

  it('works with full access', { timeout }, async () => {
    for (const route of inOrder) {
      const path = await reach(route)
      const answer = await world.api(full, route.method, path, bodyFor(route))
      const expected = { delete: 204, create: 201, link: 201, 'decide-approval': 404, 'read-approval': 404 }
      expect([title(route), path, answer.status]).toEqual([
        title(route),
        path,
        (expected as Record<string, number>)[route.operation] ?? 200,
      ])
    }
  })
})

describe('records behind the guards', () => {
  it('of another workspace answer as ids that nobody knows', async () => {
    const { secret: foreign } = await world.makeKey('cleo', { mode: 'full' })
    const { body } = await world.api(full, 'POST', '/contacts', { name: 'Ours' })
    const { id } = body as { id: string }
    await world.api(full, 'POST', `/contacts/${id}/employers/acme_1`, {})
    const calls = [
      ['GET', ''],
      ['PATCH', '', { name: 'Theirs' }],
      ['DELETE', ''],
      ['GET', '/deals'],
      ['POST', '/employers/x', {}],
      ['DELETE', '/employers/acme_1'],
    ] as const
    for (const [method, rest, sent] of calls) {
      const answer = await world.api(foreign, method, `/contacts/${id}${rest}`, sent)
      const unknown = await world.api(foreign, method, `/contacts/rec_none${rest}`, sent)
      expect([method, rest, answer.status, answer.body]).toEqual([method, rest, 404, unknown.body])
    }
    expect((await world.api(full, 'GET', `/contacts/${id}`)).body).toEqual(body)
    const found = await world.api(foreign, 'POST', '/contacts/search', { text: 'Ours' })
    expect(found.body).toEqual({ data: [], next_cursor: null })
    expect((await world.api(foreign, 'POST', '/contacts/bulk-delete', { ids: [id] })).body).toEqual({
      deleted: 0,
    })
  })

  it('are hidden by an answer that no header tells from an unknown id', async () => {
    const { secret } = await world.makeKey('ada', { scopes: ['contacts:read'] })
    const get = async (path: string) => {
      const response = await fetch(world.host.url + path, { headers: { authorization: `Bearer ${secret}` } })
      // What is left of a limit goes down with each request, whatever it asks for.
      const headers = [...response.headers].map(([name, value]) =>
        name === 'date' ? name : `${name}: ${name === 'ratelimit' ? value.replaceAll(/=\d+/g, '=…') : value}`,
      )
      return { status: response.status, headers, body: await response.text() }
    }
    const hidden = await get('/products/rec_1')
    expect(hidden).toEqual(await get('/contacts/rec_1'))
    expect(hidden.headers.join()).toContain('ratelimit:')
    // A route that is not there asks for no key, and so counts nothing.
    const headers = hidden.headers.filter((line) => !line.startsWith('ratelimit'))
    expect(await get('/no/such/route')).toEqual({ ...hidden, headers })
  })

  it('are really searched, changed, paged and deleted', async () => {
    const names = ['Ada Lovelace', 'Grace Hopper', 'Adele Goldberg']
    const ids: string[] = []
    for (const name of names) {
      const { body } = await world.api(full, 'POST', '/customers', { name, kind: 'search-me' })
      ids.push((body as { id: string }).id)
    }
    const search = async (path: string, body: object) =>
      ((await world.api(full, 'POST', path, body)).body as { data: { name: string; id: string }[] }).data
    const where = { kind: 'search-me' }
    expect(
      (await search('/customers/search', { text: 'ad', where })).map(({ name }) => name).toSorted(),
    ).toEqual(['Ada Lovelace', 'Adele Goldberg'])
    // Over everything that the route's three scopes name.
    await world.api(full, 'POST', '/deals', { title: 'Ada buys', kind: 'search-me' })
    expect(await search('/search', { text: 'ada', where })).toHaveLength(2)

    const changed = await world.api(full, 'PATCH', `/customers/${ids[0]}`, { name: 'Countess' })
    expect(changed.body).toMatchObject({ name: 'Countess', kind: 'search-me' })
    expect(await search('/customers/search', { text: 'lovelace', where })).toEqual([])

    const seen: string[] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const query: string = cursor === '' ? '' : `&cursor=${cursor}`
      const page = await world.api(full, 'GET', `/customers?limit=2${query}`)
      const { data, next_cursor } = page.body as { data: { id: string }[]; next_cursor: string | null }
      seen.push(...data.map(({ id }) => id))
      cursor = next_cursor
    }
    expect(new Set(seen).size).toBe(seen.length)
    expect(ids.every((id) => seen.includes(id))).toBe(true)

    expect((await world.api(full, 'DELETE', `/customers/${ids[0]}`)).status).toBe(204)
    expect((await world.api(full, 'GET', `/customers/${ids[0]}`)).status).toBe(404)
    const many = await world.api(full, 'POST', '/customers/bulk-delete', { ids })
    expect(many.body).toEqual({ deleted: 2 })
  })

  it('stand below one another: a deal has products, and takes them with it', async () => {
    const deal = ((await world.api(full, 'POST', '/deals', {})).body as { id: string }).id
    const product = await world.api(full, 'POST', `/deals/${deal}/products`, { sku: 'A1' })
    const { id } = product.body as { id: string }
    expect((await world.api(full, 'PATCH', `/deals/${deal}/products/${id}`, { sku: 'A2' })).status).toBe(200)
    expect((await world.api(full, 'GET', `/deals/${deal}/products`)).body).toMatchObject({
      data: [{ sku: 'A2' }],
    })
    const moved = await world.api(full, 'POST', `/deals/${deal}/move`, { stage: 'won' })
    expect(moved.body).toMatchObject({ action: 'move', record: { last_action: { input: { stage: 'won' } } } })
    await world.api(full, 'DELETE', `/deals/${deal}`)
    expect((await world.api(full, 'GET', `/deals/${deal}/products`)).status).toBe(404)
  })

  it('are filtered by the query that the file names, and documents are kept in place', async () => {
    await world.api(full, 'POST', '/files/folders?type=image', { name: 'Photos' })
    const list = async (type: string) =>
      ((await world.api(full, 'GET', `/files/folders?type=${type}`)).body as { data: unknown[] }).data
    expect([await list('image'), await list('secure')]).toEqual([
      [expect.objectContaining({ name: 'Photos', type: 'image' })],
      [],
    ])
    await world.api(full, 'PATCH', '/company/crm-settings', { currency: 'CHF' })
    await world.api(full, 'PATCH', '/company/crm-settings', { week: 'monday' })
    const settings = await world.api(full, 'GET', '/company/crm-settings')
    expect(settings.body).toMatchObject({ currency: 'CHF', week: 'monday' })
  })

  it('refuse bodies and queries that make no sense, behind the guard', async () => {
    const send = async (body: string, type = 'application/json', key = full): Promise<number> => {
      const headers = { authorization: `Bearer ${key}`, 'content-type': type }
      return (await fetch(`${world.host.url}/contacts`, { method: 'POST', headers, body })).status
    }
    const deep = `{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`
    expect([await send('[]'), await send('{'), await send(deep), await send('"text"')]).toEqual([
      422, 422, 422, 422,
    ])
    expect([await send('a=1', 'text/plain'), await send(`{"a":"${'x'.repeat(200_000)}"}`)]).toEqual([
      415, 413,
    ])
    expect(await send('{', 'application/json', 'tp_live_nonsense')).toBe(401)
    const statuses: number[] = []
    for (const query of ['limit=0', 'limit=101', 'limit=x', 'cursor=a&cursor=b']) {
      statuses.push((await world.api(full, 'GET', `/contacts?${query}`)).status)
    }
    statuses.push((await world.api(full, 'POST', '/contacts/search', { where: { a: {} } })).status)
    statuses.push((await world.api(full, 'POST', '/contacts/bulk-delete', { ids: 'all' })).status)
    statuses.push((await world.api(full, 'GET', '/contacts/%zz')).status)
    expect(statuses).toEqual([422, 422, 422, 422, 422, 422, 422])
  })

  it("never are approvals: those are keyrung's, and an id that is made up is unknown", async () => {
    expect((await world.api(full, 'GET', '/approvals/sample')).status).toBe(404)
    for (const [verdict, body] of [
      ['approve', { digest: '0'.repeat(64) }],
      ['reject', { reason: 'No' }],
    ] as const) {
      const answer = await world.api(full, 'POST', `/approvals/sample/${verdict}`, body)
      expect([answer.status, codeOf(answer)]).toEqual([404, 'not_found'])
    }
  })
})
