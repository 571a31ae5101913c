import { catalog } from './sample.js'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { Actor } from '../../src/core/actor.js'
import type { EventRecord } from '../../src/core/audit.js'
import type { Store } from '../../src/ports/store.js'
import { createAudit } from '../../src/service/audit.js'
import type { AuditQuery } from '../../src/service/audit.js'
import { formatCursor, parseCursor } from '../../src/service/cursor.js'
import type { KeySettings } from '../../src/service/key-settings.js'
import type { Rights } from '../../src/service/rights.js'
import { createKeyFormat } from '../../src/crypto/key-format.js'
import { memoryStore } from '../../src/stores/memory.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import { admin, commitEvents, countingEntropy, start } from './audit-samples.js'

const clock = manualClock(start)
const entropy = countingEntropy()
const stranger: Actor = { type: 'user', id: '42', workspaceId: 'other', role: 'admin' }
const notify = vi.fn()
let store: Store

const auditOf = (changes: Partial<Store> = {}) => {
  const canManage = (actor: Actor): boolean => actor.type === 'user' && actor.role === 'admin'
  return createAudit({
    catalog,
    clock,
    store: { ...store, ...changes },
    keySettings: { canManage } as Partial<KeySettings> as KeySettings,
    notify,
    rights: { hasDirectory: false } as Rights,
    keyFormat: createKeyFormat({ prefix: 'tp', environments: ['live'] }),
  })
}

const events = (count: number, made: Parameters<typeof commitEvents>[2]['made'] = {}, at = start) =>
  commitEvents(store, count, { sinkNames: [], at, entropy, made })

const list = async (query?: AuditQuery, actor: Actor = admin) => {
  const { events, next } = await auditOf().list(actor, query)
  return { ids: events.map((event) => event.id), next }
}

beforeEach(() => {
  store = memoryStore({ clock })
})

describe('the audit query', () => {
  test('pages through every event once, newest first', async () => {
    const ids = await events(7)
    const pages: string[][] = []
    let cursor: string | null | undefined
    while (cursor !== null) {
      const page = await list({ limit: 3, ...(cursor && { cursor }) })
      pages.push(page.ids)
      cursor = page.next
    }
    expect(pages.map((page) => page.length)).toEqual([3, 3, 1])
    expect(pages.flat()).toEqual(ids.toReversed())
  })

  test('ends without a cursor when the last page is full', async () => {
    await events(3)
    expect((await list({ limit: 3 })).next).toBeNull()
  })

  test('gives fifty a page if it is not told', async () => {
    await events(51)
    const page = await list()
    expect(page.ids).toHaveLength(50)
    expect(page.next).toMatch(/^[A-Za-z0-9_-]+$/)
    expect((await list({ limit: 200 })).ids).toHaveLength(51)
  })

  test('narrows by actor, action, target and time', async () => {
    const [plain] = await events(1)
    const [byJob] = await events(
      1,
      { actor: { type: 'system', name: 'nightly', workspaceId: 'acme' } },
      start + 10,
    )
    const [revoked] = await events(1, { action: 'key.revoked' }, start + 20)
    const [other] = await events(1, { target: { id: 'key_2', name: 'B' } }, start + 30)
    expect((await list({ actor: 'system:nightly' })).ids).toEqual([byJob])
    expect((await list({ actor: 'system:Nightly' })).ids).toEqual([])
    expect((await list({ action: 'key.revoked' })).ids).toEqual([revoked])
    expect((await list({ targetId: 'key_2' })).ids).toEqual([other])
    expect((await list({ from: start + 10, to: start + 20 })).ids).toEqual([byJob])
    expect((await list({ from: start + 20 })).ids).toEqual([other, revoked])
    expect((await list({ to: start + 1 })).ids).toEqual([plain])
    expect((await list({ from: start, to: start })).ids).toEqual([])
    expect((await list({ actor: 'user:42', action: 'key.created', targetId: 'key_1' })).ids).toEqual([plain])
  })

  test('shows the whole event', async () => {
    const [id] = await events(1, {
      reason: 'leaked',
      origin: { requestId: 'r-7', address: '192.0.2.7', userAgent: 'curl/8' },
    })
    const page = await auditOf().list(admin)
    expect(page.events).toEqual([
      {
        id,
        at: start,
        workspaceId: 'acme',
        actor: 'user:42',
        action: 'key.created',
        target: { type: 'key', id: 'key_1', name: 'CI' },
        reason: 'leaked',
        requestId: 'r-7',
        address: '192.0.2.7',
        userAgent: 'curl/8',
        before: null,
        after: expect.objectContaining({ name: 'CI', scopes: ['contacts:read'] }),
        graceEndsAt: null,
      },
    ])
  })
})

