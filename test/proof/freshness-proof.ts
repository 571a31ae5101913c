import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startInstance } from './freshness-farm.js'
import type { Instance } from './freshness-farm.js'
import type { ChangeKind, HostSettings, Meeting, Returned, Verdict } from './freshness-words.js'

const full = process.env['KEYRUNG_PROOF'] === 'full'

/** Of each kind of change: the least number of checks begun after it had returned. */
const leastChecks = full ? 10_000 : 200
/** How many keys of each kind are changed at once. */
const atOnce = full ? 6 : 2
const leaseMs = full ? 1_000 : 300
const restMs = full ? 2 : 4
/** How long the checks go on after the last change has returned. */
const afterwardsMs = full ? 400 : 150

const patience = { timeout: full ? 900_000 : 120_000 }
const everyKind: readonly ChangeKind[] = ['revoke', 'activate', 'edit', 'rotate', 'delete', 'changed']

/** What happens around the changes of one round. */
interface Trouble {
  /** Before the changes are sent, while every instance holds fresh leases on the old state. */
  before?(instances: readonly Instance[], writer: Instance): Promise<void>
  /** Once the changes are under way; the writer takes no orders meanwhile. */
  during?(instances: readonly Instance[], writer: Instance): Promise<void>
  /** When everything has been judged. */
  after?(instances: readonly Instance[]): Promise<void>
}

/** What a scenario came to. */
interface Outcome {
  readonly before: ReadonlyMap<ChangeKind, number>
  readonly after: ReadonlyMap<ChangeKind, number>
  readonly wrong: number
  readonly strange: readonly string[]
  readonly soonestMs: number
  readonly tookMs: readonly number[]
  readonly reads: number
  readonly checks: number
}

/**
 * Declares the proof of promise 1 on one store: four processes check keys all the time, one of them changes them, and
 * every check that begins after a change has returned, wherever, is decided on the new state.
 */
