import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isKeyrungError } from '../../src/core/errors.js'
import { createPooledDriver } from '../../src/stores/sql/pooled-driver.js'
import type { Steps } from '../../src/stores/sql/query.js'
import { sqliteDialect } from '../../src/stores/sql/sqlite-dialect.js'
import { tableNames } from '../../src/stores/sql/tables.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import { ScriptedPool, faults } from './scripted-pool.js'
import type { Call, Fault } from './scripted-pool.js'

const timeoutMs = 1_000

/** Longer than anything can take that was begun: all attempts, the finding out, what is overtaken on its way. */
const longMs = 20_000

interface Run {
  /** What the caller was told: `ok`, or the internal word of the refusal. */
  readonly told: string
  /** When, in milliseconds from the beginning. */
  readonly tookMs: number | undefined
  /** How often each note is there in the end. */
  readonly notes: readonly number[]
  readonly calls: readonly (readonly [Call, Fault])[]
}

/** What the driver says when nobody can know. */
const unknown = 'sqlite: a commit was lost, and its outcome could not be found out'

interface Setting {
  readonly takesBoth: boolean
  /** Calls that are never struck. */
  readonly spared?: readonly Call[]
  readonly keeps?: boolean
  readonly repeatable?: boolean
}

/** Has a transaction of two notes made while faults fall on its calls, one after the other. */
async function run(script: readonly Fault[] | ((call: Call) => Fault), setting: Setting): Promise<Run> {
  const clock = manualClock()
  const left = typeof script === 'function' ? [] : [...script]
  function draw(call: Call): Fault {
    if (typeof script === 'function') return script(call)
    return setting.spared?.includes(call) ? 'none' : (left.shift() ?? 'none')
  }
  const pool = new ScriptedPool(clock, draw, setting.takesBoth)
  const driver = createPooledDriver(pool, {
    name: 'sqlite',
    dialect: sqliteDialect,
    names: tableNames(),
    timeoutMs,
    migrateTimeoutMs: timeoutMs,
    migrate: (_, make) => make(),
    clock,
  })
  function* work(): Steps<string> {
    yield { text: 'one', values: [] }
    yield { text: 'two', values: [] }
    return 'ok'
  }
  const { keeps = true, repeatable = false } = setting
  const told = Promise.resolve(driver.transact(work, { keeps: () => keeps, repeatable })).catch(
    (error: unknown) => {
      if (!isKeyrungError(error) || error.code !== 'store_unavailable') throw error
      return error.internal ?? 'no word'
    },
  )
  const start = clock.monotonic()
  let tookMs: number | undefined
  void told.then(() => (tookMs = clock.monotonic() - start))
  await clock.advance(longMs)
  if (pool.open > 0) throw new Error('a transaction is still open')
  const notes = [pool.notes.get('one') ?? 0, pool.notes.get('two') ?? 0]
  return { told: await Promise.race([told, 'no answer']), tookMs, notes, calls: pool.calls }
}

/** What a run did not keep: told ok, the notes are there once; told no, they are not there and never will be. */
function findFault({ told, tookMs, notes: [one, two] }: Run): string | undefined {
  if (tookMs === undefined) return 'no answer'
  // One time limit for the work, one for finding out, and a pause.
  if (tookMs > 2 * timeoutMs + 250) return `late: ${tookMs} ms`
  if (told.includes('canary')) return "the driver's text was shown"
  if (one !== two) return 'half of it was written'
  if (told === unknown) {
    if (tookMs < timeoutMs) return 'given up before the time was over'
    return one! > 1 ? 'written twice' : undefined
  }
  return one === (told === 'ok' ? 1 : 0) ? undefined : 'not what was told'
}

function check(run: Run): void {
  const fault = findFault(run)
  if (fault) expect.fail(`${fault}: ${JSON.stringify(run)}`)
}

const both = [
  ['the marker and the commit in one message', true],
  ['the marker and the commit one after the other', false],
] as const

describe.each(both)('a transaction, %s', (_, takesBoth) => {
  test('is told rightly whatever any two of its calls run into', async () => {
    // Session, begin, two notes, marker, commit; then session, begin, denial, look, commit of the finding out.
    const places = takesBoth ? 10 : 11
    for (let first = 0; first < places; first++) {
      for (const one of faults) {
        const script: Fault[] = Array.from({ length: first }, () => 'none')
        check(await run([...script, one], { takesBoth }))
        for (let gap = 0; gap < 5; gap++) {
          const between: Fault[] = Array.from({ length: gap }, () => 'none')
          for (const other of faults) check(await run([...script, one, ...between, other], { takesBoth }))
        }
      }
    }
  })

  test('is told rightly under any series of faults', async () => {
    const fault = fc.oneof(
      { weight: 3, arbitrary: fc.constant<Fault>('none') },
      { weight: 2, arbitrary: fc.constantFrom<Fault>(...faults) },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(fault, { maxLength: 40 }), async (script) =>
        check(await run(script, { takesBoth })),
      ),
      { numRuns: 600, seed: 1 },
    )
  })

  test('is made once, and told so, where connections are cut but the database is there', async () => {
    const fault = fc.constantFrom<Fault>('none', 'none', 'cut-before', 'cut-after', 'again', 'overtaken')
    await fc.assert(
      fc.asyncProperty(fc.array(fault, { maxLength: 20 }), async (script) => {
        fc.pre(script.filter((one) => one !== 'none').length <= 5)
        const { told, notes, calls } = await run(script, { takesBoth, spared: ['session'] })
        expect([told, ...notes], JSON.stringify(calls)).toEqual(['ok', 1, 1])
      }),
      { numRuns: 300, seed: 1 },
    )
  })

  test('that lost its commit is found out even where finding out fails a few times', async () => {
    for (const lost of ['cut-before', 'cut-after', 'overtaken', 'refused'] as const) {
      for (const call of ['session', 'begin', 'deny', 'find', 'commit'] as const) {
        for (const fault of ['cut-before', 'cut-after', 'again', 'refused'] as const) {
          let isLost = false
          let times = 0
          const seen = await run(
            (made) => {
              if (made === 'commit' && !isLost) {
                isLost = true
                return lost
              }
              return isLost && made === call && times++ < 3 ? fault : 'none'
            },
            { takesBoth },
          )
          check(seen)
          expect(seen.told).not.toBe(unknown)
        }
      }
    }
  })

  test('says so where its commit was lost and nobody answers any more', async () => {
    for (const lost of ['cut-before', 'cut-after', 'silent-before', 'silent-after'] as const) {
      let isLost = false
      const { told, notes } = await run(
        (call) => {
          if (isLost) return 'silent-before'
          if (call !== 'commit') return 'none'
          isLost = true
          return lost
        },
        { takesBoth },
      )
      expect(told).toBe(unknown)
      expect(notes[0]).toBe(lost.endsWith('-after') ? 1 : 0)
    }
  })

  test('that is not to be kept never writes, under any series of faults', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom<Fault>('none', ...faults), { maxLength: 20 }),
        async (script) => {
          const { told, notes } = await run(script, { takesBoth, keeps: false })
          expect([told === unknown, ...notes]).toEqual([false, 0, 0])
        },
      ),
      { numRuns: 200, seed: 1 },
    )
  })
})
