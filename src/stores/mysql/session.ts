import type { Answer, Query, Row } from '../sql/query.js'
import type { SqlSession } from '../sql/session.js'
import { TimeBound, late } from '../sql/time-bound.js'
import { systemClock } from '../../ports/system-clock.js'
import type { MysqlConnection, MysqlStatement } from './client.js'
import {
  isDone,
  isDuplicate,
  isInTransaction,
  isUnprepared,
  transactionOpen,
  unavailable,
} from './failure.js'
import { readValue, spellOut, toParameter } from './values.js'

/** Set in a server's answer while the session commits each statement by itself (MySQL protocol, status flags). */
const autocommit = 2

const nothing: readonly Row[] = []

/** How statements are sent. */
export interface SessionSettings {
  /** Whether what is asked with requests is sent as prepared statements. */
  readonly prepares: boolean
  /** How long the server may work on a statement, waiting for locks included. */
  readonly statementTimeoutMs: number
}

/** The part of an answer to a statement without rows that is used here. */
interface Header {
  readonly affectedRows?: unknown
  readonly insertId?: unknown
  readonly serverStatus?: unknown
}

function statementOf(sql: string, values?: (number | Buffer | null)[]): MysqlStatement {
  return {
    sql,
    ...(values && { values }),
    rowsAsArray: true,
    nestTables: false,
    namedPlaceholders: false,
    typeCast: readValue,
  }
}

/**
 * A connection of the host's pool, for one piece of work; its session is left as it was found.
 *
 * The isolation is set for the next transaction only, which is a single statement where none is begun: a session may
 * be at READ UNCOMMITTED, and one at REPEATABLE READ with `autocommit = 0` would go on showing the state of its first
 * question. Setting it is refused in a transaction, so it also tells when the host gave the connection back with one
 * open: all that is read in that is of when it began, and it is not ours to end.
 */
export class MysqlSession implements SqlSession {
  readonly #connection: MysqlConnection
  readonly #settings: SessionSettings
  /** Whether the next transaction, or statement outside one, will see what is committed by then. */
  #isolated = false
  #begun = false
  /** Whether the session has each statement outside a transaction commit itself. */
  #commitsItself = true
  /** Whether something was asked outside a transaction, and so began one where it does not. */
  #pending = false
  #changesTables = false
  #unanswered: Promise<unknown> | undefined

  constructor(connection: MysqlConnection, settings: SessionSettings) {
    this.#connection = connection
    this.#settings = settings
  }

