import type { LimitMeter } from '../../core/limit-window.js'
import type { LimitAnswer, LimitRefund } from '../../ports/limit-store.js'
import type { Batch, Group } from './batch.js'
import { unavailable } from './failure.js'
import { subjectKey } from './keys.js'
import { monthText, resetsAfter, ruleListOf } from './rule-list.js'
import type { Seen, Told } from './watch.js'

/** What a script is told, and about which keys. */
export interface Call {
  readonly keys: readonly string[]
  readonly values: readonly string[]
}

/**
 * What `spendScript` is run with.
 *
 * @param time the store's now, or `''` where the server says it
 * @param guess what the store's now may be
 * @param seen what is known of each workspace, in the batch's order
 */
export function spendCall(batch: Batch, time: string, guess: number, seen: readonly Seen[]): Call {
  const { workspaces, subjects, lists, groups } = batch
  const parts = [
    lists.map((list) => `[${list.text},${monthText(list, guess)}]`),
    seen.map(({ note, text }) => `["${note.text}",${note.lostAt},${note.writtenAt},"${text}"]`),
    Array.from(subjects.values(), ({ workspace, list }) => `${workspace + 1},${list + 1}`),
    groups.map(textOf),
  ]
  const request = `[${parts.map((part) => `[${part.join(',')}]`).join(',')}]`
  return { keys: [...workspaces.keys(), ...subjects.keys()], values: [time, request] }
}

function textOf({ request, subjects, callers }: Group): string {
  let text = `${callers.length},${request.force === true ? 1 : 0},${subjects.length}`
  subjects.forEach(({ index }, i) => (text += `,${index + 1},${request.charges[i]!.cost}`))
  return text
}

/** What `refundScript` is run with. */
export function refundCall(refund: LimitRefund, workspace: string, time: string): Call {
  return {
    keys: [workspace, subjectKey(workspace, refund.subject)],
    values: [time, String(refund.spentAt), String(refund.units), ...ruleListOf(refund.rules).values],
  }
}

/** What `spendScript` answered, read; nothing for a group whose subjects cannot be. */
export interface Spent {
  readonly now: number
  /** By the place of the workspace. */
  readonly told: ReadonlyMap<number, Told>
  /** For each group, what each of its callers is answered. */
  readonly answers: readonly (((caller: number) => LimitAnswer) | undefined)[]
}

/**
 * Reads what `spendScript` answered; clients may be set to hand out numbers as texts.
 *
 * @throws KeyrungError `store_unavailable` for what it cannot have answered
 */
export function readSpent(answer: unknown, batch: Batch): Spent {
  if (!Array.isArray(answer)) throw unavailable('an odd answer')
  const values = answer as readonly unknown[]
  const now = whole(values[0])
  const told = readTold(String(values[1]))
  const resets = batch.lists.map((list) => resetsAfter(list, now))
  let at = 2
  const answers = batch.groups.map((group) => {
    const first = whole(values[at++])
    if (first === -1) return undefined
    const isPlain = first >= 0
    const admitted = isPlain ? first : -2 - first
    const isPossible = isPlain ? admitted === group.callers.length : admitted <= group.callers.length
    if (!isPossible) throw unavailable('an odd answer')
    const lines: Line[] = []
    group.subjects.forEach(({ list }, charge) => {
      batch.lists[list]!.rules.forEach((rule, i) => {
        const used = whole(values[at++])
        const resetAt = isPlain ? (used === 0 ? now : resets[list]![i]!) : whole(values[at++])
        const fitsAt = isPlain ? 0 : whole(values[at++])
        lines.push({ rule, used, resetAt, fitsAt, cost: group.request.charges[charge]!.cost })
      })
    })
    return (caller: number) => answerOf(lines, now, admitted, caller)
  })
  if (at !== values.length) throw unavailable('an odd answer')
  return { now, told, answers }
}

/** How one limit stands after a group. */
interface Line extends Pick<LimitMeter, 'rule' | 'used' | 'resetAt'> {
  readonly fitsAt: number
  readonly cost: number
}

/** What one caller of a group is answered: the first are admitted, each when those before it have spent. */
function answerOf(lines: readonly Line[], now: number, admitted: number, caller: number): LimitAnswer {
  const ok = caller < admitted
  const after = ok ? admitted - 1 - caller : 0
  const meters = lines.map(({ rule, used: last, resetAt, fitsAt, cost }): LimitMeter => {
    const used = last - after * cost
    const fits = ok || fitsAt === 0
    return {
      rule,
      used,
      remaining: Math.max(0, rule.limit - used),
      resetAt,
      retryAt: fits ? now : fitsAt === -1 ? null : fitsAt,
      fits,
    }
  })
  return { ok, now, meters }
}

/** `1 <run or ?> <note>;` for each workspace that is spoken of. */
const tellings = /(\d+) (\S+) ((\S+) (\d+) (\d+) (-?\d+));/g

function readTold(text: string): ReadonlyMap<number, Told> {
  const told = new Map<number, Told>()
  if (text === '') return told
  for (const [, place, run, note, , born, lostAt, writtenAt] of text.matchAll(tellings)) {
    told.set(Number(place) - 1, {
      run: run === '?' ? null : run!,
      note: { text: note!, lostAt: Number(lostAt), writtenAt: Number(writtenAt) },
      born: born!,
    })
  }
  if (told.size === 0) throw unavailable('an odd answer')
  return told
}

function whole(value: unknown): number {
  const number = typeof value === 'number' ? value : Number(String(value))
  if (!Number.isSafeInteger(number)) throw unavailable('an odd answer')
  return number
}