describe('no workspace sees another', () => {
  test('nothing of it is listed, whatever is asked for', async () => {
    await events(3)
    for (const query of [{}, { targetId: 'key_1' }, { actor: 'user:42' }]) {
      expect(await list(query, stranger)).toEqual({ ids: [], next: null })
    }
  })

  test("another workspace's cursor is a place in time and shows nothing of it", async () => {
    await events(3)
    const [own] = await events(1, { actor: stranger }, start - 1_000)
    const { next } = await list({ limit: 1 })
    expect(await list({ cursor: next! }, stranger)).toEqual({ ids: [own], next: null })
  })

  test('an answer with a foreign event is refused whole', async () => {
    await events(1)
    const audit = auditOf({ listEvents: (request) => store.listEvents({ ...request, workspaceId: 'acme' }) })
    await expect(audit.list(stranger)).rejects.toMatchObject({ code: 'store_unavailable' })
  })

  test('a malformed event is left out, and told of once', async () => {
    await events(1)
    const listEvents: Store['listEvents'] = async (request) => {
      const [record] = await store.listEvents(request)
      return [{ ...(record as EventRecord), details: '{}' }]
    }
    for (let i = 0; i < 2; i++) {
      expect(await auditOf({ listEvents }).list(admin)).toEqual({ events: [], next: null })
    }
    expect(notify).toHaveBeenCalledTimes(1)
  })
})

describe('who may ask', () => {
  test.each<[string, Actor, string]>([
    ['a member', { ...admin, role: 'member' } as Actor, 'forbidden'],
    ['nobody', undefined as unknown as Actor, 'actor_missing'],
    ['no workspace', { ...admin, workspaceId: '' } as Actor, 'input_invalid'],
  ])('%s is refused', async (_, actor, code) => {
    await expect(auditOf().list(actor)).rejects.toMatchObject({ code })
  })

  test('a refused actor learns nothing about its query', async () => {
    const query = { limit: -1 }
    const asked = auditOf().list({ ...admin, role: 'member' } as Actor, query)
    await expect(asked).rejects.toMatchObject({ code: 'forbidden' })
  })
})

describe('a query with faults', () => {
  const position = [start, `evt_${'0'.repeat(26)}`]
  const cases: [string, Record<string, unknown>][] = [
    ['from', { from: 1_767_225_600 }],
    ['from', { from: NaN }],
    ['from', { from: Infinity }],
    ['from', { from: String(start) }],
    ['from', { from: null }],
    ['to', { to: start + 0.5 }],
    ['to', { from: start, to: start - 1 }],
    ['action', { action: 'key.sold' }],
    ['action', { action: 'toString' }],
    ['action', { action: ['key.created'] }],
    ['actor', { actor: '' }],
    ['actor', { actor: 42 }],
    ['actor', { actor: 'x'.repeat(301) }],
    ['targetId', { targetId: { $ne: null } }],
    ['limit', { limit: 0 }],
    ['limit', { limit: 201 }],
    ['limit', { limit: '50' }],
    ['limit', { limit: 1.5 }],
    ['workspaceId', { workspaceId: 'other' }],
    ['__proto__', JSON.parse('{"__proto__":{}}') as Record<string, unknown>],
    ['cursor', { cursor: '' }],
    ['cursor', { cursor: 7 }],
    ['cursor', { cursor: '!!!' }],
    ['cursor', { cursor: 'e30' }],
    ['cursor', { cursor: 'A'.repeat(201) }],
    ['cursor', { cursor: `${formatCursor(position)}A` }],
    ['cursor', { cursor: formatCursor([position[0]!]) }],
    ['cursor', { cursor: formatCursor([1_767_225_600, position[1]!]) }],
    ['cursor', { cursor: formatCursor([start, 'key_1']) }],
    ['cursor', { cursor: formatCursor([...position, 'acme']) }],
  ]
  test.each(cases)('names %s (%#)', async (path, query) => {
    const asked = auditOf().list(admin, query as AuditQuery)
    await expect(asked).rejects.toMatchObject({ code: 'input_invalid', faults: [{ path }] })
  })

  test('names all of them at once', async () => {
    const query = { from: 1, action: 'x', limit: 0, cursor: 'x', more: 1 } as unknown as AuditQuery
    const error = await auditOf()
      .list(admin, query)
      .catch((thrown: unknown) => thrown)
    const { faults } = error as { faults: { path: string }[] }
    expect(faults.map((fault) => fault.path)).toEqual(['from', 'action', 'limit', 'cursor', 'more'])
  })

  test.each([null, 'x', [], 7])('that is %j is refused', async (query) => {
    const asked = auditOf().list(admin, query as unknown as AuditQuery)
    await expect(asked).rejects.toMatchObject({ code: 'input_invalid' })
  })

  test('may leave parts undefined', async () => {
    const query = { from: undefined, cursor: undefined } as unknown as AuditQuery
    expect(await auditOf().list(admin, query)).toEqual({ events: [], next: null })
  })
})

describe('a cursor', () => {
  test('is read back as it was written', () => {
    expect(parseCursor(formatCursor([start, 'evt_é']))).toEqual([start, 'evt_é'])
  })

  test('has one text only: another spelling of the same position is refused', () => {
    const spaced = Buffer.from('[1, 2]').toString('base64url')
    expect(parseCursor(spaced)).toBeUndefined()
    expect(parseCursor(Buffer.from('{}').toString('base64url'))).toBeUndefined()
    expect(parseCursor(Buffer.from([0xff, 0xfe]).toString('base64url'))).toBeUndefined()
  })
})