  /** Isolates a connection that was just taken; one that has not answered in half of a call's time is taken for dead. */
  async open(): Promise<void> {
    const bound = new TimeBound(systemClock, Math.ceil(this.#settings.statementTimeoutMs / 2))
    try {
      await bound.race(this.isolate())
    } catch (thrown) {
      if (thrown !== late) throw thrown
      this.#unanswered = undefined
      throw new Error('no answer in time', { cause: thrown })
    } finally {
      bound.end()
    }
  }

  /** @throws KeyrungError `transaction_open` */
  async isolate(): Promise<void> {
    if (this.#pending) await this.rollback()
    try {
      const { serverStatus } = await this.#say('set transaction isolation level read committed')
      this.#commitsItself = typeof serverStatus === 'number' && (serverStatus & autocommit) !== 0
      this.#isolated = true
    } catch (error) {
      throw isInTransaction(error) ? transactionOpen() : error
    }
  }

  async execute(query: Query): Promise<Answer> {
    if (this.#changesTables && !this.#begun) return this.#takeStep(query)
    if (!this.#begun) {
      if (!this.#isolated) await this.isolate()
      this.#isolated = false
      this.#pending = !this.#commitsItself
    }
    try {
      const result = await this.#send(query)
      if (Array.isArray(result)) return { rows: result as Row[], changed: 0, duplicate: false }
      const { affectedRows, insertId } = result as Header
      // As texts where the pool says `bigNumberStrings`.
      return { rows: nothing, changed: Number(affectedRows), duplicate: false, noted: Number(insertId) }
    } catch (error) {
      if (isDuplicate(error)) return { rows: nothing, changed: 0, duplicate: true }
      throw error
    }
  }

  async executeAlone(query: Query): Promise<Answer> {
    if (!this.#isolated) await this.isolate()
    if (this.#commitsItself) return this.execute(query)
    await this.begin()
    try {
      const answer = await this.execute(query)
      await this.commit()
      return answer
    } catch (error) {
      // Where even this fails the connection is closed, as one that is still in its transaction.
      await this.rollback().catch(() => undefined)
      throw error
    }
  }

  async begin(): Promise<void> {
    if (!this.#isolated) await this.isolate()
    this.#isolated = false
    await this.#say('start transaction')
    this.#begun = true
  }

  /** Says what `completion_type` would else decide. */
  async commit(): Promise<void> {
    await this.#end('commit and no chain no release')
  }

  async rollback(): Promise<void> {
    await this.#end('rollback and no chain no release')
  }

  get hosts(): unknown {
    return this.#connection
  }

  async handOver(): Promise<void> {
    await this.#say('savepoint keyrung')
  }

  /** A statement that changes tables commits, and with that there is no such savepoint any more. */
  async takeBack(): Promise<void> {
    await this.#say('release savepoint keyrung')
  }

  /**
   * Runs what changes tables. The server commits each such statement by itself, so every other is committed by itself
   * too, and what an attempt that was cut off has left behind is passed over.
   */
  async changingTables(run: () => Promise<void>): Promise<void> {
    this.#changesTables = true
    try {
      await run()
    } finally {
      this.#changesTables = false
    }
  }

  release(broken: boolean): void {
    if (broken || this.#begun) return void this.#abandon()
    if (!this.#pending) return this.#connection.release()
    this.#inTime(this.rollback()).then(
      () => this.#connection.release(),
      () => this.#connection.destroy(),
    )
  }

  /**
   * Closes it once what is asked is answered, at the latest when the server has given that up by itself: until then its
   * place in the pool is kept, so that the server never works for more than there are places.
   */
  async #abandon(): Promise<void> {
    if (this.#unanswered) await this.#inTime(this.#unanswered).catch(() => undefined)
    this.#connection.destroy()
  }

  /** Waits for an answer no longer than the server may work on one. */
  #inTime<T>(answer: Promise<T>): Promise<T> {
    const bound = new TimeBound(systemClock, this.#settings.statementTimeoutMs)
    return bound.race(answer).finally(() => bound.end())
  }

  async #asking<T>(asked: Promise<T>): Promise<T> {
    this.#unanswered = asked
    try {
      return await asked
    } finally {
      this.#unanswered = undefined
    }
  }

  async #takeStep(query: Query): Promise<Answer> {
    await this.begin()
    try {
      const answer = await this.execute(query)
      await this.commit()
      return answer
    } catch (error) {
      if (!isDone(error)) throw error
      await this.rollback()
      return { rows: nothing, changed: 0, duplicate: false }
    }
  }

  async #end(sql: string): Promise<void> {
    await this.#say(sql)
    this.#begun = false
    this.#pending = false
  }

  async #say(sql: string): Promise<Header> {
    return answerOf(await this.#asking(this.#connection.query(statementOf(sql)))) as Header
  }

  async #send(query: Query): Promise<unknown> {
    const text = (sql: string) =>
      this.#changesTables ? sql : limited(sql, this.#settings.statementTimeoutMs)
    // Of an empty parameter, and of nothing else, MariaDB makes NULL in the mode EMPTY_STRING_IS_NULL.
    if (this.#settings.prepares && query.hot && !query.values.includes('')) {
      const statement = statementOf(text(query.text), query.values.map(toParameter))
      try {
        return answerOf(await this.#asking(this.#connection.execute(statement)))
      } catch (error) {
        if (!isUnprepared(error)) throw error
      }
    }
    return answerOf(await this.#asking(this.#connection.query(statementOf(text(spellOut(query))))))
  }
}

/**
 * Has the server give a statement up by itself, where nobody waits for it any more: MariaDB by a prefix that MySQL takes
 * for a comment, MySQL by a hint in a select that MariaDB takes for one.
 */
function limited(sql: string, ms: number): string {
  const hinted = sql.startsWith('select ') ? `select /*+ max_execution_time(${ms}) */${sql.slice(6)}` : sql
  return `/*M!100100 set statement max_statement_time=${ms / 1_000} for */ ${hinted}`
}

/** The driver answers with rows or a header first, and fields second. */
function answerOf(result: unknown): unknown {
  if (!Array.isArray(result) || result.length === 0) throw unavailable('unreadable answer')
  return result[0]
}
