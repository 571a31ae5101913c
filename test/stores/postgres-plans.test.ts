import pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import type { Store } from '../../src/ports/store.js'
import { postgresStore } from '../../src/stores/postgres.js'
import { tableNames } from '../../src/stores/sql/tables.js'
import { someInstant } from '../../src/testing/suite/records.js'
import { describeOn } from '../servers/on-server.js'
import { fillTables, largeWorkspace } from './filled-tables.js'
import { questions } from './plan-questions.js'

/** A step of a plan, as `explain (format json)` tells it. */
interface Step {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly 'Index Cond'?: string
  readonly 'Sort Key'?: readonly string[]
  readonly Plans?: readonly Step[]
}

interface Asked {
  /** There where the statement is kept prepared, and may come to be planned for any values. */
  readonly name?: string
  readonly text: string
  readonly values: readonly unknown[]
}

describeOn(
  'postgres',
  'PostgreSQL finds by an index, sorts nothing, and reads no table from end to end:',
  (server) => {
    const names = tableNames()
    let pool: pg.Pool
    let connection: pg.PoolClient
    let store: Store
    let asked: Asked[]

    beforeAll(async () => {
      pool = new pg.Pool(await server.createDatabase())
      connection = await pool.connect()
      await postgresStore({ pool }).migrate()
      await fillTables({
        names,
        place: (number) => `$${number}`,
        send: (text, values) => connection.query(text, [...values]),
      })
      await connection.query('vacuum analyze')
      store = postgresStore({ pool: watched(pool) })
    }, 120_000)

    afterAll(async () => {
      connection.release()
      await pool.end()
    })

    // Each purge takes all old markers along, so that the next one would not come to remove any.
    beforeEach(() =>
      connection.query(
        `insert into ${names.commit} (id, at) values ('marker_old', ${someInstant}) on conflict do nothing`,
      ),
    )

    /** The same pool, where everything that is asked is noted. */
    function watched(target: pg.Pool): pg.Pool {
      const through = <T extends object>(target: T, replaced: Readonly<Record<string, unknown>>): T =>
        new Proxy(target, {
          get(of, name) {
            if (typeof name === 'string' && Object.hasOwn(replaced, name)) return replaced[name]
            const value: unknown = Reflect.get(of, name, of)
            return typeof value === 'function' ? (value.bind(of) as unknown) : value
          },
        })
      return through(target, {
        connect: async () => {
          const client = await target.connect()
          return through(client, {
            query: (query: Asked | string) => {
              if (typeof query === 'object') asked.push(query)
              return client.query(query as never)
            },
          })
        },
      })
    }

    /** The steps of all that a call asked for, planned for these values and for any. */
    async function stepsOf(call: (store: Store) => unknown): Promise<readonly Step[]> {
      asked = []
      await call(store)
      const plans: Step[] = []
      const explain = async (text: string, values: readonly unknown[] = []) => {
        const { rows } = await connection.query<{ 'QUERY PLAN': [{ Plan: Step }] }>(text, [...values])
        plans.push(rows[0]!['QUERY PLAN'][0].Plan)
      }
      for (const { name, text, values } of asked.filter((one) =>
        /^(select|insert|update|delete) /.test(one.text),
      )) {
        await explain(`explain (format json) ${text}`, values)
        if (name === undefined) continue
        await connection.query(`prepare any_values as ${text}`)
        await connection.query('set plan_cache_mode = force_generic_plan')
        await explain(`explain (format json) execute any_values(${values.map(literal).join(', ')})`)
        await connection.query('deallocate any_values')
        await connection.query('reset plan_cache_mode')
      }
      return plans.flatMap(withInner)
    }

    it.each(questions)('%s', async (_, indexes, call) => {
      const steps = await stepsOf(call)
      expect(steps.length).toBeGreaterThan(0)
      expect(steps.filter(readsAll).map(tell)).toEqual([])
      expect(steps.filter(sortsTable).map(tell)).toEqual([])
      const used = steps.flatMap((step) => step['Index Name'] ?? [])
      expect([...new Set(used)].sort()).toEqual(indexes.map((index) => `keyrung_${index}`).sort())
    })

    it('the usage of a workspace: only what it finds of those days is put together', async () => {
      const days = { fromDay: 20_010, toDay: 20_012 }
      const steps = await stepsOf((one) => one.findUsage({ workspaceId: largeWorkspace, ...days, limit: 99 }))
      expect(steps.filter(readsAll).map(tell)).toEqual([])
      const used = steps.flatMap((step) => step['Index Name'] ?? [])
      expect(used).toContain('keyrung_usage_by_workspace_id_day')
    })
  },
)

function literal(value: unknown): string {
  if (value === null) return 'null'
  if (value instanceof Uint8Array) return `'\\x${Buffer.from(value).toString('hex')}'`
  return pg.escapeLiteral(String(value))
}

function withInner(step: Step): readonly Step[] {
  return [step, ...(step.Plans ?? []).flatMap(withInner)]
}

function tell(step: Step): string {
  return `${step['Node Type']} ${step['Relation Name'] ?? ''} ${step['Sort Key']?.join(', ') ?? ''}`
}

/** Tombstones all go, so a purge takes the first that there are. */
function readsAll(step: Step): boolean {
  return step['Node Type'] === 'Seq Scan' && step['Relation Name'] !== 'keyrung_tombstones'
}

/** Uses are taken in the order of their keys' ids, usage in that of its rows'; no more than 1,000 are given at once. */
const sortsOfBatches: readonly string[] = ['k.id COLLATE "C"', 'v.id']

function sortsTable(step: Step): boolean {
  const [key] = step['Sort Key'] ?? []
  return step['Node Type'].endsWith('Sort') && !sortsOfBatches.includes(key!)
}
