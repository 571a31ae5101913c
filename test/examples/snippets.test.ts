import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { describeOn } from '../servers/on-server.js'
import type { DatabaseAddress } from '../servers/test-server.js'

const folder = fileURLToPath(new URL('../../examples/snippets/', import.meta.url))
/** What snippets share; nothing comes of it by itself. */
const shared = ['server.ts', 'file-store.ts', 'file-store-approvals.ts', 'file-store-records.ts']

const home = process.cwd()
let workplace: string
beforeAll(() => {
  workplace = mkdtempSync(join(tmpdir(), 'keyrung-snippets-'))
  process.chdir(workplace)
  vi.stubEnv('PORT', '0')
  vi.stubEnv('KEYRUNG_SECRET', 'a secret for a snippet, long enough')
  for (const method of ['log', 'error'] as const)
    vi.spyOn(console, method).mockImplementation(() => undefined)
})
afterAll(() => {
  process.chdir(home)
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  rmSync(workplace, { recursive: true, force: true })
})

const refused = (status: number, code: string) => ({ status, body: { status, code } })

/** What each snippet comes to when it is run as it stands in the documents. */
const outcomes: Readonly<Record<string, object>> = {
  'readme.ts': {
    read: { status: 200, body: { workspace: 'ws_1', contacts: [] } },
    write: {
      status: 403,
      body: {
        code: 'insufficient',
        missing: { permissions: ['contacts:write'], scopes: ['contacts:write'] },
      },
    },
    nobody: refused(401, 'credential_missing'),
  },
  'express.ts': {
    read: { status: 200, body: { data: [{ id: '1', name: 'Grace' }] } },
    write: { status: 201, body: { createdBy: 'Quick start' } },
    merge: refused(403, 'insufficient'),
    wipe: refused(403, 'insufficient'),
    ping: 200,
    unknown: refused(404, 'not_found'),
    revoked: refused(401, 'key_revoked'),
  },
  'koa.ts': {
    read: { status: 200, body: { workspace: 'ws_1', data: [] } },
    nobody: 401,
    elsewhere: 404,
  },
  'gate.ts': {
    known: { status: 200, body: { key: 'Edge' } },
    nobody: refused(401, 'credential_missing'),
    two: refused(401, 'credential_repeated'),
  },
  'catalog.ts': {
    needed: 'forms:send',
    held: ['forms:write-approval', 'forms:send'],
    faults: [{ path: 'resources.contacts.ladder.rungs[2]' }, { path: 'resources.email.group' }],
    lines: [
      'contacts:read: Read (List and fetch contacts)',
      'contacts:write-approval: Write, with approval',
      'contacts:write: Write (Create and change contacts)',
    ],
    diff: { allowed: [], queued: ['contacts:write'], denied: ['email:send'] },
  },
  'decide.ts': {
    decision: { effect: 'approval', queued: ['contacts:write'] },
    explanation: { decision: { code: 'insufficient' }, decidedBy: 'key', enough: ['contacts:delete'] },
    access: { ok: true, allowed: ['contacts:read', 'email:read', 'email:send'], queued: ['contacts:write'] },
    afterwards: { effect: 'deny', code: 'not_entitled' },
  },
  'keys.ts': {
    found: 1,
    next: null,
    scopes: ['contacts:write', 'email:send-approval'],
    version: 2,
    seen: ['ok', 'ok', 'ok', 'key_revoked', 'ok', 'credential_invalid'],
    renamed: 'gone',
  },
  'sessions.ts': { expressSession: [401, 200], passport: [401, 200], koaSession: [401, 200] },
  'admin.ts': {
    created: {
      status: 201,
      body: { key: { name: 'CI', version: 1 }, secret: expect.stringMatching(/^acme_live_/) },
    },
    repeated: { status: 200, body: { key: { name: 'CI' }, secret: null } },
    unread: refused(428, 'version_required'),
    edited: { status: 200, body: { key: { name: 'CI 2', version: 2 } } },
    member: refused(403, 'forbidden'),
    nobody: 401,
    crossSite: refused(403, 'cross_site'),
    me: { status: 200, body: { mode: 'custom', scopes: ['contacts:read'] } },
    inKoa: 200,
  },
  'approvals.ts': {
    queued: 202,
    followed: 'succeeded',
    ended: { status: 'rejected', answered: null, reason: 'not this one' },
    refused: 'refused',
    called: 'queued',
  },
  'tokens.ts': {
    scopes: ['contacts:read'],
    chain: ['summarizer', 'researcher'],
    ...{ read: true, write: false, afterRevocation: ['key_revoked', 'ok'] },
  },
  'webhooks.ts': { heard: ['approval.rejected: not this one'], renewed: true, givenUp: 0 },
  'postgres.ts': { stores: ['postgres', 'postgres'], freshness: 'cached', steps: 5 },
  'mysql.ts': { store: 'mysql', freshness: 'cached' },
  'limits.ts': { store: 'redis', shared: true },
  'restore.ts': {
    before: [true, true, true, true, false],
    after: [true, true, false, false, false],
    report: {
      torn: 1,
      forgotten: 4,
      keys: { edited: 1, rotated: 0, revoked: 1, activated: 0, deleted: 1, lost: 1 },
      approvals: { ended: 0, unknown: 0, lost: 0 },
      attention: [],
    },
  },
  'sqlite.ts': { before: 'missing', after: 'current', refused: 'transaction_open' },
  'testing.ts': {
    justBefore: true,
    expired: { ok: false, code: 'key_expired' },
    outage: 'store_unavailable',
  },
  'own-store.ts': { kept: expect.toSatisfy((count: number) => count > 50), leftOut: 6 },
  'audit.ts': {
    actions: ['key.revoked', 'key.created'],
    next: null,
    report: { delivered: 6, failed: 0, flushed: 0, purged: 0, expired: 0, executed: 0, done: true },
    received: ['key.created', 'key.revoked'],
    state: { phase: 'ready', sinks: [{ name: 'console' }, { name: 'jsonl' }, { name: 'queue', waiting: 0 }] },
  },
  'usage.ts': {
    totals: { allow: 3, approval: 0, deny: 0, limited: 0 },
    days: 1,
    rows: 2,
    all: { allow: 3 },
    scopes: ['contacts:write'],
    unused: ['email:send'],
    left: ['contacts:write'],
  },
  'operations.ts': {
    found: true,
    stillKnown: true,
    counts: [1],
    withNewOnly: true,
    afterLeak: 'revoked',
    refusal: expect.stringContaining('secret: is shorter than 32 characters'),
  },
}

