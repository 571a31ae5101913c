import { invalid } from '../core/errors.js'
import type { Change, RecordType, Records } from '../ports/change.js'
import { columns, columnsOf } from './columns.js'
import type { Column } from './columns.js'
import { recordOf, valuesOf } from './record-values.js'

type AnyRecord = Records[RecordType]

/** The longest text that a `name` column takes, in UTF-16 units: an index over three of them fits every database. */
const longestName = 255

/** Columns that the store or the insert alone decides. */
const fixed: ReadonlySet<string> = new Set(['id', 'workspaceId', 'version'])

const counterName: Column = { kind: 'name', nullable: false }

/** A lone surrogate cannot be written as UTF-8, and NUL is no text to some databases: both would come back as something else. */
const unstorable = /[\0\p{Surrogate}]/u

const bytes = /^[\0-\xff]{32}$/

/** Says whether a text comes back from every store exactly as it went in. */
export function isStorable(text: string): boolean {
  return !unstorable.test(text)
}

/** Says whether a text can stand in a `name` column: where it cannot, no record has it. */
export function isName(text: unknown): text is string {
  return typeof text === 'string' && text.length <= longestName && isStorable(text)
}

/** Says whether a text is a digest: 32 characters, one a byte. */
export function isDigest(text: unknown): text is string {
  return typeof text === 'string' && bytes.test(text)
}

function faultOf(column: Column, value: unknown): string | null {
  if (value === null) return column.nullable ? null : 'must not be null'
  if (column.kind === 'digest') return isDigest(value) ? null : 'must be 32 characters, one a byte'
  if (column.kind === 'instant' || column.kind === 'count') {
    return Number.isSafeInteger(value) ? null : 'must be a whole number'
  }
  if (typeof value !== 'string') return 'must be a text'
  if (!isStorable(value)) return 'must be well-formed Unicode without NUL'
  if (column.oneOf && !column.oneOf.includes(value)) return `must be one of ${column.oneOf.join(', ')}`
  if (column.kind === 'name' && value.length > longestName)
    return `must have at most ${longestName} characters`
  return null
}

function check(column: Column, value: unknown, path: string, name: string): void {
  const fault = faultOf(column, value)
  if (fault) throw invalid('input_invalid', [{ path: `${path}.${name}`, message: fault }])
}

/** Copies a record that is to be inserted: its known columns only, at version 1, frozen. */
function takeRecord(type: RecordType, record: AnyRecord, path: string): AnyRecord {
  const values = valuesOf(type, record)
  const known = columnsOf(type)
  for (let i = 0; i < known.length; i++) {
    const [name, column] = known[i]!
    if (name === 'version') values[i] = 1
    else check(column, values[i], path, name)
  }
  return Object.freeze(recordOf(type, values))
}

/** Copies the columns that are to be updated. */
function takeSet(
  type: RecordType,
  set: object,
  path: string,
): readonly (readonly [string, string | number | null])[] {
  const known = columns[type] as Readonly<Record<string, Column>>
  return Object.entries(set).map(([name, value]) => {
    if (fixed.has(name) || !Object.hasOwn(known, name)) {
      throw invalid('input_invalid', [{ path: `${path}.${name}`, message: 'cannot be set' }])
    }
    check(known[name]!, value, path, name)
    return [name, value as string | number | null] as const
  })
}

/** An update whose parts have been checked and copied. */
export interface TakenUpdate {
  readonly do: 'update'
  readonly type: RecordType
  readonly id: string
  readonly version: number
  readonly set: readonly (readonly [column: string, value: string | number | null])[]
}

/** A change whose parts have been checked and copied. */
export type TakenChange = {
  /** Infinite where there is no such condition. */
  readonly before: number
} & (
  | { readonly do: 'insert'; readonly type: RecordType; readonly id: string; readonly record: AnyRecord }
  | TakenUpdate
  | { readonly do: 'delete'; readonly type: RecordType; readonly id: string; readonly version: number }
  | { readonly do: 'check'; readonly type: RecordType; readonly id: string; readonly version: number }
  | { readonly do: 'counter'; readonly name: string; readonly delta: number; readonly max: number }
)

function checkNumber(value: unknown, path: string): void {
  if (Number.isSafeInteger(value)) return
  throw invalid('input_invalid', [{ path, message: 'must be a whole number' }])
}

/**
 * Checks a change and copies it, so that nothing its giver does to it later is seen.
 *
 * @throws KeyrungError `input_invalid`
 */
export function takeChange(change: Change, path: string): TakenChange {
  const before = change.before ?? Infinity
  if (before !== Infinity) checkNumber(before, `${path}.before`)
  if (change.do === 'counter') {
    const { name, delta, max = null } = change
    check(counterName, name, path, 'name')
    checkNumber(delta, `${path}.delta`)
    if (max !== null) checkNumber(max, `${path}.max`)
    return { do: 'counter', before, name, delta, max: max ?? Number.MAX_SAFE_INTEGER }
  }
  const { type } = change
  if (!Object.hasOwn(columns, type)) {
    throw invalid('input_invalid', [{ path: `${path}.type`, message: 'is no kind of records' }])
  }
  if (change.do === 'insert') {
    const record = takeRecord(type, change.record, `${path}.record`)
    return { do: 'insert', before, type, id: record.id, record }
  }
  if (change.do !== 'update' && change.do !== 'delete' && change.do !== 'check') {
    throw invalid('input_invalid', [{ path: `${path}.do`, message: 'is no kind of change' }])
  }
  const { id } = change
  const version = change.do === 'check' ? change.version : change.expectVersion
  if (typeof id !== 'string')
    throw invalid('input_invalid', [{ path: `${path}.id`, message: 'must be a text' }])
  checkNumber(version, `${path}.version`)
  if (change.do !== 'update') return { do: change.do, before, type, id, version }
  return { do: 'update', before, type, id, version, set: takeSet(type, change.set, `${path}.set`) }
}
