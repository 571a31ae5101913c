import { toHex } from '../../crypto/encoding.js'
import { sha256 } from '../../crypto/digest.js'
import type { Answer, Query, Row } from '../sql/query.js'
import type { SqlPool, SqlSession } from '../sql/session.js'
import { ServerRoles } from '../sql/server-roles.js'
import { TimeBound, late } from '../sql/time-bound.js'
import { systemClock } from '../../ports/system-clock.js'
import type { PostgresClient, PostgresPool } from './client.js'
import { cancelStatement } from './cancel.js'
import { failureOf, isAnswer, isDuplicate, isForgotten, unavailable } from './failure.js'
import { rowTypes, toParameter } from './values.js'
import { watchClient } from './watched-clients.js'

/** How the sessions of a pool are used. */
export interface SessionOptions {
  /** Whether hot statements are kept prepared on their connection. */
  readonly prepare: boolean
  /** How long the server may work on one statement of a transaction. */
  readonly statementTimeoutMs: number
  /** How long it may wait for a lock. */
  readonly lockTimeoutMs: number
}

/** After so long in the middle of a transaction the server gives up on an instance that is cut off or stopped, and frees what it holds. */
const idleTimeoutMs = 10_000

/** The same while the host is at it, which may ask others in between. */
const hostsIdleTimeoutMs = 60_000

/** How long a server behind a pooler is taken to be the primary still. */
const pooledTrustMs = 1_000

/** How often a connection is taken that the host has left in a transaction, before that is an error. */
const mostUnfit = 3

const names = new Map<string, string>()

/** A statement's name on a connection: the same text has the same name in every version of this library, another text another. */
function nameOf(text: string): string {
  let name = names.get(text)
  if (name === undefined) names.set(text, (name = `keyrung_${toHex(sha256(text)).slice(0, 32)}`))
  return name
}

/** What begins a transaction, its time-outs included; they end with it. */
export function beginText(statementTimeoutMs: number, lockTimeoutMs: number): string {
  return [
    'begin isolation level read committed read write',
    ...limitsOf(statementTimeoutMs, lockTimeoutMs),
    `set local idle_in_transaction_session_timeout = ${idleTimeoutMs}`,
  ].join('; ')
}

function limitsOf(statementTimeoutMs: number, lockTimeoutMs: number): readonly string[] {
  return [`set local statement_timeout = ${statementTimeoutMs}`, `set local lock_timeout = ${lockTimeoutMs}`]
}

/** With the limits that the host's connections have anyway. */
const handOverText = [
  'savepoint keyrung',
  'set local statement_timeout to default',
  'set local lock_timeout to default',
  `set local idle_in_transaction_session_timeout = ${hostsIdleTimeoutMs}`,
].join('; ')

/** A transaction that has failed ends with a rollback although a commit was asked for, and no error says so. */
function checkCommitted(answer: unknown): void {
  const last: unknown = Array.isArray(answer) ? answer.at(-1) : answer
  const command = (last as { command?: unknown } | null | undefined)?.command
  if (command !== 'COMMIT') throw unavailable('a commit was answered by a rollback')
}

/** How long it may take to have the server end what nobody waits for any more; then the connection is closed all the same. */
const abandonMs = 1_000

/** Nothing is read from a server in recovery: it may not know yet what was revoked. */
const roleQuery: Query = { text: 'select pg_is_in_recovery()::int', values: [] }

class PostgresSession implements SqlSession {
  readonly #client: PostgresClient
  readonly #options: SessionOptions
  readonly #begin: string
  readonly #binary: boolean | undefined
  readonly #roles: ServerRoles
  #unanswered: Promise<unknown> | undefined

  constructor(client: PostgresClient, options: SessionOptions, begin: string, roles: ServerRoles) {
    this.#client = client
    this.#roles = roles
    this.#options = options
    this.#begin = begin
    // It reads binary answers as if they were UTF-8, and bytes are lost on the way; the host has its setting back at the end.
    this.#binary = client.binary
    if (client.binary) client.binary = false
  }