export function proveFreshness(name: string, meet: (folder: string) => Promise<Meeting>): void {
  let instances: readonly Instance[]
  let folder: string
  let settings: Omit<HostSettings, 'freshness'>
  let workspaces = 0

  beforeAll(async () => {
    instances = Array.from({ length: 4 }, () => startInstance())
    await Promise.all(instances.map((instance) => instance.tell('greet', {})))
  }, 120_000)
  afterAll(async () => {
    for (const instance of instances) await instance.kill()
  })
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'keyrung-freshness-'))
    const plans = join(folder, 'plans')
    await writeFile(plans, '')
    settings = { database: await meet(folder), leaseMs, plans, restMs }
  })
  afterEach(() => rm(folder, { recursive: true }))

  async function open(freshness: HostSettings['freshness']): Promise<void> {
    const [first, ...others] = instances
    await first!.tell('open', { ...settings, freshness })
    await Promise.all(others.map((other) => other.tell('open', { ...settings, freshness })))
  }

  async function close(): Promise<void> {
    await Promise.all(instances.map((instance) => instance.tell('close', {})))
  }

  /** One round: keys are made, watched everywhere, changed by one instance, and judged. */
  async function round(kinds: readonly ChangeKind[], writer: Instance, trouble: Trouble) {
    const wanted = kinds.flatMap((kind) => Array.from({ length: atOnce }, () => kind))
    const keys = await writer.tell('make', {
      kinds: wanted.map((kind) => ({ kind, workspaceId: `ws_${++workspaces}` })),
    })
    await Promise.all(instances.map((instance) => instance.tell('watch', { keys })))
    await rest(leaseMs / 2)
    await trouble.before?.(instances, writer)
    const lowered = keys.filter(({ kind }) => kind === 'changed').map(({ workspaceId }) => workspaceId)
    await appendFile(settings.plans, lowered.map((id) => `${id}\n`).join(''))
    const [returns] = await Promise.all([
      writer.tell('change', { keys }),
      trouble.during?.(instances, writer),
    ])
    await rest(afterwardsMs)
    const verdicts = await Promise.all(instances.map((instance) => instance.tell('judge', { returns })))
    await trouble.after?.(instances)
    return { keys, returns, verdicts: verdicts.flat() }
  }

  /** Rounds until each kind has its number of checks; each instance changes in its turn. */
  async function prove(kinds: readonly ChangeKind[], trouble: Trouble = {}): Promise<Outcome> {
    const [before, after] = [new Map<ChangeKind, number>(), new Map<ChangeKind, number>()]
    const verdicts: Verdict[] = []
    const returned: Returned[] = []
    for (let turn = 0; kinds.some((kind) => (after.get(kind) ?? 0) < leastChecks); turn++) {
      const done = await round(kinds, instances[turn % instances.length]!, trouble)
      const kindOf = new Map(done.keys.map(({ id, kind }) => [id, kind]))
      for (const verdict of done.verdicts) {
        add(before, kindOf.get(verdict.id)!, verdict.before)
        add(after, kindOf.get(verdict.id)!, verdict.after)
      }
      verdicts.push(...done.verdicts)
      returned.push(...done.returns)
    }
    const counts = await Promise.all(instances.map((instance) => instance.tell('count', {})))
    return {
      ...{ before, after },
      wrong: sum(verdicts.map((verdict) => verdict.wrong)),
      strange: [...new Set(verdicts.flatMap((verdict) => verdict.strange))],
      soonestMs: Math.min(...verdicts.map((verdict) => verdict.soonestMs)),
      tookMs: returned.map(({ calledAt, returnedAt }) => returnedAt - calledAt).toSorted((a, b) => a - b),
      reads: sum(counts.map((count) => count.reads)),
      checks: sum(counts.map((count) => count.checks)),
    }
  }

  function report(scenario: string, outcome: Outcome): void {
    const { after, wrong, tookMs, soonestMs, reads, checks } = outcome
    const at = (share: number): string => tookMs[Math.floor((tookMs.length - 1) * share)]!.toFixed(0)
    console.log(
      `${name}, ${scenario}: ${sum([...after.values()])} checks begun after ${tookMs.length} changes had returned,` +
        ` the soonest ${soonestMs.toFixed(2)} ms after; ${wrong} on the old state.` +
        ` A change took ${at(0.5)} ms (p50), ${at(0.95)} (p95), ${at(1)} (most); ${reads} reads for ${checks} checks.`,
    )
  }

  function expectFresh(scenario: string, outcome: Outcome, kinds: readonly ChangeKind[]): void {
    report(scenario, outcome)
    expect({ wrong: outcome.wrong, strange: outcome.strange }).toEqual({ wrong: 0, strange: [] })
    for (const kind of kinds) {
      expect(outcome.after.get(kind), kind).toBeGreaterThanOrEqual(leastChecks)
      // The old state was in use until then: there was something to get wrong.
      expect(outcome.before.get(kind), kind).toBeGreaterThan(0)
    }
  }

  describe(`promise 1 with four processes on ${name}: after a change has returned`, patience, () => {
    test('no request is decided on the old state, though every instance keeps leases', async () => {
      await open('cached')
      const outcome = await prove(everyKind)
      await close()
      expectFresh(`cached, ${leaseMs} ms`, outcome, everyKind)
      // It was the cache that answered, and each change waited it out.
      expect(outcome.reads).toBeLessThan(outcome.checks / 2)
      expect(outcome.tookMs[0]).toBeGreaterThanOrEqual(leaseMs)
    })

    test('no request is decided on the old state where every check reads', async () => {
      await open('strict')
      const kinds = everyKind.filter((kind) => kind !== 'changed')
      const outcome = await prove(kinds)
      await close()
      expectFresh('strict', outcome, kinds)
    })

    test('a process that was paused across the change and resumed decides on the new state', async () => {
      await open('cached')
      const outcome = await prove(everyKind, {
        async before(all, writer) {
          for (const one of all) if (one !== writer) one.pause()
        },
        async during(all, writer) {
          // One wakes before the change returns, one about then, one afterwards.
          const asleep = all.filter((one) => one !== writer)
          for (const one of asleep) {
            await rest(leaseMs * 0.45)
            one.resume()
          }
        },
      })
      await close()
      expectFresh('cached, paused', outcome, everyKind)
    })

    test.each([
      ['forward', 3_600_000],
      ['backward', -3_600_000],
    ])('an instance whose wall clock was stepped %s decides on the new state', async (direction, stepMs) => {
      await open('cached')
      // A deadline is told by the clock that was stepped; the rest may not care.
      const kinds = everyKind.filter((kind) => kind !== 'rotate')
      const outcome = await prove(kinds, {
        before: (all) => step(all, stepMs),
        async during(all, writer) {
          await rest(leaseMs / 2)
          await step(
            all.filter((one) => one !== writer),
            -2 * stepMs,
          )
        },
        after: async (all) =>
          void (await Promise.all(all.map((one) => one.tell('disturb', { stepMs: 'none' })))),
      })
      await close()
      expectFresh(`cached, clock stepped ${direction}`, outcome, kinds)
    })

    test('a read that arrives later than the lease decides for nobody who came after', async () => {
      await open('cached')
      const outcome = await prove(everyKind, {
        before: (all) => delay(all, leaseMs * 1.5),
        async during(all, writer) {
          await rest(leaseMs / 2)
          // What is late stays on its way, what is asked from now on overtakes it.
          await delay(
            all.filter((one) => one !== writer),
            0,
          )
        },
        after: (all) => delay(all, 0),
      })
      await close()
      expectFresh('cached, reads delayed', outcome, everyKind)
    })

    test('the proof sees a change that waits for no lease', async () => {
      await open('cached')
      const outcome = await prove(['sabotage'])
      await close()
      report('a change past the service', outcome)
      expect(outcome.wrong).toBeGreaterThan(0)
    })
  })
}

async function step(instances: readonly Instance[], stepMs: number): Promise<void> {
  await Promise.all(instances.map((one) => one.tell('disturb', { stepMs })))
}

async function delay(instances: readonly Instance[], readDelayMs: number): Promise<void> {
  await Promise.all(instances.map((one) => one.tell('disturb', { readDelayMs })))
}

function add(counts: Map<ChangeKind, number>, kind: ChangeKind, more: number): void {
  counts.set(kind, (counts.get(kind) ?? 0) + more)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

function rest(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
