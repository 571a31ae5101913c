import { sql } from 'kysely'
import type { RawBuilder } from 'kysely'
import type { Clock } from '../../ports/clock.js'
import type { SqlDialect } from './dialect.js'
import { askedStep, prepare } from './query.js'
import type { Ask, Steps } from './query.js'
import { readNumber } from './rows.js'

/** The store's now: the clock that the host handed in, or else the server's own, which all instances share. */
export interface StoreTime {
  /** Now, as a part of a statement. */
  value(): RawBuilder<unknown>
  /** Now, in the middle of a transaction. */
  read(): Steps<number>
  /** Now, by itself. */
  ask(): Ask<number>
}

/** Makes a store's now of the host's clock, or of the server's where the host has handed in none. */
export function storeTime(dialect: SqlDialect, clock: Pick<Clock, 'now'> | null): StoreTime {
  const now = prepare(dialect, sql`select ${dialect.now}`)
  const ask = (): Ask<number> => ({
    ...now(),
    decode: (rows) => readNumber(rows[0]?.[0], 'server time'),
  })
  return {
    value: () => (clock ? sql`${clock.now()}` : dialect.now),
    *read() {
      if (clock) return clock.now()
      return yield* askedStep(ask())
    },
    ask,
  }
}