  /** Says whether the server is in recovery; one that has not answered in half of a call's time is taken for dead. */
  async isStandby(): Promise<boolean> {
    const bound = new TimeBound(systemClock, Math.ceil(this.#options.statementTimeoutMs / 2))
    try {
      const { rows } = await bound.race(this.#send(roleQuery, false))
      return rows[0]?.[0] !== 0
    } catch (thrown) {
      throw thrown === late ? new Error('no answer in time') : thrown
    } finally {
      bound.end()
    }
  }

  async execute(query: Query): Promise<Answer> {
    const named = this.#options.prepare && query.hot === true
    try {
      return await this.#send(query, named)
    } catch (error) {
      if (isDuplicate(error)) return { rows: [], changed: 0, duplicate: true }
      if (named && isForgotten(error)) return this.#send(query, false)
      throw error
    }
  }

  executeAlone(query: Query): Promise<Answer> {
    return this.execute(query)
  }

  async begin(): Promise<void> {
    await this.#say(this.#begin)
  }

  async commit(): Promise<void> {
    checkCommitted(await this.#say('commit'))
  }

  async commitAfter(statement: string): Promise<void> {
    checkCommitted(await this.#say(`${statement}; commit`))
  }

  async rollback(): Promise<void> {
    await this.#say('rollback')
  }

  get hosts(): unknown {
    return this.#client
  }

  async handOver(): Promise<void> {
    await this.#say(handOverText)
    if (this.#binary) this.#client.binary = true
  }

  async takeBack(): Promise<void> {
    if (this.#binary) this.#client.binary = false
    const { statementTimeoutMs, lockTimeoutMs } = this.#options
    const limits = limitsOf(statementTimeoutMs, lockTimeoutMs)
    await this.#say(['release savepoint keyrung', ...limits].join('; '))
  }

  release(broken: boolean): void {
    if (this.#binary) this.#client.binary = true
    if (broken && this.#unanswered) void this.#abandon()
    else this.#client.release(broken)
  }

  /** The place in the pool is kept until the server has ended what it was asked, so that it never works for more than there are places. */
  async #abandon(): Promise<void> {
    const over = new AbortController()
    const stop = systemClock.after(abandonMs, () => over.abort())
    const settled = this.#unanswered!.then(
      () => undefined,
      () => undefined,
    )
    const late = new Promise<void>((resolve) => over.signal.addEventListener('abort', () => resolve()))
    try {
      await Promise.race([Promise.all([cancelStatement(this.#client, over.signal), settled]), late])
    } finally {
      stop()
      this.#client.release(true)
    }
  }

  #say(text: string): Promise<unknown> {
    return this.#asking(this.#client.query(text))
  }

  /** Notes what is asked until the server has answered it; a connection that broke is no answer. */
  async #asking<T>(asked: Promise<T>): Promise<T> {
    this.#unanswered = asked
    try {
      const answer = await asked
      this.#unanswered = undefined
      return answer
    } catch (error) {
      if (isAnswer(error)) this.#unanswered = undefined
      if (!isDuplicate(error)) this.#roles.doubt(this.#client)
      throw error
    }
  }

  async #send({ text, values }: Query, named: boolean): Promise<Answer> {
    const { rows, rowCount } = await this.#asking(
      this.#client.query({
        text,
        values: values.map(toParameter),
        rowMode: 'array',
        types: rowTypes,
        ...(named && { name: nameOf(text) }),
      }),
    )
    return { rows: rows as Row[], changed: rowCount ?? 0, duplicate: false }
  }
}

/** Puts the small face of the SQL driver on a `pg` pool. */
export function postgresSessions(pool: PostgresPool, options: SessionOptions): SqlPool {
  const begin = beginText(options.statementTimeoutMs, options.lockTimeoutMs)
  // A server becomes a standby by a new start only; a pooler may change the server behind a connection and say nothing.
  const roles = new ServerRoles(systemClock, options.prepare ? Infinity : pooledTrustMs)

  return {
    async session() {
      let reason: unknown
      for (let unfit = 0; unfit < mostUnfit;) {
        const client = await pool.connect()
        watchClient(client)
        // Whoever released it in a transaction would have its snapshot read from, and its work committed.
        if (/^[TE]$/.test(client.getTransactionStatus?.() ?? 'I')) {
          client.release(true)
          reason = unavailable('connections are given back in the middle of transactions')
          unfit += 1
          continue
        }
        const session = new PostgresSession(client, options, begin, roles)
        if (roles.isKnown(client)) return session
        // Of those that were fit once there are no more than the pool has places, and each is closed.
        if (!roles.wasKnown(client)) unfit += 1
        try {
          if (!(await session.isStandby())) {
            roles.learn(client)
            return session
          }
          session.release(true)
          reason = unavailable('the server is in recovery')
        } catch (error) {
          const { kind } = failureOf(error)
          session.release(true)
          if (kind !== 'lost') throw error
          reason = error
        }
      }
      throw reason
    },
    failureOf,
  }
}