describe('the snippets of the documents do what the documents say', () => {
  it('every one of them is listed here', () => {
    const files = readdirSync(folder).filter((file) => !shared.includes(file))
    expect(files.toSorted()).toEqual(Object.keys(outcomes).toSorted())
  })

  it.each(Object.entries(outcomes))('%s', { timeout: 60_000 }, async (file, outcome) => {
    const snippet = (await import(join(folder, file))) as { readonly outcome: object }
    expect(snippet.outcome).toMatchObject(outcome)
  })

  it('audit.ts has written one line for each event', () => {
    const lines = readFileSync(join(workplace, 'audit.jsonl'), 'utf8').trimEnd().split('\n')
    expect(lines.map((line) => (JSON.parse(line) as { action: string }).action)).toEqual([
      'key.created',
      'key.revoked',
    ])
  })
})

/** The address of a database as a connection string. */
function urlOf(protocol: string, { host, port, user, password, database }: DatabaseAddress): string {
  return `${protocol}://${user}:${encodeURIComponent(password)}@${host}:${port}/${database}`
}

for (const [kind, protocol, file] of [
  ['postgres', 'postgres', 'postgres.ts'],
  ['mariadb', 'mysql', 'mysql.ts'],
] as const)
  describeOn(kind, `what the documents say of a store on ${kind}`, (server) => {
    it('is what happens there', { timeout: 60_000 }, async () => {
      vi.resetModules()
      vi.stubEnv('DATABASE_URL', urlOf(protocol, await server.createDatabase()))
      const { onServer } = (await import(join(folder, file))) as { readonly onServer: () => Promise<object> }
      expect(await onServer()).toEqual({ before: true, after: 'key_revoked' })
    })
  })

describeOn('redis', 'what the documents say of limits on Redis', (server) => {
  it('is what happens there: leases are debited ahead and given back', { timeout: 60_000 }, async () => {
    vi.resetModules()
    vi.stubEnv('REDIS_URL', urlOf('redis', await server.createDatabase()))
    const { onServer } = (await import(join(folder, 'limits.ts'))) as {
      readonly onServer: () => Promise<object>
    }
    expect(await onServer()).toEqual({
      busy: [true, true, true, true],
      // How much of it depends on the seconds that the requests fall into.
      ahead: expect.toSatisfy((used: number) => used >= 4 && used <= 4 * 10),
      trial: [true, true, 'limited'],
      returned: 6,
    })
  })
})
