import { KeyrungError } from './errors.js'
import { maxLimits } from './limit.js'
import type { LimitRule } from './limit.js'
import { bucketAt, bucketStart, forgettableAt, mostCounted, unspent } from './limit-window.js'
import type { LimitState } from './limit-window.js'
import { isName } from './name.js'

/** What tells how units were counted: equal windows, equal counts. */
type Window = Pick<LimitRule, 'kind' | 'bucketMs' | 'buckets'>

/** What a text says: when it was written, and what of. */
interface Reading {
  readonly writtenAt: number
  readonly entries: readonly Entry[]
}

interface Entry extends Window {
  readonly name: string
  readonly state: LimitState
}

const letters = { rolling: 'r', day: 'd', month: 'm' } as const
const kinds: Readonly<Record<string, LimitRule['kind']>> = { r: 'rolling', d: 'day', m: 'month' }

/** The limits of a subject, as three lists may speak of them, and some that it once had. */
const maxEntries = 4 * maxLimits
const maxBuckets = 61
const maxText = 20_000
const entryPattern = /^([^ ]+) ([rdm]) ([0-9a-z]+) ([0-9a-z]+) ([0-9a-z]+) ([0-9a-z,]+)$/
const numberPattern = /^(?:0|[1-9a-z][0-9a-z]{0,10})$/

/** The last instant that a `Date` can show. */
const lastInstant = 8_640_000_000_000_000

/**
 * Writes what one subject spent of its limits as one short text of ASCII, the same for the same states whatever their
 * order; `''` where nothing is left to remember.
 *
 * Limits that are not among the rules but in the text before are kept until they say nothing any more, so that a limit
 * which is taken away and given back is not full again. Beyond 32 limits in all, those that say nothing soonest are dropped.
 *
 * @param states in the order of the rules
 * @param before the text as it was read
 * @param now the store's
 * @throws KeyrungError `store_unavailable` where the text before is not one of these
 */
export function packStates(
  rules: readonly LimitRule[],
  states: readonly LimitState[],
  before: string,
  now: number,
): string {
  const entries: Entry[] = rules.map((rule, i) => ({ ...rule, state: states[i]! }))
  const read = readText(before)
  const kept = read.entries
    .filter((entry) => !rules.some(({ name }) => name === entry.name) && endOf(entry) > now)
    .sort((a, b) => endOf(b) - endOf(a) || (a.name < b.name ? -1 : 1))
  const written = [...entries, ...kept.slice(0, Math.max(0, maxEntries - entries.length))]
    .filter(({ state }) => state.counts.some((units) => units > 0))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(entryText)
  return written.length === 0
    ? ''
    : [Math.max(Math.floor(now), read.writtenAt).toString(36), ...written].join(';')
}

/**
 * Reads what was spent of some limits; of those the text does not speak of, nothing.
 *
 * Where a limit's window has changed, all that the text holds of it counts as late as it can have been spent: when the
 * text was written, or at the end of the newest bucket of the old window, if that is earlier.
 *
 * @param text what `packStates` wrote, or `''`
 * @returns in the order of the rules
 * @throws KeyrungError `store_unavailable` where the text is not one of these
 */
export function unpackStates(rules: readonly LimitRule[], text: string): readonly LimitState[] {
  const { writtenAt, entries } = readText(text)
  return rules.map((rule) => {
    const entry = entries.find(({ name }) => name === rule.name)
    return entry === undefined ? unspent : stateFor(rule, entry, writtenAt)
  })
}

/**
 * The first instant at which a text says no more than none at all.
 *
 * @throws KeyrungError `store_unavailable` where the text is not one of these
 */
export function textForgettableAt(text: string): number {
  return Math.max(0, ...readText(text).entries.map(endOf))
}

function stateFor(rule: LimitRule, entry: Entry, writtenAt: number): LimitState {
  const { state } = entry
  if (entry.kind === rule.kind && entry.bucketMs === rule.bucketMs && entry.buckets === rule.buckets) {
    return state
  }
  const old = ruleOf(entry)
  const spent = state.counts.reduce((sum, units) => sum + units, 0)
  const first = bucketStart(old, state.bucket)
  const last = bucketStart(old, state.bucket + 1) - 1
  return {
    bucket: bucketAt(rule, Math.max(first, Math.min(writtenAt, last))),
    counts: [Math.min(spent, mostCounted)],
  }
}

function ruleOf({ name, kind, bucketMs, buckets }: Entry): LimitRule {
  return { name, kind, bucketMs, buckets, limit: 0, windowMs: 0 }
}

function endOf(entry: Entry): number {
  return forgettableAt(ruleOf(entry), entry.state)
}

function entryText({ name, kind, bucketMs, buckets, state }: Entry): string {
  const counts = state.counts.slice(0, buckets)
  while (counts.at(-1) === 0) counts.pop()
  const numbers = [bucketMs, buckets, state.bucket].map((number) => number.toString(36)).join(' ')
  return `${name} ${letters[kind]} ${numbers} ${counts.map((units) => units.toString(36)).join(',')}`
}

function readText(text: string): Reading {
  if (text === '') return { writtenAt: 0, entries: [] }
  if (typeof text !== 'string' || text.length > maxText) throw unreadable()
  const [first, ...parts] = text.split(';')
  const writtenAt = readNumber(first!)
  if (writtenAt > lastInstant || parts.length === 0 || parts.length > maxEntries) throw unreadable()
  const entries = parts.map(readEntry)
  if (new Set(entries.map(({ name }) => name)).size < entries.length) throw unreadable()
  return { writtenAt, entries }
}

function readEntry(text: string): Entry {
  const [, name, letter, width, many, newest, list] = entryPattern.exec(text) ?? []
  if (list === undefined || !isName(name)) throw unreadable()
  const kind = kinds[letter!]!
  const [bucketMs, buckets, bucket] = [readNumber(width!), readNumber(many!), readNumber(newest!)]
  const texts = list.split(',')
  if (kind === 'rolling' ? bucketMs < 1 || buckets < 2 : bucketMs !== 0 || buckets !== 1) throw unreadable()
  if (buckets > maxBuckets || texts.length > buckets) throw unreadable()
  const counts = texts.map(readNumber)
  if (counts.at(-1) === 0 || counts.some((units) => units > mostCounted)) throw unreadable()
  const entry: Entry = { name, kind, bucketMs, buckets, state: { bucket, counts } }
  if (!(endOf(entry) <= lastInstant)) throw unreadable()
  return entry
}

function readNumber(text: string): number {
  if (!numberPattern.test(text)) throw unreadable()
  const number = Number.parseInt(text, 36)
  if (!Number.isSafeInteger(number)) throw unreadable()
  return number
}

function unreadable(): KeyrungError {
  return new KeyrungError('store_unavailable', {
    internal: 'limits: what was spent is kept as a text that cannot be read',
  })
}
