import { KeyrungError } from '../../core/errors.js'
import type { CredentialRow, KeyRow, KeySecretRecord } from '../../core/key.js'
import { markUnread } from '../../ports/unread.js'
import type { RecordType, Records } from '../../ports/change.js'
import { columnsOf, recordTypes } from '../columns.js'
import { keyOf, recordOf, widthOf } from '../record-values.js'
import { compareText } from '../text-order.js'
import type { Row } from './query.js'

interface Expected {
  /** For the operator: `secrets.endsAt`. */
  readonly path: string
  readonly holds: 'text' | 'number' | 'digest'
  readonly nullable: boolean
  readonly oneOf: readonly string[] | null
}

const expected = Object.fromEntries(
  recordTypes.map((type) => [
    type,
    columnsOf(type).map(([name, column]): Expected => {
      const number = column.kind === 'instant' || column.kind === 'count'
      const holds = number ? 'number' : column.kind === 'digest' ? 'digest' : 'text'
      return { path: `${type}.${name}`, holds, nullable: column.nullable, oneOf: column.oneOf ?? null }
    }),
  ]),
) as unknown as Readonly<Record<RecordType, readonly Expected[]>>

/** The columns of a secret that a credential's row begins with; the rest is known from the question and the key. */
export const credentialSecretColumns = [
  'id',
  'version',
  'hostSecretId',
  'lastFour',
  'createdAt',
  'endsAt',
] as const

const expectedCredential = [
  ...credentialSecretColumns.map((name) => expected.secret.find(({ path }) => path === `secret.${name}`)!),
  ...expected.key,
]

/** The error for a stored value that cannot be what was written; its text names the place, never the value. */
class UnreadableError extends KeyrungError {
  constructor(readonly place: string) {
    super('store_unavailable', { internal: `sql: unreadable ${place}` })
  }
}

/** Refuses a stored value that cannot be what was written. */
export function garbage(path: string): KeyrungError {
  return new UnreadableError(path)
}

function fits(value: unknown, { holds, nullable, oneOf }: Expected): boolean {
  if (value === null) return nullable
  if (holds === 'number') return Number.isSafeInteger(value)
  if (typeof value !== 'string') return false
  return oneOf === null || oneOf.includes(value)
}

function check(row: Row, columns: readonly Expected[], offset: number): void {
  for (let i = 0; i < columns.length; i++) {
    const column = columns[i]!
    if (column.holds === 'digest') row[offset + i] = digestOf(row[offset + i], column.path)
    else if (!fits(row[offset + i], column)) throw garbage(column.path)
  }
}

/** A digest's text: 32 characters, one a byte. */
export function digestOf(value: unknown, path: string): string {
  if (!(value instanceof Uint8Array) || value.length !== 32) throw garbage(path)
  return String.fromCharCode(...value)
}

/** Reads a record out of a row, from an offset on; what the record is not is refused. */
export function readRecord<T extends RecordType>(type: T, row: Row, offset = 0): Records[T] {
  check(row, expected[type], offset)
  return recordOf(type, row, offset)
}

/** Reads a row; text names the place of what is not understood. */
function tried<T>(read: () => T): T | string {
  try {
    return read()
  } catch (error) {
    if (error instanceof UnreadableError) return error.place
    throw error
  }
}

/** Reads the rows of a listing. One that is not understood does not spoil the rest: it is left out, and that is noted. */
export function readListing<T extends RecordType>(type: T, rows: readonly Row[]): Records[T][] {
  const records: Records[T][] = []
  let place: string | undefined
  for (const row of rows) {
    const record = tried(() => readRecord(type, row))
    if (typeof record !== 'string') records.push(record)
    else place ??= record
  }
  if (place === undefined) return records
  const id = rows.at(-1)![0]
  const lastId = typeof id === 'string' ? id : null
  return markUnread(records, { place, count: rows.length - records.length, lastId })
}

/** Reads a row of the hot path: the secret's own columns, then all of the key's. */
export function readCredential(row: Row, digest: string): CredentialRow {
  check(row, expectedCredential, 0)
  const key = keyOf(row, credentialSecretColumns.length)
  const secret: KeySecretRecord = {
    id: row[0] as string,
    keyId: key.id,
    workspaceId: key.workspaceId,
    version: row[1] as number,
    digest,
    hostSecretId: row[2] as string,
    lastFour: row[3] as string,
    createdAt: row[4] as number,
    endsAt: row[5] as number | null,
  }
  return { secret, key }
}

/** Reads a whole number that may be missing. */
export function readNumber(value: unknown, path: string): number {
  if (!Number.isSafeInteger(value)) throw garbage(path)
  return value as number
}

/** Reads a text. */
export function readText(value: unknown, path: string): string {
  if (typeof value !== 'string') throw garbage(path)
  return value
}

const keyWidth = widthOf('key')

/**
 * Reads keys with their secrets: in each row a key, its last use, and one of its secrets or nulls; keys and
 * secrets come in the order they stand in.
 */
export function readKeyRows(rows: readonly Row[]): KeyRow[] {
  const keys = new Map<string, FoundRow>()
  for (const row of rows) addKeyRow(keys, row)
  return [...keys.values()]
}

/** Reads the keys of a listing. One that is not understood is left out with its secrets, and that is noted. */
export function readKeyListing(rows: readonly Row[]): KeyRow[] {
  const keys = new Map<string, FoundRow>()
  const unread = new Set<unknown>()
  const ids = new Set<unknown>()
  let place: string | undefined
  for (const row of rows) {
    ids.add(row[0])
    const failed = tried(() => addKeyRow(keys, row))
    if (failed === undefined) continue
    unread.add(row[0])
    place ??= failed
  }
  const found = [...keys.values()].filter(({ key }) => !unread.has(key.id))
  if (place === undefined) return found
  const [lastId = null] = [...ids].filter((id) => typeof id === 'string').sort(compareText)
  return markUnread(found, { place, count: unread.size, lastId })
}

type FoundRow = KeyRow & { readonly secrets: KeySecretRecord[] }

function addKeyRow(keys: Map<string, FoundRow>, row: Row): undefined {
  const key = readRecord('key', row)
  let found = keys.get(key.id)
  if (!found) {
    const lastUse = row[keyWidth]
    const lastUsedAt = lastUse === null ? null : readNumber(lastUse, 'use.lastUsedAt')
    keys.set(key.id, (found = { key, secrets: [], lastUsedAt }))
  }
  if (row[keyWidth + 1] !== null) found.secrets.push(readRecord('secret', row, keyWidth + 1))
}
