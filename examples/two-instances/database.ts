import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { startChild } from './child.js'
import { createPlans } from './plans.js'

/** A schema for this start of the demo, on one PostgreSQL. */
export interface DemoDatabase {
  readonly url: string
  readonly schema: string
  /** Whether the server was started for the demo. */
  readonly isOwn: boolean
  /** Takes the schema away again, and the server, if it was started for it. */
  close(): Promise<void>
}

/** Opens the PostgreSQL at `DATABASE_URL`, or starts one where there is none. */
export async function openDatabase(given: string | undefined): Promise<DemoDatabase> {
  const server = given ? undefined : await startChild('./postgres-server.ts', {})
  const url = given || server!.url
  const schema = `two_instances_${randomBytes(4).toString('hex')}`
  try {
    await ask(url, `create schema ${schema}`)
    await ask(url, createPlans(schema))
  } catch (error) {
    await server?.close()
    throw error
  }
  return {
    url,
    schema,
    isOwn: server !== undefined,
    async close() {
      if (server) await server.close()
      else await ask(url, `drop schema ${schema} cascade`)
    },
  }
}

async function ask(connectionString: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}
