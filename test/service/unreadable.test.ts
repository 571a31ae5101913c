import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import type { UserActor } from '../../src/core/actor.js'
import { defineCatalog } from '../../src/core/catalog.js'
import { ladders } from '../../src/core/ladder.js'
import { readWebhook } from '../../src/core/webhook.js'
import { readChain } from '../../src/service/approvals/view.js'
import { createKeyrung } from '../../src/service/create-keyrung.js'
import type { Notice } from '../../src/service/notice.js'
import { formatKeySet, readKeySet } from '../../src/service/signing/key-set.js'
import { memoryLimits } from '../../src/stores/memory-limits.js'
import { sqliteStore } from '../../src/stores/sqlite.js'

const catalog = defineCatalog({ resources: { contacts: { ladder: ladders.crud } } })
const admin: UserActor = { type: 'user', id: 'ann', workspaceId: 'ws', role: 'admin' }

async function makeWorld() {
  const database = new Database(':memory:')
  const notices: Notice[] = []
  const keyrung = createKeyrung({
    ...{ catalog, store: sqliteStore({ database }), pepper: 'none', keys: { prefix: 'tp' } },
    limits: { store: memoryLimits() },
    notify: (notice) => void notices.push(notice),
  })
  await keyrung.ready({ migrate: true })
  const made: { id: string; secret: string }[] = []
  for (const name of ['first', 'second', 'third']) {
    const { key, secret } = await keyrung.keys.create(admin, {
      name,
      mode: 'custom',
      scopes: ['contacts:read'],
    })
    made.push({ id: key.id, secret: secret! })
  }
  const [first, second, third] = made as [(typeof made)[0], (typeof made)[0], (typeof made)[0]]
  const spoil = (column: string, value: string) =>
    database.prepare(`update keyrung_keys set ${column} = ? where id = ?`).run(value, second.id)
  const told = () => notices.filter(({ code }) => code === 'record_unreadable').map(({ message }) => message)
  const isLetIn = async (secret: string) => {
    const request = { authorization: [`Bearer ${secret}`] }
    return (await keyrung.admit(request, keyrung.demand('contacts:read'))).ok
  }
  return { database, keyrung, first, second, third, spoil, told, isLetIn }
}

/** Column, what is stored there, whether the key is still listed, and whether it still works. */
const spoilt: readonly [column: string, value: string, isListed: boolean, works: boolean][] = [
  ['mode', 'power', false, false],
  ['status', 'dormant', false, false],
  ['metadata', 'not JSON', true, false],
  ['metadata', '[1]', true, false],
  ['limits', '[{"name":"x","algorithm":"of a newer version"}]', true, false],
  ['limits', 'not JSON', true, false],
  ['webhook', '{"url":7}', true, true],
  ['scopes', 'contacts:read galaxies:read', true, true],
  ['scopes', 'galaxies:read', true, false],
  ['scopes', '?!', true, false],
]

test.each(spoilt)('a key with %s %j does not spoil the page', async (column, value, isListed, works) => {
  const { keyrung, first, second, third, spoil, told, isLetIn } = await makeWorld()
  spoil(column, value)
  // Newest first; those of one millisecond in the order of their ids.
  const expected = [third.id, ...(isListed ? [second.id] : []), first.id].sort().reverse()
  for (const limit of [1, 2, 3, 50]) {
    const seen: string[] = []
    for (let cursor: string | undefined; ;) {
      const page = await keyrung.keys.list(admin, { limit, ...(cursor !== undefined && { cursor }) })
      seen.push(...page.keys.map(({ id }) => id))
      if (page.next === null) break
      cursor = page.next
    }
    expect(seen).toEqual(expected)
  }
  expect(told()).toHaveLength(column === 'scopes' ? 0 : 1)
  for (const { secret } of [first, third]) expect(await isLetIn(secret)).toBe(true)
  expect(await isLetIn(second.secret).catch(() => false)).toBe(works)
  if (isListed) expect((await keyrung.keys.revoke(admin, second.id)).status).toBe('revoked')
  await keyrung.close()
})

test('pages go on behind several keys in a row that are not understood', async () => {
  const { database, keyrung, first } = await makeWorld()
  database.prepare('update keyrung_keys set mode = ? where id <> ?').run('power', first.id)
  const page = await keyrung.keys.list(admin, { limit: 1 })
  expect(page.keys).toEqual([])
  const next = await keyrung.keys.list(admin, { limit: 1, cursor: page.next! })
  expect([next.keys.map(({ id }) => id), next.next]).toEqual([[first.id], null])
  await keyrung.close()
})

test.each([
  ['action', 'key.teleported'],
  ['details', 'not JSON'],
  ['details', '{}'],
])('an event with %s %j does not spoil the trail', async (column, value) => {
  const { database, keyrung, first, second, third, told } = await makeWorld()
  database.prepare(`update keyrung_events set ${column} = ? where target_id = ?`).run(value, second.id)
  const seen: string[] = []
  for (let cursor: string | undefined; ;) {
    const page = await keyrung.audit.list(admin, { limit: 1, ...(cursor !== undefined && { cursor }) })
    seen.push(...page.events.map(({ target }) => target.id))
    if (page.next === null) break
    cursor = page.next
  }
  expect(seen.sort()).toEqual([third.id, first.id].sort())
  expect(told()).toEqual([expect.stringContaining('event evt_')])
  await keyrung.close()
})

test('a webhook that is told more by a newer version is told what is known here', () => {
  const setting = {
    hostSecretId: 'h',
    generation: 1,
    url: 'https://a.example',
    former: null,
    disabledAt: null,
  }
  const events = ['approval.rejected', 'approval.pondered']
  expect(readWebhook(JSON.stringify({ ...setting, events }))).toMatchObject({ events })
  expect(readWebhook(JSON.stringify({ ...setting, events: [7] }))).toBeUndefined()
})

test('a set of signing keys with one that is not understood keeps the others, and is not written over', () => {
  const key = { jwk: { kid: 'a' }, publishedAt: 2e12, activeAt: 2e12, retiresAt: null }
  expect(readKeySet(formatKeySet([key]))).toEqual({ set: [key], isWhole: true })
  const other = { ...key, activeAt: 'noon' } as never
  expect(readKeySet(formatKeySet([key, other]))).toEqual({ set: [key], isWhole: false })
  expect(readKeySet(formatKeySet([other]))).toBeUndefined()
})

test.each(['', 'not JSON', '{}', '[7]'])('a chain of %j is none', (chain) => {
  expect(readChain({ chain })).toBeUndefined()
})
