import Database from 'better-sqlite3'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { Store } from '../../src/ports/store.js'
import { unreadOf } from '../../src/ports/unread.js'
import { sqliteStore } from '../../src/stores/sqlite.js'
import { commitAll } from '../../src/testing/suite/probe.js'
import { digestOf, everyType, idOf, insert, oneOfEach } from '../../src/testing/suite/records.js'

const canary = 'canary-of-the-stored-value'

async function make(): Promise<{ database: Database.Database; store: Store }> {
  const database = new Database(':memory:')
  const store = sqliteStore({ database })
  await store.migrate()
  await commitAll(store, ...everyType.map((type) => insert(type, oneOfEach[type])))
  return { database, store }
}

/** What a caller gets of a call that fails. */
async function failureOf(
  call: () => unknown,
): Promise<{ code?: unknown; internal?: unknown; text: string; told: string }> {
  try {
    await call()
  } catch (error) {
    const { code, internal, stack } = error as { code?: unknown; internal?: unknown; stack?: unknown }
    return {
      code,
      internal,
      text: `${inspect(error, { showHidden: true, depth: 9 })} ${JSON.stringify(error)}`,
      // Without the cause, which is for the operator.
      told: `${String(stack)} ${JSON.stringify(error)}`,
    }
  }
  throw new Error('It did not fail.')
}

const workspaceId = 'ws_1'

describe('rows that nobody of keyrung wrote', () => {
  const garbage: readonly [sql: string, place: string, call: (store: Store) => unknown][] = [
    [
      `update keyrung_keys set status = '${canary}'`,
      'key.status',
      (store) => store.findCredential(digestOf(1)),
    ],
    [`update keyrung_keys set mode = 'FULL'`, 'key.mode', (store) => store.findCredential(digestOf(1))],
    [`update keyrung_keys set scopes = x'00'`, 'key.scopes', (store) => store.findCredential(digestOf(1))],
    [
      `update keyrung_keys set version = '${canary}'`,
      'key.version',
      (store) => store.findCredential(digestOf(1)),
    ],
    [
      `update keyrung_keys set expires_at = 1.5`,
      'key.expiresAt',
      (store) => store.findCredential(digestOf(1)),
    ],
    [
      `update keyrung_keys set expires_at = 9007199254740993`,
      'key.expiresAt',
      (store) => store.findCredential(digestOf(1)),
    ],
    [
      `update keyrung_keys set expires_at = '2026-01-01'`,
      'key.expiresAt',
      (store) => store.findKey(workspaceId, idOf('key', 1)),
    ],
    [
      `update keyrung_secrets set ends_at = '${canary}'`,
      'secret.endsAt',
      (store) => store.findCredential(digestOf(1)),
    ],
    [
      `update keyrung_secrets set digest = x'00ff'`,
      'secret.digest',
      (store) => store.findCredentialById(idOf('sec', 1)),
    ],
    [
      `update keyrung_secrets set digest = '${canary}'`,
      'secret.digest',
      (store) => store.findKey(workspaceId, idOf('key', 1)),
    ],
    [
      `update keyrung_idempotency set expires_at = '${canary}'`,
      'idempotency.expiresAt',
      (store) => store.findIdempotency('idempotency-1'),
    ],
    [`update keyrung_settings set value = x'00'`, 'setting.value', (store) => store.findSettings('')],
    [
      `insert into keyrung_key_use select id, '${canary}' from keyrung_keys`,
      'use.lastUsedAt',
      (store) => store.findKey(workspaceId, idOf('key', 1)),
    ],
  ]

  it.each(garbage)('are refused with their place and without their data: %s', async (sql, place, call) => {
    const { database, store } = await make()
    database.exec(sql)
    const failure = await failureOf(() => call(store))
    expect(failure).toMatchObject({ code: 'store_unavailable', internal: `sql: unreadable ${place}` })
    expect(failure.text).not.toContain(canary)
  })

  const listings: readonly [sql: string, place: string, call: (store: Store) => unknown][] = [
    [
      `update keyrung_keys set not_before = x'01'`,
      'key.notBefore',
      (store) => store.listKeys({ workspaceId, limit: 1 }),
    ],
    [
      `update keyrung_secrets set ends_at = '${canary}'`,
      'secret.endsAt',
      (store) => store.listKeys({ workspaceId, limit: 1 }),
    ],
    [
      `update keyrung_events set at = 0.25`,
      'event.at',
      (store) => store.listEvents({ workspaceId, limit: 1 }),
    ],
    [
      `update keyrung_events set details = x'00'`,
      'event.details',
      (store) => store.listEvents({ workspaceId, limit: 1 }),
    ],
    [
      `update keyrung_approvals set effect = '${canary}'`,
      'approval.effect',
      (store) => store.listApprovals({ workspaceId, limit: 1 }),
    ],
    [
      `update keyrung_messages set attempts = '${canary}'`,
      'message.attempts',
      (store) => store.listDueMessages({ kind: 'sink', destination: 'console', now: 4e12, limit: 1 }),
    ],
  ]

  it.each(listings)('are left out of a listing, which says so: %s', async (sql, place, call) => {
    const { database, store } = await make()
    const before = (await call(store)) as readonly unknown[]
    expect([before.length, unreadOf(before)]).toEqual([1, undefined])
    database.exec(sql)
    const after = (await call(store)) as readonly unknown[]
    expect([after.length, unreadOf(after)]).toMatchObject([0, { place, count: 1 }])
  })

  it('do not keep a column that may be null from being null', async () => {
    const { database, store } = await make()
    database.exec('update keyrung_keys set owner_id = null, expires_at = null')
    expect((await store.findCredential(digestOf(1)))?.key).toMatchObject({ ownerId: null, expiresAt: null })
  })

  it('with a column gone or a table gone are an outage, not an absent key', async () => {
    for (const sql of ['alter table keyrung_keys drop column scopes', 'drop table keyrung_keys']) {
      const { database, store } = await make()
      expect((await store.findCredential(digestOf(1)))?.key.id).toBe(idOf('key', 1))
      database.exec(sql)
      for (const call of [
        () => store.findCredential(digestOf(1)),
        () => store.findKey(workspaceId, idOf('key', 1)),
        () => store.commit([insert('key', oneOfEach.key)]),
      ]) {
        expect(await failureOf(call)).toMatchObject({
          code: 'store_unavailable',
          internal: 'sqlite: SQLITE_ERROR',
        })
      }
    }
  })
})

