import type { Answer, Ask, Query, Row, Steps } from '../sql/query.js'
import type { SqliteDatabase, SqliteStatement } from './database.js'
import { isDuplicate } from './failure.js'

/** How many prepared statements are kept: lists with filters and updates of some columns come in many forms. */
const keptStatements = 100

const nothing: readonly Row[] = []

/** A handle and the statements prepared on it; it answers at once or throws what the driver throws. */
export class Connection {
  readonly database: SqliteDatabase
  readonly #statements = new Map<string, SqliteStatement>()

  constructor(database: SqliteDatabase) {
    this.database = database
  }

  /** A statement whose rows are arrays of plain numbers and texts, whatever the handle's own settings are. */
  prepareAnew(text: string): SqliteStatement {
    const statement = this.database.prepare(text)
    if (statement.reader) {
      statement.raw(true)
      statement.safeIntegers(false)
    }
    return statement
  }

  /** The same, kept for the next time. */
  prepare(text: string): SqliteStatement {
    // Taken out and put back, so that the first in the map is the one that was not used for longest.
    const statement = this.#statements.get(text) ?? this.prepareAnew(text)
    this.#statements.delete(text)
    this.#statements.set(text, statement)
    if (this.#statements.size > keptStatements) {
      for (const oldest of this.#statements.keys()) {
        this.#statements.delete(oldest)
        break
      }
    }
    return statement
  }

  ask<T>(ask: Ask<T>): T {
    return ask.decode(this.prepare(ask.text).all(...ask.values) as Row[])
  }

  /** One step of a transaction. */
  execute({ text, values }: Query): Answer {
    const statement = this.prepare(text)
    if (statement.reader) {
      return { rows: statement.all(...values) as Row[], changed: 0, duplicate: false }
    }
    try {
      return { rows: nothing, changed: statement.run(...values).changes, duplicate: false }
    } catch (error) {
      if (isDuplicate(error)) return { rows: nothing, changed: 0, duplicate: true }
      throw error
    }
  }

  /** Takes all steps, one after the other. */
  take<T>(steps: Steps<T>): T {
    let next = steps.next()
    while (!next.done) next = steps.next(this.execute(next.value))
    return next.value
  }
}
