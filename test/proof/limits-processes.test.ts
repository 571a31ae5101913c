import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/ports/system-clock.js'
import { describeOn } from '../servers/on-server.js'
import { startRedis } from '../servers/redis.js'
import type { TestServer } from '../servers/test-server.js'
import { startInstance } from './freshness-farm.js'
import type { Instance } from './freshness-farm.js'
import { monotonicMs } from './freshness-words.js'
import type { CountedIn, CountingHost, CountingOrders, FailedCall, Flooded } from './limits-words.js'
import { mostInAnyWindow, printProof } from './limits-worst.js'
import type { ProofLine } from './limits-worst.js'

const full = process.env['KEYRUNG_PROOF'] === 'full'
const patience = { timeout: full ? 300_000 : 120_000 }

const windowMs = 1_000
/** What a second and an hour may see: the flood goes on until the hour has nothing left. */
const [secondly, hourly] = full ? [600, 6_000] : [120, 200]
const second = { name: 'second', limit: secondly, windowMs }
const hour = { name: 'hour', limit: hourly, windowMs: 3_600_000 }

const processes = 4
const inFlight = 32
/** A tenth of the lower limit at most, or leases are off. */
const leases = 10

/** A machine under load answers late; where that is no fault, nobody gives up. */
const unhurriedMs = 20_000

type Counter = Instance<CountingOrders>

let instances: readonly Counter[]
let folder: string
const lines: ProofLine[] = []

beforeAll(async () => {
  const script = new URL('limits-process.ts', import.meta.url)
  instances = Array.from({ length: processes }, () => startInstance<CountingOrders>(script))
  await Promise.all(instances.map((one) => one.tell('greet', {})))
}, 120_000)
afterAll(async () => {
  for (const one of instances) await one.kill()
  printProof(`${processes} processes with ${inFlight} in flight on one key:`, lines)
})
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'keyrung-limits-'))))
afterEach(() => rm(folder, { recursive: true }))

type Settings = Omit<CountingHost, 'aheadMs'>

/** Opens the instances, whose clocks are as far apart as is said, on one key; each is asked for it from then on. */
async function begin(
  settings: Settings,
  { apartMs = 0, on = instances }: { apartMs?: number; on?: readonly Counter[] } = {},
): Promise<void> {
  const [first, ...others] = on
  await first!.tell('open', { ...settings, aheadMs: 0 })
  await Promise.all(
    others.map((other, i) =>
      other.tell('open', { ...settings, aheadMs: ((i + 1) * apartMs) / others.length }),
    ),
  )
  const { secret } = await first!.tell('make', {})
  const each = (processes * inFlight) / on.length
  await Promise.all(on.map((one) => one.tell('flood', { secret, inFlight: each })))
}

async function lookAt(on = instances) {
  const seen = await Promise.all(on.map((one) => one.tell('look', {})))
  const refusedBy = (name: string) => sum(seen.map((one) => one.refusedBy[name] ?? 0))
  return { refusedBy, admitted: sum(seen.map(({ admitted }) => admitted)) }
}

/** Waits until the flood has come to something. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = monotonicMs() + 50_000 + hourly * 20
  while (!(await isSo())) {
    expect(monotonicMs(), 'in time').toBeLessThan(deadline)
    await systemClock.sleep(30)
  }
}

/** As many were refused as are in flight, twice over: whoever could still be let through has been. */
const isUsedUp = (on = instances) =>
  until(async () => (await lookAt(on)).refusedBy('hour') >= 2 * processes * inFlight)

async function end(on = instances): Promise<readonly Flooded[]> {
  const floods = await Promise.all(on.map((one) => one.tell('stop', {})))
  await Promise.all(on.map((one) => one.tell('close', {})))
  return floods
}

/** What a flood came to in all, with its line in the table. */
function judge(what: string, floods: readonly Flooded[], note?: string) {
  const admitted = floods.flatMap((flood) => flood.admitted)
  const failed = floods.flatMap((flood) => flood.failed)
  const strange = floods.flatMap((flood) => flood.strange)
  const most = mostInAnyWindow(admitted, windowMs)
  const byStore = mostInAnyWindow(
    admitted.map(({ at }) => ({ begin: at, end: at })),
    windowMs,
  )
  const line = {
    what,
    limit: `${secondly} a second`,
    most,
    share: most / secondly,
    admitted: admitted.length,
  }
  lines.push({ ...line, ...(note !== undefined && { note }) })
  return { admitted, failed, strange, most, byStore, slowestMs: Math.max(...floods.map((f) => f.slowestMs)) }
}

/** Why calls could not be counted, each reason once. */
function reasons(failed: readonly FailedCall[]): readonly string[] {
  return [...new Set(failed.map(({ why }) => why))]
}

function expectExact(what: string, floods: readonly Flooded[]): void {
  const { admitted, failed, strange, most, byStore } = judge(what, floods, `of ${hourly} an hour`)
  expect({ strange, failed: reasons(failed) }).toEqual({ strange: [], failed: [] })
  expect(admitted).toHaveLength(hourly)
  // By the time of those who asked, and by the store's, on which it was decided.
  expect(most).toBeLessThanOrEqual(secondly)
  expect(byStore).toBeLessThanOrEqual(secondly)
}

async function step(which: number, stepMs: number): Promise<void> {
  await instances[which]!.tell('step', { stepMs })
}

