import { randomBytes } from 'node:crypto'
import { startChild, type Child } from './child.js'
import { openDatabase, type DemoDatabase } from './database.js'

/** Two processes of the same host on one database. */
export interface Instances {
  readonly a: Child
  readonly b: Child
  readonly database: DemoDatabase
  /** Whoever presents it is an admin. */
  readonly operatorToken: string
  close(): Promise<void>
}

/**
 * Starts both at the same time.
 *
 * @param port of A; B takes the next one. 0 takes any that are free
 */
export async function startInstances(port: number): Promise<Instances> {
  const database = await openDatabase(process.env['DATABASE_URL'])
  const operatorToken = `operator-${randomBytes(24).toString('base64url')}`
  const environment = {
    DATABASE_URL: database.url,
    SCHEMA: database.schema,
    // Of this start only, as the tables are. A real host has one for as long as it has keys.
    KEYRUNG_SECRET: randomBytes(32).toString('base64'),
    OPERATOR_TOKEN: operatorToken,
  }
  const start = (name: string, at: number): Promise<Child> =>
    startChild('./instance.ts', { ...environment, INSTANCE: name, INSTANCE_PORT: String(at) })
  const started = await Promise.allSettled([start('A', port), start('B', port && port + 1)])

  async function close(): Promise<void> {
    await Promise.all(started.map((one) => (one.status === 'fulfilled' ? one.value.close() : undefined)))
    await database.close()
  }
  const [a, b] = started
  if (a.status === 'fulfilled' && b.status === 'fulfilled')
    return { a: a.value, b: b.value, database, operatorToken, close }
  await close()
  throw [a, b].find((one) => one.status === 'rejected')!.reason
}