describe('what SQLite complains of', () => {
  it('is passed on by its code alone: no statement, no parameter', async () => {
    const { database, store } = await make()
    database.exec(
      `create trigger own before update on keyrung_keys begin select raise(abort, '${canary}'); end`,
    )
    const change = {
      do: 'update',
      type: 'key',
      id: idOf('key', 1),
      expectVersion: 1,
      set: { name: canary },
    } as const
    const failure = await failureOf(() => store.commit([change]))
    expect(failure).toMatchObject({
      code: 'store_unavailable',
      internal: 'sqlite: SQLITE_CONSTRAINT_TRIGGER',
    })
    expect(failure.told).not.toContain(canary)
    expect(database.inTransaction).toBe(false)
  })

  it('never has a code that a driver made up with data in it', async () => {
    const { database } = await make()
    const throwing = new Proxy(database, {
      get(target, name) {
        if (name === 'prepare') {
          return (sql: string) => {
            if (sql.startsWith('begin')) throw Object.assign(new Error(canary), { code: canary, sql: canary })
            return target.prepare(sql)
          }
        }
        return Reflect.get(target, name, target) as unknown
      },
    })
    const store = sqliteStore({ database: throwing as never })
    const failure = await failureOf(() => store.commit([]))
    expect(failure).toMatchObject({ code: 'store_unavailable', internal: 'sqlite: error' })
    expect(failure.told).not.toContain(canary)
  })
})
