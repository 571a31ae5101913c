import { KeyrungError } from '../../src/core/errors.js'
import type { Answer, Query } from '../../src/stores/sql/query.js'
import type { SqlPool, SqlSession } from '../../src/stores/sql/session.js'
import type { ManualClock } from '../../src/testing/manual-clock.js'

/** What can become of one call on its way to the database and back. */
export const faults = [
  /** Rolled back, and told so. */
  'again',
  /** The statement fails; within a transaction nothing but a rollback goes any more. */
  'refused',
  /** The connection ends before the request gets there. */
  'cut-before',
  /** The connection ends after the request was done, before its answer. */
  'cut-after',
  /** The connection ends for the client, and the request gets there later all the same. */
  'overtaken',
  /** No answer ever, and nothing was done. */
  'silent-before',
  /** No answer ever, but it was done. */
  'silent-after',
] as const

/** One of them, or none. */
export type Fault = (typeof faults)[number] | 'none'

/** The calls on which faults can fall. */
export type Call =
  | 'session'
  | 'begin'
  | 'change'
  | 'marker'
  | 'deny'
  | 'find'
  | 'commit'
  | 'rollback'
  /** The transaction's way to the host and back, and what the host does with it. */
  | 'hand-over'
  | 'host'
  | 'take-back'

/** What the host has of a transaction that it shares. */
export interface ScriptedHost {
  write(note: string): Promise<void>
}

/** How long an overtaken request is on its way, and a server takes to see that a client has gone, in milliseconds. */
const overtakenMs = 40
const noticedMs = 15

class Broken extends Error {
  readonly kind: 'again' | 'lost' | 'refused'

  constructor(kind: Broken['kind']) {
    super('driver text with canary-value')
    this.kind = kind
  }
}

interface Transaction {
  readonly notes: string[]
  readonly markers: Map<string, number>
  isAborted: boolean
  isOver: boolean
  readonly waiting: (() => void)[]
}

/** A database with two tables, notes and markers, behind connections on which faults fall as they are told to. */
export class ScriptedPool implements SqlPool {
  /** How often a note was committed. */
  readonly notes = new Map<string, number>()
  /** The calls that were made, each with its fault. */
  readonly calls: (readonly [Call, Fault])[] = []
  readonly #markers = new Map<string, number>()
  readonly #open = new Set<Transaction>()
  readonly #clock: ManualClock
  readonly #draw: (call: Call) => Fault
  readonly #takesBoth: boolean

  /**
   * @param draw the fault of the next call
   * @param takesBoth whether the marker and the commit go in one message
   */
  constructor(clock: ManualClock, draw: (call: Call) => Fault, takesBoth: boolean) {
    this.#clock = clock
    this.#draw = draw
    this.#takesBoth = takesBoth
  }

  /** The transactions that hold anything. */
  get open(): number {
    return this.#open.size
  }

  failureOf(error: unknown) {
    const kind = error instanceof Broken ? error.kind : 'refused'
    return { kind, error: new KeyrungError('store_unavailable', { internal: `scripted: ${kind}` }) }
  }

  async session(): Promise<SqlSession> {
    const fault = this.#next('session')
    if (fault.startsWith('silent')) return new Promise(() => undefined)
    if (fault !== 'none' && fault !== 'overtaken') throw new Broken(fault === 'refused' ? 'refused' : 'lost')
    if (fault === 'overtaken') await this.#clock.sleep(overtakenMs)
    return this.#connect()
  }

