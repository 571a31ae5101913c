import mysql from 'mysql2/promise'
import type { Pool, PoolConnection, RowDataPacket } from 'mysql2/promise'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Store } from '../../src/ports/store.js'
import { mysqlStore } from '../../src/stores/mysql.js'
import { tableNames } from '../../src/stores/sql/tables.js'
import { describeOn } from '../servers/on-server.js'
import { idOf, someInstant } from '../../src/testing/suite/records.js'
import { fillTables, largeWorkspace as workspaceId } from './filled-tables.js'
import { questions } from './plan-questions.js'

/** A step of a plan, as `explain` tells it. */
interface Step extends RowDataPacket {
  readonly table: string | null
  readonly type: string | null
  readonly key: string | null
  readonly Extra: string | null
}

interface Asked {
  readonly sql: string
  readonly values?: readonly unknown[]
}

describeOn(
  'mariadb',
  'MariaDB finds by an index, sorts nothing, and reads no table from end to end:',
  (server) => {
    let pool: Pool
    let connection: PoolConnection
    let store: Store
    let asked: Asked[]

    beforeAll(async () => {
      pool = mysql.createPool(await server.createDatabase())
      connection = await pool.getConnection()
      await mysqlStore({ pool }).migrate()
      const names = tableNames()
      await fillTables({
        names,
        place: () => '?',
        send: (text, values) => connection.query(text, [...values]),
      })
      await connection.query(`analyze table ${Object.values(names).join(', ')}`)
      store = mysqlStore({ pool: watched() as never })
    }, 120_000)

    afterAll(async () => {
      connection.release()
      await pool.end()
    })

    /** The same pool, where everything that is asked is noted. */
    function watched(): { getConnection(): Promise<object> } {
      return {
        async getConnection() {
          const own = await pool.getConnection()
          return new Proxy(own, {
            get(of, name) {
              const value: unknown = Reflect.get(of, name, of)
              if (typeof value !== 'function') return value
              if (name !== 'query' && name !== 'execute') return value.bind(of) as unknown
              return (query: Asked) => {
                asked.push(query)
                return value.call(of, query) as unknown
              }
            },
          })
        },
      }
    }

    async function stepsOf(call: (store: Store) => unknown): Promise<readonly Step[]> {
      asked = []
      await call(store)
      const steps: Step[] = []
      for (const { sql, values = [] } of asked) {
        // Without the server's time limit, which stands in front of a statement.
        const text = sql.replace(/^\/\*M!.*?\*\/ /, '')
        if (!/^(select .* from|insert .* select|update|delete) /.test(text)) continue
        const [rows] = await connection.query<Step[]>(`explain ${text}`, [...values])
        steps.push(...rows)
      }
      return steps
    }

    it.each(questions)('%s', async (_, __, call) => {
      const steps = await stepsOf(call)
      expect(steps.length).toBeGreaterThan(0)
      expect(steps.filter(readsAll).map(tell)).toEqual([])
      expect(steps.filter(sorts).map(tell)).toEqual([])
    })

    /** How many rows the server has looked at to answer a call. */
    async function readsOf(call: (store: Store) => unknown): Promise<number> {
      asked = []
      await call(store)
      let reads = 0
      for (const { sql, values = [] } of asked) {
        if (!/select .* from/.test(sql)) continue
        await connection.query('flush status')
        await connection.query(sql, [...values])
        const [counts] = await connection.query<RowDataPacket[]>(`show session status like 'Handler_read%'`)
        for (const { Value } of counts) reads += Number(Value)
      }
      return reads
    }

    const listings: readonly [name: string, call: (store: Store, before: number) => unknown][] = [
      ['keys', (one, n) => one.listKeys({ workspaceId, before: idOf('key', n), limit: 9 })],
      [
        'keys by a status',
        (one, n) => one.listKeys({ workspaceId, status: 'active', before: idOf('key', n), limit: 9 }),
      ],
      [
        'events',
        (one, n) =>
          one.listEvents({ workspaceId, before: { at: someInstant + n, id: idOf('evt', n) }, limit: 9 }),
      ],
      ['approvals', (one, n) => one.listApprovals({ workspaceId, before: idOf('apr', n), limit: 9 })],
      [
        'approvals by a status',
        (one, n) => one.listApprovals({ workspaceId, status: 'succeeded', before: idOf('apr', n), limit: 9 }),
      ],
      [
        'approvals by resource',
        (one, n) => one.listApprovals({ workspaceId, resource: 'email', before: idOf('apr', n), limit: 9 }),
      ],
      [
        'approvals of a key',
        (one, n) =>
          one.listApprovals({ workspaceId, keyId: idOf('key', 8), before: idOf('apr', n), limit: 9 }),
      ],
      ['deliveries', (one, n) => one.listDeliveries({ workspaceId, before: idOf('dlv', n), limit: 9 })],
      [
        'deliveries of a key',
        (one, n) =>
          one.listDeliveries({ workspaceId, keyId: idOf('key', 8), before: idOf('dlv', n), limit: 9 }),
      ],
    ]

    it.each(listings)('%s begin at the cursor, wherever that is', async (_, call) => {
      for (const before of [4_000, 8_000, 12_000, 16_000, 20_000, 23_000]) {
        expect([before, await readsOf((one) => call(one, before))]).toEqual([
          before,
          expect.toSatisfy((reads: number) => reads < 100),
        ])
      }
    })

    it('the usage of a workspace: only what it finds of those days is put together', async () => {
      const days = { fromDay: 20_010, toDay: 20_012 }
      const steps = await stepsOf((one) => one.findUsage({ workspaceId, ...days, limit: 99 }))
      expect(steps.filter(readsAll).map(tell)).toEqual([])
      expect(steps.map(({ key }) => key)).toContain('keyrung_usage_by_workspace_id_day')
    })
  },
)

function tell({ table, type, key, Extra }: Step): string {
  return `${table} ${type} ${key} ${Extra}`
}

/**
 * Sorts, save for keys by a status that most have: there MariaDB lays two indexes by workspace over each other, and
 * then sorts at most the workspace's own keys.
 */
function sorts({ key, Extra }: Step): boolean {
  if (
    /^(,?keyrung_keys_by_workspace_id(_status)?_id)+$/.test(key ?? '') &&
    /Using intersect/.test(Extra ?? '')
  )
    return false
  return /filesort|temporary/.test(Extra ?? '')
}

/**
 * What may be read from end to end: a derived table, the page that was found; tombstones, which all go; and markers of
 * commits, of which there are those of the last ten minutes.
 */
function readsAll({ table, type }: Step): boolean {
  return type === 'ALL' && !/^(<(derived|subquery)\d+>|keyrung_(tombstones|commits))$/.test(table ?? '')
}
