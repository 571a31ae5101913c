import { packStates, textForgettableAt, unpackStates } from '../../core/limit-text.js'
import { takeBack } from '../../core/limit-window.js'
import type { Clock } from '../../ports/clock.js'
import type { LimitAnswer, LimitRefund } from '../../ports/limit-store.js'
import { idsOf, limitId, planBatch } from './limit-batch.js'
import type { LimitContent, TakenRequest } from './limit-batch.js'
import type { LimitStatements, Range } from './limit-statements.js'
import type { Row, Steps } from './query.js'
import { readNumber, readText } from './rows.js'
import type { StoreTime } from './store-time.js'

/** A row of the table of limits. */
export interface LimitRow {
  readonly version: number
  readonly text: string
}

/** How spending in a transaction went. */
export type Spent =
  | { readonly done: true; readonly answers: readonly LimitAnswer[]; readonly isChanged: boolean }
  /** Rows are missing that would have to be held, or time has passed beyond what was worked out: nothing was done. */
  | { readonly done: false; readonly why: 'absent' | 'late' }

/** What the steps are made of. */
export interface LimitStepsOptions {
  readonly statements: LimitStatements
  readonly time: StoreTime
  readonly clock: Pick<Clock, 'now'> | null
  /** The first version of a row; never one that a row of the same id has had. */
  readonly firstVersion: () => number
  /** True where a transaction that writes is alone, so that a row which is not there stays so. */
  readonly alone: boolean
}

const always: Range = { from: 0, until: Number.MAX_SAFE_INTEGER }

/** Reads a row that may be missing. */
export function readLimitRow(version: unknown, state: unknown): LimitRow | null {
  if (version === null || version === undefined) return null
  return { version: readNumber(version, 'limit.version'), text: readText(state, 'limit.state') }
}

/** Spending, giving back and forgetting within transactions. */
export function limitSteps({ statements, time, clock, firstVersion, alone }: LimitStepsOptions) {
  function readRows(rows: readonly Row[]): Map<string, LimitRow> {
    return new Map(
      rows.map(([, id, version, state]) => [readText(id, 'limit.id'), readLimitRow(version, state)!]),
    )
  }

  /** Says whether the row was written: it is not where time has passed beyond the range. */
  function* write(
    id: string,
    row: LimitRow | undefined,
    content: LimitContent,
    range: Range,
  ): Steps<boolean> {
    const query = row
      ? statements.update(id, row.version, content, range)
      : statements.insert(id, firstVersion(), content, range)
    return (yield query).changed > 0
  }

  /** @param looks where nobody spends: nothing is held, and rows need not be there */
  function* spend(requests: readonly TakenRequest[], looks: boolean): Steps<Spent> {
    const ids = idsOf(requests)
    const rows = ids.length === 0 ? [] : (yield statements.findAll(ids, !looks)).rows
    const found = readRows(rows)
    if (!looks && !alone && found.size < ids.length) return { done: false, why: 'absent' }
    // As of before the rows were held; that time has passed since then is found out by the range.
    const now = clock || rows.length === 0 ? yield* time.read() : readNumber(rows[0]![0], 'server time')
    const texts = new Map([...found].map(([id, { text }]) => [id, text]))
    const plan = planBatch(requests, texts, now)
    for (const [id, content] of plan.contents) {
      if (!(yield* write(id, found.get(id), content, plan))) return { done: false, why: 'late' }
    }
    return { done: true, answers: plan.answers, isChanged: plan.contents.size > 0 }
  }

  function* makeRows(ids: readonly string[]): Steps<void> {
    for (const id of ids) yield statements.makeRow(id, firstVersion())
  }

  /** Says whether anything is to be committed. */
  function* refund({ workspaceId, subject, rules, units, spentAt }: LimitRefund): Steps<boolean> {
    const id = limitId(workspaceId, subject)
    const { rows } = yield statements.findAll([id], true)
    const row = readRows(rows).get(id)
    if (!row) return false
    const now = yield* time.read()
    const left = unpackStates(rules, row.text).map((state, i) => takeBack(rules[i]!, state, spentAt, units))
    const text = packStates(rules, left, row.text, now)
    if (text === row.text) return false
    return yield* write(id, row, { text, forgetAt: textForgettableAt(text) }, always)
  }

  function* forget(id: string): Steps<void> {
    yield statements.remove(id)
  }

  /** Removes at most so many rows that say nothing any more. */
  function* purge(limit: number): Steps<number> {
    const { rows } = yield statements.findOld(limit)
    const ids = rows.map(([id]) => readText(id, 'limit.id')).sort()
    let removed = 0
    // In order, as everybody takes them; and only what still says nothing.
    for (const id of ids) removed += (yield statements.removeOld(id)).changed
    return removed
  }

  return { spend, makeRows, refund, forget, purge }
}
