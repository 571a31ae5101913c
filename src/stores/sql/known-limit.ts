import type { LimitAnswer } from '../../ports/limit-store.js'
import type { SqlDriver } from './driver.js'
import { planBatch } from './limit-batch.js'
import type { BatchPlan, TakenRequest } from './limit-batch.js'
import type { LimitStatements } from './limit-statements.js'
import { readLimitRow } from './limit-steps.js'
import type { LimitRow } from './limit-steps.js'
import type { LimitTime } from './limit-time.js'
import type { Row } from './query.js'

/** What is shared by all subjects of a store. */
export interface KnownLimitOptions {
  readonly driver: SqlDriver
  readonly statements: LimitStatements
  readonly time: LimitTime
  readonly monotonic: () => number
  readonly firstVersion: () => number
}

/** What a row held when it was last heard of. */
interface Known {
  /** Null where there is none. */
  readonly row: LimitRow | null
  /** On the monotonic clock. */
  readonly heardAt: number
  readonly roundTripMs: number
}

/** How often a write may be lost to others before the row is held instead. */
const mostLost = 3

/** The longest that what is known may refuse without being asked for again: others may have given back. */
const longestTrustMs = 5

function looks({ charges }: TakenRequest): boolean {
  return charges.every(({ cost }) => cost === 0)
}

/**
 * One subject's row as this process knows it: what is spent is worked out on that, and written by a statement that
 * does nothing unless the row is still the same and the store's now is one that it was worked out for.
 */
export class KnownLimit {
  readonly #options: KnownLimitOptions
  readonly #id: string
  #known: Known | undefined

  constructor(options: KnownLimitOptions, id: string) {
    this.#options = options
    this.#id = id
  }

  /** What is known may no longer be so. */
  drop(): void {
    this.#known = undefined
  }

  /**
   * Answers requests about this subject alone; nothing where others were quicker again and again.
   *
   * @param dueBy on the monotonic clock; nothing is begun anew from then on
   */
  async findAnswers(
    requests: readonly TakenRequest[],
    dueBy: number,
  ): Promise<readonly LimitAnswer[] | undefined> {
    const { time } = this.#options
    let isAsked = false
    for (let lost = 0; lost < mostLost;) {
      const known = this.#known
      const now = time.findEarliest()
      if (known && now !== undefined) {
        const plan = this.#plan(requests, known, now)
        if (plan.contents.size > 0) {
          const answers = await this.#write(requests, known, plan)
          if (answers) return answers
          if (this.#options.monotonic() >= dueBy) return undefined
          lost++
          continue
        }
        if (isAsked) return plan.answers
        if (this.#isTrusted(known) && !requests.some(looks)) {
          // No instant that the store's clock can show by now makes another of it.
          const latest = this.#plan(requests, known, time.latest())
          if (latest.contents.size === 0) return latest.answers
        }
      }
      await this.#look()
      isAsked = true
    }
    return undefined
  }

  /** An answer that was so long under way could have been as old as this one is by now. */
  #isTrusted({ heardAt, roundTripMs }: Known): boolean {
    return this.#options.monotonic() - heardAt <= Math.min(roundTripMs, longestTrustMs)
  }

  #plan(requests: readonly TakenRequest[], { row }: Known, now: number): BatchPlan {
    return planBatch(requests, new Map([[this.#id, row?.text ?? '']]), now)
  }

  async #look(): Promise<void> {
    const { driver, statements, time, monotonic } = this.#options
    const sentAt = monotonic()
    const rows = await driver.ask({ ...statements.find(this.#id), decode: (rows) => rows })
    const [now, version, state] = rows[0] ?? []
    time.learn(now, sentAt)
    this.#know(readLimitRow(version, state), sentAt)
  }

  #know(row: LimitRow | null, sentAt: number): void {
    const heardAt = this.#options.monotonic()
    this.#known = { row, heardAt, roundTripMs: heardAt - sentAt }
  }

  /** Answers nothing where the row is another by now, or the time; what is there is known then, or has to be asked. */
  async #write(
    requests: readonly TakenRequest[],
    known: Known,
    plan: BatchPlan,
  ): Promise<readonly LimitAnswer[] | undefined> {
    const { driver, statements, monotonic, firstVersion } = this.#options
    const content = plan.contents.get(this.#id)!
    const version = known.row ? known.row.version + 1 : firstVersion()
    const query = known.row
      ? statements.update(this.#id, known.row.version, content, plan, true)
      : statements.insert(this.#id, version, content, plan, true)
    const sentAt = monotonic()
    // Whatever becomes of it, this is no longer what is there.
    this.drop()
    const answer = await driver.write(query)
    const [row] = answer.rows
    const isWritten = statements.tells ? row?.[1] === 1 : answer.changed === 1
    if (!isWritten) {
      if (row) this.#hearLost(row, known, plan, sentAt)
      return undefined
    }
    this.#know({ version, text: content.text }, sentAt)
    const told = statements.tells ? row![0] : answer.noted
    // What is inserted cannot tell when on every database: some time in the range, as this is.
    if (!statements.isTimed || !isWithin(plan, told)) return plan.answers
    return this.#plan(requests, known, this.#options.time.learn(told, sentAt)).answers
  }

  #hearLost([now, , version, state]: Row, known: Known, plan: BatchPlan, sentAt: number): void {
    this.#options.time.learn(now, sentAt)
    const there = readLimitRow(version, state)
    // A statement shows what was there as it began, also where it then waited for another that changed it.
    const isOther = there?.version !== known.row?.version
    if (isOther || (this.#options.statements.isTimed && !isWithin(plan, now))) this.#know(there, sentAt)
  }
}

/** Says whether the store's now, as it was told, is one that a plan was made for. */
function isWithin({ from, until }: BatchPlan, now: unknown): boolean {
  return typeof now === 'number' && now >= from && now < until
}
