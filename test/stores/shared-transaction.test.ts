import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isKeyrungError } from '../../src/core/errors.js'
import { createPooledDriver } from '../../src/stores/sql/pooled-driver.js'
import type { Steps } from '../../src/stores/sql/query.js'
import { sqliteDialect } from '../../src/stores/sql/sqlite-dialect.js'
import { tableNames } from '../../src/stores/sql/tables.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import { ScriptedPool, faults } from './scripted-pool.js'
import type { Call, Fault, ScriptedHost } from './scripted-pool.js'

const timeoutMs = 1_000

/** How long the host lets its own part take, which no store does for it. */
const hostMs = 5_000

/** Longer than anything can take that was begun. */
const longMs = 30_000

interface Run {
  /** `ok` and the host's own value, `lost` where the result is not kept, the host's error, or the word of a refusal. */
  readonly told: string
  /** How often the host's part was begun. */
  readonly begun: number
  /** How often the note of the store and the two of the host are there in the end. */
  readonly notes: readonly number[]
  readonly calls: readonly Call[]
}

const unknown = 'sqlite: a commit was lost, and its outcome could not be found out'

interface Setting {
  readonly takesBoth?: boolean
  readonly keeps?: boolean
  /** What the host does after its second write. */
  readonly finish?: () => string
}

/** Has a transaction shared while faults fall on its calls, one after the other. */
async function run(draw: (call: Call) => Fault, setting: Setting = {}): Promise<Run> {
  const { takesBoth = true, keeps = true, finish = () => 'ok' } = setting
  const clock = manualClock()
  const pool = new ScriptedPool(clock, draw, takesBoth)
  const driver = createPooledDriver(pool, {
    name: 'sqlite',
    dialect: sqliteDialect,
    names: tableNames(),
    timeoutMs,
    migrateTimeoutMs: timeoutMs,
    migrate: (_, make) => make(),
    clock,
  })
  function* work(): Steps<boolean> {
    yield { text: 'one', values: [] }
    return keeps
  }
  let begun = 0
  async function host(transaction: unknown): Promise<string> {
    begun++
    const { write } = transaction as ScriptedHost
    const late = clock.sleep(hostMs).then(() => Promise.reject(new Error('the host took too long')))
    const done = write('two')
      .then(() => write('three'))
      .then(finish)
    return Promise.race([done, late])
  }
  const told = Promise.resolve(driver.share!(work, (kept) => kept, host)).then(
    (shared) => (shared.kept ? shared.value : 'lost'),
    (error: unknown) => (isKeyrungError(error) ? (error.internal ?? 'no word') : (error as Error).message),
  )
  await clock.advance(longMs)
  if (pool.open > 0) throw new Error('a transaction is still open')
  const notes = ['one', 'two', 'three'].map((note) => pool.notes.get(note) ?? 0)
  return {
    told: await Promise.race([told, 'no answer']),
    begun,
    notes,
    calls: pool.calls.map(([call]) => call),
  }
}

const calm = (): Fault => 'none'

/** The same fault on the first call of a kind. */
function once(struck: Call, fault: Fault): (call: Call) => Fault {
  let isLeft = true
  return (call) => {
    if (call !== struck || !isLeft) return 'none'
    isLeft = false
    return fault
  }
}

describe('a transaction that the host shares', () => {
  test.each([true, false])(
    'makes the changes, then the host’s part, then commits (%s)',
    async (takesBoth) => {
      const { told, notes, calls } = await run(calm, { takesBoth })
      expect([told, notes]).toEqual(['ok', [1, 1, 1]])
      const commit = takesBoth ? ['commit'] : ['marker', 'commit']
      const before = ['session', 'begin', 'change', 'hand-over'] as const
      expect(calls).toEqual([...before, 'host', 'host', 'take-back', ...commit])
    },
  )

  test('is never begun by the host where the changes could not be made', async () => {
    expect(await run(calm, { keeps: false })).toMatchObject({ told: 'lost', begun: 0, notes: [0, 0, 0] })
  })

  test('throws on what the host threw, as it was, and leaves nothing', async () => {
    const finish = () => {
      throw new Error('the card was declined')
    }
    const { told, begun, notes } = await run(calm, { finish })
    expect([told, begun, notes]).toEqual(['the card was declined', 1, [0, 0, 0]])
  })

  test.each(['session', 'begin', 'change', 'hand-over'] as const)(
    'is tried again where a connection is lost at %s, as the host has not begun',
    async (call) => {
      const { told, begun, notes } = await run(once(call, call === 'session' ? 'none' : 'cut-before'))
      expect([told, begun, notes]).toEqual(['ok', 1, [1, 1, 1]])
    },
  )

  test.each(['take-back', 'commit'] as const)(
    'is not tried again once the host has begun (%s)',
    async (call) => {
      for (const fault of ['again', 'cut-before'] as const) {
        const { told, begun, notes } = await run(once(call, fault))
        expect([begun, notes]).toEqual([1, [0, 0, 0]])
        expect(told).toMatch(/^scripted: (again|lost)$/)
      }
    },
  )

  test('is found to have happened where only the answer to the commit was lost', async () => {
    const { told, begun, notes } = await run(once('commit', 'cut-after'))
    expect([told, begun, notes]).toEqual(['ok', 1, [1, 1, 1]])
  })

  test('is all or nothing, once, whatever goes wrong on the way', async () => {
    const fault = fc.constantFrom<Fault>('none', 'none', ...faults)
    const script = fc.array(fault, { maxLength: 24 })
    await fc.assert(
      fc.asyncProperty(script, fc.boolean(), async (given, takesBoth) => {
        const left = [...given]
        const { told, begun, notes } = await run(() => left.shift() ?? 'none', { takesBoth })
        expect(new Set(notes).size).toBe(1)
        expect(notes[0]).toBeLessThanOrEqual(1)
        expect(begun).toBeLessThanOrEqual(1)
        if (told === 'ok') expect([begun, notes[0]]).toEqual([1, 1])
        else if (told !== unknown) expect(notes[0]).toBe(0)
        expect(told).not.toBe('no answer')
      }),
      { numRuns: 300 },
    )
  })
})
