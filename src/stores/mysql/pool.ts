import type { SqlPool } from '../sql/session.js'
import type { MysqlPromisePool } from './client.js'
import { failureOf } from './failure.js'
import { MysqlSession } from './session.js'
import type { SessionSettings } from './session.js'

/** How many connections in a row may turn out to have died while they lay idle; each is closed, so more is no loop. */
const mostDead = 100

/** Puts the host's pool behind the face that the driver knows. */
export function mysqlPool(pool: MysqlPromisePool, settings: SessionSettings): SqlPool {
  return {
    async session() {
      for (let dead = 0; ; dead++) {
        const session = new MysqlSession(await pool.getConnection(), settings)
        try {
          await session.open()
          return session
        } catch (error) {
          const { kind } = failureOf(error)
          session.release(kind === 'lost')
          if (kind !== 'lost' || dead >= mostDead) throw error
        }
      }
    },
    failureOf,
  }
}
