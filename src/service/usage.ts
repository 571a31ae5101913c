import * as z from 'zod/mini'
import { workspaceOf } from '../core/actor.js'
import type { Actor } from '../core/actor.js'
import type { AnyCatalog } from '../core/catalog.js'
import { invalid, KeyrungError } from '../core/errors.js'
import { dayAt, usageOutcomes } from '../core/usage.js'
import type { UsageOutcome } from '../core/usage.js'
import type { UsageRequest, UsageRow } from '../ports/usage-store.js'
import type { ServiceContext } from './context.js'
import { objectOf, readFields } from './keys/fields.js'
import { admitActor } from './management.js'
import { dayField, formatDay, parseDay } from './usage-day.js'

/** Which days' usage is asked for, in UTC as `YYYY-MM-DD`; at most 366 of them. */
export interface UsageQuery {
  /** The first day; 29 days before the last one unless said otherwise. */
  readonly from?: string | undefined
  /** The last day, included; today unless said otherwise. */
  readonly to?: string | undefined
}

/** Calls by what they came to. */
export type UsageTotals = Readonly<Record<UsageOutcome, number>>

/** All calls of one day. */
export interface UsageDay extends UsageTotals {
  readonly day: string
}

/** Calls of one day that demanded one permission and came to one outcome. */
export interface PermissionUsage {
  /** In UTC, as `YYYY-MM-DD`. */
  readonly day: string
  /** By today's name; one that the catalogue no longer has stands as it was. */
  readonly permission: string
  readonly outcome: UsageOutcome
  readonly calls: number
}

/** What was called, for charts: a call counts once in `totals` and `days`, and under each permission it demanded in `rows`. */
export interface Usage {
  readonly from: string
  readonly to: string
  readonly totals: UsageTotals
  /** Days on which anything was called, in order. */
  readonly days: readonly UsageDay[]
  /** In the order of days, then of permissions, then of outcomes. */
  readonly rows: readonly PermissionUsage[]
}

const query = objectOf({ from: z.optional(dayField), to: z.optional(dayField) })

const usualDays = 30
const mostDays = 366

/** The most rows of an answer: a year of fourteen permissions with all four outcomes a day, or more of fewer. */
const mostRows = 20_000

type Needs = Pick<
  ServiceContext,
  'catalog' | 'clock' | 'keyFormat' | 'keySettings' | 'rights' | 'store' | 'usageSettings' | 'flushUsage'
>

/** Tells the usage of the actor's own workspace: the sums over its keys. */
export async function usageOfWorkspace(context: Needs, given: Actor, input: unknown): Promise<Usage> {
  const actor = await admitActor(context, given, 'list')
  requireUsage(context)
  return findUsage(context, { workspaceId: workspaceOf(actor) }, input)
}

/** @throws KeyrungError `operation_disabled` where the host does not count usage */
export function requireUsage({ usageSettings }: Pick<Needs, 'usageSettings'>): void {
  if (usageSettings.counts) return
  throw new KeyrungError('operation_disabled', {
    message: 'This host does not count what keys are used for.',
  })
}

/**
 * Finds and sums up usage.
 *
 * @throws KeyrungError `input_invalid`, also for days with more rows than an answer holds; `store_unavailable`
 */
export async function findUsage(
  context: Pick<Needs, 'catalog' | 'clock' | 'store' | 'flushUsage'>,
  whose: Pick<UsageRequest, 'workspaceId' | 'keyId'>,
  input: unknown,
): Promise<Usage> {
  const { fromDay, toDay } = readDays(input, dayAt(context.clock.now()))
  const rows = await readUsage(context, { ...whose, fromDay, toDay }, 'from')
  const calls = rows.filter(({ permission }) => permission === '')
  const days = [...new Set(calls.map(({ day }) => day))].sort((a, b) => a - b)
  return {
    from: formatDay(fromDay),
    to: formatDay(toDay),
    totals: totalsOf(calls),
    days: days.map((day) => ({
      day: formatDay(day),
      ...totalsOf(calls.filter((row) => row.day === day)),
    })),
    rows: byPermission(context.catalog, rows),
  }
}

/**
 * Reads usage from the store, all of it or none. What this instance has counted is written first; what others have
 * counted in the last seconds may be missing.
 *
 * @param path what to change where it is too much, for the fault
 */
export async function readUsage(
  { store, flushUsage }: Pick<Needs, 'store' | 'flushUsage'>,
  request: Omit<UsageRequest, 'limit'>,
  path: string,
): Promise<readonly UsageRow[]> {
  await flushUsage()
  const rows = await store.findUsage({ ...request, limit: mostRows + 1 })
  if (rows.length > mostRows) {
    const message = `goes too far back: these days have more than ${mostRows} rows`
    throw invalid('input_invalid', [{ path, message }])
  }
  return rows
}

function readDays(input: unknown, today: number): Pick<UsageRequest, 'fromDay' | 'toDay'> {
  const { value, faults } = readFields(query, input === undefined ? {} : input)
  if (!value) throw invalid('input_invalid', faults)
  const toDay = parseDay(value.to) ?? today
  const fromDay = parseDay(value.from) ?? toDay - usualDays + 1
  if (fromDay > toDay) throw invalid('input_invalid', [{ path: 'to', message: 'must not be before from' }])
  if (toDay - fromDay >= mostDays) {
    throw invalid('input_invalid', [
      { path: 'from', message: `must be at most ${mostDays - 1} days before to` },
    ])
  }
  return { fromDay, toDay }
}

function totalsOf(rows: readonly UsageRow[]): UsageTotals {
  const totals = { allow: 0, approval: 0, deny: 0, limited: 0 }
  for (const { outcome, calls } of rows) totals[outcome] += calls
  return totals
}

/** One row for each permission by today's name: before a rename it was counted under another. */
function byPermission(catalog: AnyCatalog, rows: readonly UsageRow[]): readonly PermissionUsage[] {
  const sums = new Map<string, { -readonly [P in keyof PermissionUsage]: PermissionUsage[P] }>()
  for (const { day, permission: was, outcome, calls } of rows) {
    if (was === '') continue
    const permission = catalog.find(was)?.permission ?? was
    const name = `${day} ${outcome} ${permission}`
    const sum = sums.get(name)
    if (sum) sum.calls += calls
    else sums.set(name, { day: formatDay(day), permission, outcome, calls })
  }
  const order = ({ outcome }: PermissionUsage): number => usageOutcomes.indexOf(outcome)
  return [...sums.values()].sort(
    (a, b) => compare(a.day, b.day) || compare(a.permission, b.permission) || order(a) - order(b),
  )
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
