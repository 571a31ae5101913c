import type { ClientBase } from 'pg'
import { crc32 } from '../../../src/crypto/checksum.js'
import { base62Alphabet } from '../../../src/crypto/encoding.js'
import type { RecordType } from '../../../src/ports/change.js'
import { columnsOf } from '../../../src/stores/columns.js'
import { columnName } from '../../../src/stores/sql/tables.js'
import type { TableNames } from '../../../src/stores/sql/tables.js'
import { format } from '../seed.js'

/** The workspace that every tenth key belongs to; the others are spread over ten thousand. */
export const bigWorkspace = 'ws_big'

/** One key in so many belongs to the big workspace, and one in so many is revoked. */
const bigEvery = 10
const revokedEvery = 50

const at = 1_767_225_600_000
const half = 10_000
const rowsAtOnce = 500_000

/** How many keys the big workspace has among so many. */
export function bigShare(count: number): number {
  return Math.floor(count / bigEvery)
}

/** The secret of the key with this number, below a hundred million. */
export function secretOf(number: number): string {
  return format.format('live', String(number).padStart(30, '0'))
}

/** The id of what has this number, in the form the library gives ids. */
export function idOf(kind: 'key' | 'sec' | 'evt', number: number): string {
  return `${kind}_${String(number).padStart(26, '0')}`
}

/** When the key with this number was made, and its event written. */
export function instantOf(number: number): number {
  return at + number
}

/** Says whether the key with this number is one that is let in. */
export function isActive(number: number): boolean {
  return number % revokedEvery !== 1
}

/**
 * What a number's digits add to the checksum of its secret, for four digits in front of four others. A CRC of texts
 * of one length is a sum: what two parts change in it may be added up, so the server needs no loop over letters.
 */
function checksumParts(): { readonly base: number; readonly front: number[]; readonly back: number[] } {
  const sumOf = (number: number) => crc32(secretOf(number).slice(0, -6))
  const base = sumOf(0)
  const part = (unit: number) => Array.from({ length: half }, (_, n) => (sumOf(n * unit) ^ base) >>> 0)
  return { base, front: part(half), back: part(1) }
}

/** The secret of number `n` as SQL, given the two parts of the sum as parameters. */
function secretSql(base: number): string {
  const sum = `(${base} # ($1::bigint[])[n / ${half} + 1] # ($2::bigint[])[n % ${half} + 1])`
  const letters = [5, 4, 3, 2, 1, 0].map(
    (power) => `substr('${base62Alphabet}', (${sum} / ${62 ** power} % 62)::int + 1, 1)`,
  )
  return `'tp_live_' || lpad(n::text, 30, '0') || ${letters.join(' || ')}`
}

const id = (kind: 'key' | 'sec' | 'evt') => `'${kind}_' || lpad(n::text, 26, '0')`
const workspace = `case when n % ${bigEvery} = 0 then '${bigWorkspace}' else 'ws_' || n % 9973 end`
const revoked = (then: string) => `case when n % ${revokedEvery} = 1 then ${then} end`

/** What stands in each column of the row with number `n`, as SQL. */
const expressions: Readonly<Record<'key' | 'secret' | 'event', Readonly<Record<string, string>>>> = {
  key: {
    id: id('key'),
    workspaceId: workspace,
    version: '1',
    name: `'Key ' || n`,
    nameSearch: `'key ' || n`,
    environment: `'live'`,
    mode: `'custom'`,
    scopes: `(array['contacts:read', 'contacts:write email:send', 'contacts:delete-approval email:read files:write'])[n % 3 + 1]`,
    status: `coalesce(${revoked(`'revoked'`)}, 'active')`,
    revokedAt: revoked(`${at} + n`),
    revokedBy: revoked(`'user:1'`),
    addressRules: `''`,
    metadata: `'{}'`,
    createdBy: `'user:' || n % 50`,
    createdAt: `${at} + n`,
    updatedAt: `${at} + n`,
  },
  secret: {
    id: id('sec'),
    keyId: id('key'),
    workspaceId: workspace,
    version: '1',
    digest: 'sha256(secret::bytea)',
    hostSecretId: `'none'`,
    lastFour: 'right(secret, 4)',
    createdAt: `${at} + n`,
  },
  event: {
    id: id('evt'),
    workspaceId: workspace,
    version: '1',
    at: `${at} + n`,
    actor: `'user:' || n % 50`,
    action: `'key.created'`,
    targetType: `'key'`,
    targetId: id('key'),
    targetName: `'Key ' || n`,
    details: `'{"before":null,"after":{"name":"Key ' || n || '","mode":"custom","scopes":["contacts:read"],"status":"active","expiresAt":null,"notBefore":null,"addressRules":[],"ownerId":null},"graceEndsAt":null}'`,
  },
}

/** An insert of the rows whose numbers a query gives as `n`. */
function insert(type: 'key' | 'secret' | 'event', names: TableNames, numbers: string): string {
  const columns = columnsOf(type satisfies RecordType).map(([name]) => name)
  const values = columns.map((name) => expressions[type][name] ?? 'null')
  return `insert into ${names[type]} (${columns.map(columnName).join(', ')}) select ${values.join(', ')} from ${numbers}`
}

/**
 * Writes so many keys with a secret each, and the events of a fifth of them, half of these in the big workspace.
 * Everything is made on the server; a row can be found again by its number, from 1.
 */
export async function writeKeys(
  client: ClientBase,
  names: TableNames,
  count: number,
  progress: (done: number) => void,
): Promise<void> {
  const { base, front, back } = checksumParts()
  for (let from = 1; from <= count; from += rowsAtOnce) {
    const to = Math.min(count, from + rowsAtOnce - 1)
    const series = `generate_series(${from}::bigint, ${to}::bigint) as n`
    await client.query(insert('key', names, series))
    await client.query(
      insert('secret', names, `(select n, ${secretSql(base)} as secret from ${series}) as made`),
      [front, back],
    )
    await client.query(insert('event', names, `${series} where n % ${bigEvery} in (0, 1)`))
    progress(to)
  }
}