  #next(call: Call): Fault {
    const fault = this.#draw(call)
    this.calls.push([call, fault])
    return fault
  }

  #connect(): SqlSession {
    let transaction: Transaction | undefined
    let isLost = false
    const within = (): Transaction => {
      if (!transaction || transaction.isOver) throw new Broken('refused')
      return transaction
    }
    const lose = (): void => {
      isLost = true
      const held = transaction
      if (held) void this.#clock.sleep(noticedMs).then(() => this.#end(held))
    }

    const call = async <T>(name: Call, run: () => Promise<T>): Promise<T> => {
      if (isLost) throw new Broken('lost')
      const fault = this.#next(name)
      if (fault === 'again') {
        if (transaction) this.#end(transaction)
        throw new Broken('again')
      }
      if (fault === 'refused') {
        if (transaction) transaction.isAborted = true
        throw new Broken('refused')
      }
      if (fault === 'overtaken') {
        isLost = true
        void this.#clock
          .sleep(overtakenMs)
          .then(run)
          .catch(() => undefined)
          .then(() => transaction && this.#end(transaction))
        throw new Broken('lost')
      }
      const answer = fault === 'none' || fault.endsWith('-after') ? await run() : undefined
      if (fault.startsWith('silent')) return new Promise(() => undefined)
      if (fault !== 'none') lose()
      if (isLost) throw new Broken('lost')
      return answer as T
    }

    const begin = async (): Promise<void> => {
      transaction = { notes: [], markers: new Map(), isAborted: false, isOver: false, waiting: [] }
      this.#open.add(transaction)
    }
    const commit = async (): Promise<void> => {
      const ended = within()
      // As PostgreSQL does: the commit of what has failed is a rollback.
      if (ended.isAborted) throw new Broken('refused')
      this.#commit(ended)
    }
    const session: SqlSession = {
      begin: () => call('begin', begin),
      execute: (query) => call(nameOf(query), () => this.#execute(within(), query)),
      async executeAlone(query) {
        await session.begin()
        const answer = await session.execute(query)
        await session.commit()
        return answer
      },
      commit: () => call('commit', commit),
      rollback: () => call('rollback', async () => this.#end(within())),
      hosts: {
        write: async (text) => void (await call('host', () => this.#execute(within(), { text, values: [] }))),
      } satisfies ScriptedHost,
      handOver: () => call('hand-over', async () => void within()),
      takeBack: () =>
        call('take-back', async () => {
          if (within().isAborted) throw new Broken('refused')
        }),
      release(isBroken) {
        if (!isBroken && transaction && !transaction.isOver)
          throw new Error('given back within a transaction')
        if (isBroken && !isLost) lose()
        isLost = true
      },
    }
    if (!this.#takesBoth) return session
    return {
      ...session,
      commitAfter: (text) =>
        call('commit', async () => {
          const { duplicate } = await this.#execute(within(), { text, values: [] })
          within().isAborted ||= duplicate
          return commit()
        }),
    }
  }

  async #execute(within: Transaction, query: Query): Promise<Answer> {
    if (within.isAborted) throw new Broken('refused')
    const nothing = { rows: [], changed: 1, duplicate: false }
    const name = nameOf(query)
    if (name === 'change') within.notes.push(query.text)
    if (name === 'change') return nothing
    const id = (query.values[0] as string | undefined) ?? /'([0-9a-f]+)'/.exec(query.text)![1]!
    if (name === 'find') return { ...nothing, rows: [[within.markers.get(id) ?? this.#markers.get(id)]] }
    // A unique column has the later one wait for the end of the earlier.
    const findHolder = () => [...this.#open].find((other) => other !== within && other.markers.has(id))
    for (let holder = findHolder(); holder; holder = findHolder()) {
      const { waiting } = holder
      await new Promise<void>((end) => waiting.push(end))
    }
    if (within.isOver) throw new Broken('lost')
    if (this.#markers.has(id)) return { ...nothing, changed: 0, duplicate: true }
    within.markers.set(id, name === 'deny' ? -1 : 1)
    return nothing
  }

  #commit(ended: Transaction): void {
    for (const note of ended.notes) this.notes.set(note, (this.notes.get(note) ?? 0) + 1)
    for (const [id, at] of ended.markers) this.#markers.set(id, at)
    this.#end(ended)
  }

  #end(ended: Transaction): void {
    ended.isOver = true
    this.#open.delete(ended)
    for (const go of ended.waiting.splice(0)) go()
  }
}

function nameOf({ text }: Query): Call {
  if (!text.includes('_commits')) return 'change'
  if (text.startsWith('select')) return 'find'
  return text.includes('values (?') ? 'deny' : 'marker'
}
