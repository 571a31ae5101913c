import type { SqlSession } from '../sql/session.js'
import type { TableNames } from '../sql/tables.js'
import { unavailable } from './failure.js'
import type { MysqlSession } from './session.js'

/** How long the server itself waits for the lock before it is asked again, in seconds. */
const lockWaitSeconds = 2

/**
 * Runs a migration while no other instance can.
 *
 * Changes of tables are in no transaction here, so the lock is one by name, of the whole server; it falls with its
 * connection. Which database is meant is part of the name, and a digest of it fits the 64 characters that there are.
 */
export async function migrateUnderLock(
  session: SqlSession,
  names: TableNames,
  run: () => Promise<void>,
): Promise<void> {
  const lock = `concat('keyrung:', sha1(concat(coalesce(database(), ''), '/', ?)))`
  const ask = async (question: string): Promise<unknown> =>
    (await session.execute({ text: `select ${question}`, values: [names.schema] })).rows[0]?.[0]
  await (session as MysqlSession).changingTables(async () => {
    for (;;) {
      const got = await ask(`get_lock(${lock}, ${lockWaitSeconds})`)
      if (got === 1) break
      if (got !== 0) throw unavailable('no lock for the migration')
    }
    try {
      await run()
    } finally {
      await ask(`release_lock(${lock})`)
    }
  })
}
