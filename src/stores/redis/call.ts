import type { LimitMeter } from '../../core/limit-window.js'
import type { LimitRule } from '../../core/limit.js'
import type { LimitAnswer, LimitRefund, LimitRequest } from '../../ports/limit-store.js'
import { unavailable } from './failure.js'
import { subjectKey } from './keys.js'
import type { Seen, Told } from './watch.js'

/** What a script is told, and about which keys. */
export interface Call {
  readonly keys: readonly string[]
  readonly values: readonly string[]
}

/** Widths that stand for what the calendar says. */
const widths = { day: 0, month: 1 } as const

/** Four values for each rule. The same list comes with every request of a key, so they are written once. */
const written = new WeakMap<readonly LimitRule[], readonly string[]>()

function valuesOf(rules: readonly LimitRule[]): readonly string[] {
  const before = written.get(rules)
  if (before) return before
  const values = rules.flatMap(({ name, limit, kind, bucketMs, buckets }) => [
    name,
    String(limit),
    String(kind === 'rolling' ? bucketMs : widths[kind]),
    String(buckets),
  ])
  // A list that may still be changed is no key to what was written of it.
  if (Object.isFrozen(rules)) written.set(rules, values)
  return values
}

/** What `spendScript` is run with. */
export function spendCall(request: LimitRequest, workspace: string, time: string, seen: Seen): Call {
  const keys = [workspace]
  const values = [
    time,
    seen.check ? '1' : '0',
    seen.run,
    String(seen.born),
    String(seen.seenAt),
    String(seen.lossAt),
    request.force === true ? '1' : '0',
  ]
  for (const { subject, rules, cost } of request.charges) {
    keys.push(subjectKey(workspace, subject))
    values.push(String(cost), String(rules.length), ...valuesOf(rules))
  }
  return { keys, values }
}

/** What `refundScript` is run with. */
export function refundCall(refund: LimitRefund, workspace: string, time: string): Call {
  return {
    keys: [workspace, subjectKey(workspace, refund.subject)],
    values: [time, String(refund.spentAt), String(refund.units), ...valuesOf(refund.rules)],
  }
}

/**
 * Reads what `spendScript` answered; clients may be set to hand out numbers as texts.
 *
 * @throws KeyrungError `store_unavailable` for what it cannot have answered
 */
export function readSpent(answer: unknown, request: LimitRequest): LimitAnswer & { readonly told: Told } {
  const rules = request.charges.flatMap((charge) => charge.rules)
  if (!Array.isArray(answer) || answer.length !== 5 + 3 * rules.length) throw unavailable('an odd answer')
  const [ok, now, run, born, lostAt, ...rest] = answer as readonly unknown[]
  const told = { now: whole(now), run: String(run), born: whole(born), lostAt: whole(lostAt) }
  const meters = rules.map((rule, i): LimitMeter => {
    const [used, resetAt, fitsAt] = [whole(rest[3 * i]), whole(rest[3 * i + 1]), whole(rest[3 * i + 2])]
    return {
      rule,
      used,
      remaining: Math.max(0, rule.limit - used),
      resetAt,
      retryAt: fitsAt === 0 ? told.now : fitsAt === -1 ? null : fitsAt,
      fits: fitsAt === 0,
    }
  })
  return { ok: whole(ok) === 1, now: told.now, meters, told }
}

function whole(value: unknown): number {
  const number = typeof value === 'number' ? value : Number(String(value))
  if (!Number.isSafeInteger(number)) throw unavailable('an odd answer')
  return number
}