function proveLimits(name: string, meet: () => Promise<CountedIn>): void {
  describe(`promise 7 with four processes on ${name}`, patience, () => {
    const settings = async (): Promise<Settings> => ({
      ...{ store: await meet(), limits: [second, hour], timeoutMs: unhurriedMs },
    })

    if (full) {
      test('under a flood exactly the limit is admitted, and no window has more', async () => {
        await begin(await settings())
        await isUsedUp()
        expectExact(name, await end())
      })
    }

    test('with clocks 90 seconds apart, of which one is stepped on and another back, exactly the limit is admitted', async () => {
      await begin(await settings(), { apartMs: 90_000 })
      await until(async () => (await lookAt()).admitted >= secondly / 2)
      await Promise.all([step(1, 90_000), step(3, -3_600_000)])
      await isUsedUp()
      expectExact(`${name}, clocks 90 s apart`, await end())
    })

    // In short runs there is one for databases, and one for Redis.
    if (!full && name !== 'PostgreSQL' && name !== 'Redis') return
    test('with leases no window has more than the limit, nor the hour', async () => {
      await begin({ ...(await settings()), leases }, { apartMs: 90_000 })
      await isUsedUp()
      const what = `${name}, leases of ${leases}, clocks 90 s apart`
      const { admitted, failed, strange, most } = judge(what, await end(), `of ${hourly} an hour`)
      expect({ strange, failed: reasons(failed) }).toEqual({ strange: [], failed: [] })
      expect(most).toBeLessThanOrEqual(secondly)
      expect(admitted.length).toBeLessThanOrEqual(hourly)
      expect(admitted.length).toBeGreaterThan(secondly)
    })
  })
}

const inFile = () => ({ kind: 'sqlite', file: join(folder, 'store.db') }) as const

test(
  'in memory, one process with four times as many in flight is given exactly the limit',
  async () => {
    const on = instances.slice(0, 1)
    await begin({ store: { keys: 'memory' }, limits: [second, hour], timeoutMs: unhurriedMs }, { on })
    await until(async () => (await lookAt(on)).admitted >= secondly / 2)
    await step(0, -3_600_000)
    await isUsedUp(on)
    expectExact('memory, in one process, clock stepped', await end(on))
  },
  patience.timeout,
)

test(
  'the proof sees limits that each process counts for itself',
  async () => {
    await begin({ store: { keys: inFile(), alone: true }, limits: [second, hour], timeoutMs: unhurriedMs })
    await until(async () => (await lookAt()).refusedBy('second') >= 2 * processes * inFlight)
    const admitted = (await end()).flatMap((flood) => flood.admitted)
    expect(mostInAnyWindow(admitted, windowMs)).toBeGreaterThan(secondly)
  },
  patience.timeout,
)

proveLimits('SQLite', async () => ({ keys: inFile() }))
describeOn('postgres', 'PostgreSQL', (server) => {
  proveLimits('PostgreSQL', async () => ({
    keys: { kind: 'postgres', address: await server.createDatabase() },
  }))
})
describeOn('mariadb', 'MariaDB', (server) => {
  proveLimits('MariaDB', async () => ({ keys: { kind: 'mariadb', address: await server.createDatabase() } }))
})
describeOn('redis', 'Redis', (server) => {
  proveLimits('Redis', async () => ({ keys: inFile(), redis: await server.createDatabase() }))
})

describeOn('redis', 'promise 7 where Redis is restarted amid the flood', () => {
  let server: TestServer
  const timeoutMs = 200
  afterEach(() => server.stop())

  /** Kills it while it is asked, and starts it again on its port when every instance has seen that it is gone. */
  async function restart() {
    await until(async () => (await lookAt()).admitted >= secondly / 2)
    await server.kill()
    const killedAt = monotonicMs()
    const modes = () => Promise.all(instances.map((one) => one.tell('state', {})))
    await until(async () => (await modes()).every((mode) => mode === 'denying'))
    if (full) await systemClock.sleep(2 * windowMs)
    const backAt = monotonicMs()
    await server.restart()
    return { killedAt, backAt }
  }

  /** It denies while nobody answers, in time, and goes on when somebody does. */
  function expectDenied({ failed, slowestMs, strange }: ReturnType<typeof judge>, from: number, to: number) {
    expect(strange).toEqual([])
    expect(failed.filter(({ begin, end }) => begin > from && end < to).length).toBeGreaterThan(processes)
    expect(slowestMs).toBeLessThan(timeoutMs + 5_000)
  }

  test(
    'with its log: denied meanwhile, and not one more than the limit before and after',
    patience,
    async () => {
      server = await startRedis({ keepsData: true })
      await begin({ store: { keys: inFile(), redis: server }, limits: [second, hour], timeoutMs })
      const { killedAt, backAt } = await restart()
      await isUsedUp()
      const outcome = judge('Redis, restarted with its log', await end(), `of ${hourly} an hour`)
      expectDenied(outcome, killedAt, backAt)
      expect(outcome.most).toBeLessThanOrEqual(secondly)
      expect(outcome.admitted.length).toBeLessThanOrEqual(hourly)
      // What was spent by a call whose answer was lost, and sent again, was spent for nobody.
      expect(outcome.admitted.length).toBeGreaterThanOrEqual(secondly / 2)
    },
  )

  test('with nothing: it starts full, and admits nobody until a window has passed', patience, async () => {
    server = await startRedis()
    await begin({ store: { keys: inFile(), redis: server }, limits: [second], timeoutMs })
    const { killedAt, backAt } = await restart()
    const before = (await lookAt()).admitted
    await until(async () => (await lookAt()).admitted >= before + secondly)
    const outcome = judge('Redis, restarted with nothing', await end(), 'starts full')
    expectDenied(outcome, killedAt, backAt)
    expect(outcome.most).toBeLessThanOrEqual(secondly)
    const afterwards = outcome.admitted.filter(({ begin }) => begin > killedAt).map(({ end }) => end)
    expect(Math.min(...afterwards)).toBeGreaterThanOrEqual(backAt + windowMs)
  })
})

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
