import { beforeEach, describe, expect, it } from 'vitest'
import { parseLimits } from '../../src/core/limit.js'
import type { SqlDriver } from '../../src/stores/sql/driver.js'
import { KnownLimit } from '../../src/stores/sql/known-limit.js'
import type { TakenRequest } from '../../src/stores/sql/limit-batch.js'
import { limitStatements } from '../../src/stores/sql/limit-statements.js'
import { LimitTime } from '../../src/stores/sql/limit-time.js'
import { postgresDialect } from '../../src/stores/sql/postgres-dialect.js'
import type { Answer, Row } from '../../src/stores/sql/query.js'
import { tableNames } from '../../src/stores/sql/tables.js'

const start = 1_767_225_600_000
const first = 7

let passedMs: number
/** How long a statement is on its way, there and back. */
let tripMs: number
let sent: ('ask' | 'write')[]
/** The row as the database has it. */
let row: { version: number; text: string } | undefined
/** Called once, between the plan of a write and its arrival. */
let meanwhile: (() => Row | void) | undefined
let limit: KnownLimit

const serverNow = () => start + Math.floor(passedMs)

beforeEach(() => {
  ;[passedMs, tripMs, sent, row, meanwhile] = [0, 4, [], undefined, undefined]
  const monotonic = () => passedMs
  const driver = {
    async ask({ decode }: Parameters<SqlDriver['ask']>[0]) {
      sent.push('ask')
      passedMs += tripMs / 2
      const rows = [[serverNow(), row?.version ?? null, row?.text ?? null]]
      passedMs += tripMs / 2
      return decode(rows)
    },
    async write({ values }: Parameters<SqlDriver['write']>[0]): Promise<Answer> {
      sent.push('write')
      passedMs += tripMs / 2
      const shown = meanwhile?.()
      meanwhile = undefined
      const isUpdate = values.length === 8
      const [version, text] = (isUpdate ? values : values.slice(1)) as [number, string]
      const [from, until] = values.slice(-3) as [number, number]
      const fits = isUpdate ? row?.version === values[4] : row === undefined
      const isWritten = fits && serverNow() >= from && serverNow() < until
      if (isWritten) row = { version, text }
      const told = isWritten ? [1, null, null] : [0, row?.version ?? null, row?.text ?? null]
      const rows = [shown ?? [serverNow(), ...told]]
      passedMs += tripMs / 2
      return { rows, changed: 1, duplicate: false }
    },
  } as unknown as SqlDriver
  const statements = limitStatements(postgresDialect, tableNames(), null)
  const time = new LimitTime(null, monotonic)
  limit = new KnownLimit({ driver, statements, time, monotonic, firstVersion: () => first }, 'a')
})

async function spend(most: number, windowMs = 60_000, cost = 1): Promise<boolean | undefined> {
  const rules = parseLimits([{ name: 'turn', limit: most, windowMs }])
  const request: TakenRequest = { force: false, charges: [{ id: 'a', rules, cost }] }
  return (await limit.findAnswers([request], Infinity))?.[0]!.ok
}

function sentSince(): readonly string[] {
  return sent.splice(0)
}

describe('a subject’s row as a process knows it', () => {
  it('is asked for once, and then written by one statement a spending', async () => {
    expect([await spend(3), sentSince()]).toEqual([true, ['ask', 'write']])
    expect([await spend(3), sentSince()]).toEqual([true, ['write']])
    expect(row?.version).toBe(first + 1)
  })

  it('refuses with no statement for as long as its last answer was under way, and asks from then on', async () => {
    await spend(1)
    sentSince()
    expect([await spend(1), sentSince()]).toEqual([false, []])
    passedMs += 4
    expect([await spend(1), sentSince()]).toEqual([false, []])
    passedMs += 1
    expect([await spend(1), sentSince()]).toEqual([false, ['ask']])
    // Another gives back while this process takes the row for full.
    passedMs += 5
    row = undefined
    expect([await spend(1), sentSince()]).toEqual([true, ['ask', 'write']])
  })

  it('asks where somebody only looks', async () => {
    await spend(1)
    sentSince()
    expect([await spend(1, 60_000, 0), sentSince()]).toEqual([true, ['ask']])
  })

  it('plans anew on what another has written meanwhile, which the lost write tells', async () => {
    await spend(2)
    const full = row!.text.replace(/1$/, '2')
    sentSince()
    meanwhile = () => void (row = { version: 99, text: full })
    expect([await spend(2), sentSince()]).toEqual([false, ['write']])
    expect([await spend(3), sentSince()]).toEqual([true, ['write']])
    expect(row!.version).toBe(100)
  })

  it('asks where the lost write shows what was there before it waited for another', async () => {
    await spend(5)
    const before = { ...row! }
    sentSince()
    meanwhile = () => {
      row = { version: 99, text: before.text }
      return [serverNow(), 0, before.version, before.text]
    }
    expect([await spend(5), sentSince()]).toEqual([true, ['write', 'ask', 'write']])
    expect(row!.version).toBe(100)
  })

  it('plans anew where the store’s now has passed into the next bucket', async () => {
    await spend(5, 1_000)
    sentSince()
    meanwhile = () => void (passedMs += 30)
    expect([await spend(5, 1_000), sentSince()]).toEqual([true, ['write', 'write']])
  })

  it('gives up where others are quicker again and again', async () => {
    await spend(50)
    sentSince()
    const text = row!.text
    let version = 100
    const again = () => {
      row = { version: (version += 1), text }
      queueMicrotask(() => (meanwhile = again))
    }
    meanwhile = again
    expect([await spend(50), sentSince()]).toEqual([undefined, ['write', 'write', 'write']])
  })
})
