import Database from 'better-sqlite3'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { createPeppers } from '../../../src/crypto/pepper.js'
import { sqliteStore } from '../../../src/stores/sqlite.js'
import { admin, createWorld, dayMs, makeKey } from './fixture.js'
import type { World } from './fixture.js'
import { stores } from './stores.js'

/** Everything about a value that any logger could print. */
function printed(value: unknown): string {
  const own = typeof value === 'object' && value !== null ? Reflect.ownKeys(value).map(String) : []
  return [
    JSON.stringify(value),
    inspect(value, { depth: 20, showHidden: true }),
    String((value as Error | undefined)?.stack),
    ...own,
  ].join('\n')
}

/** A key's whole life, with everything that comes out of it but the secrets themselves. */
async function live(world: World): Promise<{ secrets: string[]; seen: unknown[] }> {
  const seen: unknown[] = []
  const { key, secret: first } = await makeKey(world, { metadata: { a: 1 } })
  const { key: rotated, secret: second } = await world.keys.rotate(admin, key.id, { graceMs: dayMs })
  seen.push(key, rotated, await world.keys.get(admin, key.id), await world.keys.list(admin))
  seen.push(await world.keys.edit(admin, key.id, { name: 'x' }, { version: 2 }))
  const repeat = () =>
    world.keys.create(admin, { name: 'r', scopes: ['users:read'] }, { idempotencyKey: 'i' })
  const { secret: third } = await repeat()
  seen.push(await repeat())

  // Secrets in all the wrong places: whatever refuses them does not repeat them.
  const call = world.keys as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>
  for (const secret of [first, second, third!]) {
    for (const [verb, ...args] of [
      ['get', admin, secret],
      ['edit', admin, secret, { name: secret }, { version: secret }],
      [
        'edit',
        admin,
        key.id,
        { scopes: [secret], addressRules: [secret], expiresAt: secret },
        { version: 3 },
      ],
      ['edit', admin, key.id, { name: 'y' }, { version: secret }],
      [
        'create',
        admin,
        { name: 'k', scopes: [secret], environment: secret, mode: secret, ownerId: [secret] },
      ],
      [
        'create',
        admin,
        { name: `${secret}\n`.repeat(9), mode: 'full', metadata: { a: { b: { c: { [secret]: {} } } } } },
      ],
      ['create', admin, { name: 'k', mode: 'full', [secret]: 1, metadata: { [secret]: NaN } }],
      ['create', admin, { name: 'k', mode: 'full' }, { idempotencyKey: `${secret}\n` }],
      ['rotate', admin, key.id, { graceMs: secret }],
      ['revoke', admin, key.id, { reason: `leaked: ${secret}.` }],
      ['revoke', admin, key.id, { reason: 'leaked' }, { requestId: secret }],
      ['create', admin, { name: secret, mode: 'full', metadata: { [secret]: secret } }],
      ['edit', admin, key.id, { name: `(${secret})`, metadata: { a: secret } }, { version: 3 }],
      ['list', admin, { cursor: secret, status: secret, limit: secret }],
      ['get', { ...admin, id: [secret] }, key.id],
      ['get', { ...admin, type: secret }, key.id],
    ] as const) {
      const error = await call[verb]!(...args).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(Error)
      seen.push(error, (error as { internal?: string }).internal)
    }
  }
  const revoked = await world.keys.revoke(admin, key.id)
  const active = await world.keys.activate(admin, key.id)
  seen.push(revoked, active, await world.events(), world.keys, world.context.keySettings)
  const due = { kind: 'sink', destination: 'log', now: world.clock.now(), limit: 100 } as const
  seen.push(await world.store.listDueMessages(due))
  seen.push(await world.store.listEvents({ workspaceId: 'ws', limit: 100 }))
  return { secrets: [first, second, third!], seen }
}

describe.each(stores)('a secret, on the %s store', (_, store) => {
  it('is in no view, event, message, error or inspection, but for its last four characters', async () => {
    const world = await createWorld({ store, sinkNames: ['log'] })
    const { secrets, seen } = await live(world)
    const text = seen.map(printed).join('\n')
    expect(text).toContain(secrets[1]!.slice(-4))
    for (const secret of secrets) {
      const digest = world.context.peppers.current.digest(secret)
      const hex = Buffer.from(digest, 'latin1').toString('hex')
      for (const part of [
        secret,
        secret.slice(8, 28),
        secret.slice(-5),
        digest,
        hex,
        JSON.stringify(digest).slice(1, -1),
      ]) {
        expect(text.includes(part)).toBe(false)
      }
    }
  })
})

const folder = mkdtempSync(join(tmpdir(), 'keyrung-'))
afterAll(() => rmSync(folder, { recursive: true }))

it.each(['wal', 'delete'])('is nowhere in the files of a SQLite database (%s)', async (mode) => {
  const database = new Database(join(folder, `${mode}.db`))
  database.pragma(`journal_mode = ${mode}`)
  const world = await createWorld({
    async store(clock) {
      const store = sqliteStore({ database, clock })
      await store.migrate()
      return store
    },
    sinkNames: ['log'],
    peppers: createPeppers('none'),
  })
  const { secrets } = await live(world)
  const files = () => readdirSync(folder).filter((name) => name.startsWith(mode))
  const bytes = (): Buffer => Buffer.concat(files().map((name) => readFileSync(join(folder, name))))
  for (const close of [() => undefined, () => world.store.close(), () => database.close()]) {
    await close()
    // The search finds what is there, and finds no secret.
    expect(bytes().includes(secrets[0]!.slice(-4))).toBe(true)
    for (const secret of secrets) {
      expect(bytes().includes(secret)).toBe(false)
      expect(bytes().includes(secret.slice(8, 28))).toBe(false)
    }
  }
})
