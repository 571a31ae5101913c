import { MemoryStore } from 'express-rate-limit'
import type { Options } from 'express-rate-limit'
import { memoryLimits } from 'keyrung'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { parseLimits } from '../../../src/core/limit.js'
import { cpuContest } from '../contest.js'
import { rotating } from '../seed.js'

const minuteMs = 60_000
const dayMs = 86_400_000
const requests = 100
const manyKeys = 200_000

/** Spends one unit of a minute's limit and of a day's, and says whether it was admitted. */
type Spend = (key: string) => boolean | Promise<boolean>

interface Limiter {
  readonly name: string
  create(
    limits: { readonly minute: number; readonly day: number },
    now?: () => number,
    rollingDay?: boolean,
  ): Spend
}

const limiters: readonly Limiter[] = [
  {
    name: 'keyrung',
    create(limits, now, rollingDay = false) {
      const clock = now && { now, monotonic: now }
      const store = memoryLimits(clock && { clock })
      const rules = parseLimits([
        { name: 'minute', limit: limits.minute, windowMs: minuteMs },
        { name: 'day', limit: limits.day, ...(rollingDay ? { windowMs: dayMs } : { calendar: 'day' }) },
      ])
      return (subject) => {
        const answer = store.spend({ workspaceId: 'ws_1', charges: [{ subject, rules, cost: 1 }] })
        return (answer as Awaited<typeof answer>).ok
      }
    },
  },
  {
    name: 'rate-limiter-flexible',
    create(limits) {
      const minute = new RateLimiterMemory({
        points: limits.minute,
        duration: minuteMs / 1_000,
        keyPrefix: 'm',
      })
      const day = new RateLimiterMemory({ points: limits.day, duration: dayMs / 1_000, keyPrefix: 'd' })
      return async (key) => {
        try {
          await minute.consume(key)
          await day.consume(key)
          return true
        } catch (refusal) {
          if (refusal instanceof RateLimiterRes) return false
          throw refusal
        }
      }
    },
  },
  {
    name: "express-rate-limit's memory store",
    create(limits) {
      const [minute, day] = [minuteMs, dayMs].map((windowMs) => {
        const store = new MemoryStore()
        store.init({ windowMs } as Options)
        return store
      }) as [MemoryStore, MemoryStore]
      return async (key) => {
        if ((await minute.increment(key)).totalHits > limits.minute) return false
        return (await day.increment(key)).totalHits <= limits.day
      }
    },
  },
]

/**
 * Two limits of each key in memory, enforced by everyone: express-rate-limit counts one window a store, so it has two, one
 * after the other, and a refusal by the first costs it nothing more. Beside what each limiter admits in its worst minute and what a key takes.
 */
export async function limitsContest(): Promise<void> {
  const goals = limiters.slice(1).map(({ name }) => ({ of: limiters[0]!.name, against: name, times: 1 }))
  const keys = keysOf(10_000)
  for (const [title, limits] of [
    ['all admitted', { minute: 1_000_000_000, day: 1_000_000_000 }],
    ['most refused', { minute: 60, day: 10_000 }],
  ] as const) {
    await cpuContest(
      `Limits in memory, a minute's and a day's, ${requests} requests by 10,000 keys in turn, ${title}`,
      limiters.map(({ name, create }) => ({ name, run: runner(create(limits), rotating(keys)) })),
      goals,
    )
  }
  console.log('\nThe most that was admitted in any minute, of a limit of 60')
  for (const limiter of limiters) console.log(`  ${limiter.name.padEnd(44)} ${await worstMinute(limiter)}`)
  console.log(`\nBytes a key, ${manyKeys} keys of 34 characters with both limits`)
  for (const limiter of limiters) console.log(`  ${limiter.name.padEnd(44)} ${await bytesOf(limiter)}`)
  console.log(`  ${'keyrung, a rolling day'.padEnd(44)} ${await bytesOf(limiters[0]!, true)}`)
}

/** Requests one after the other; who answers at once is not asked to wait. */
function runner(spend: Spend, next: () => string): () => unknown {
  const first = spend('first')
  if (typeof first === 'boolean') {
    return () => {
      for (let i = 0; i < requests; i++) void spend(next())
    }
  }
  return async () => {
    for (let i = 0; i < requests; i++) await spend(next())
  }
}

function keysOf(count: number): string[] {
  // Written and read back, so that nobody is handed a text that is still in parts.
  const keys = Array.from({ length: count }, (_, i) => `key:key_01KX${String(i).padStart(22, '0')}`)
  return JSON.parse(JSON.stringify(keys)) as string[]
}

/** One request, then a flood just before a minute has passed since, and another just after. */
async function worstMinute({ create }: Limiter): Promise<number> {
  const before = Date.now
  let now = Math.ceil(before() / dayMs) * dayMs + 3_600_000
  const admitted: number[] = []
  try {
    Date.now = () => now
    const spend = create({ minute: 60, day: 10_000 }, () => now)
    const flood = async (most: number) => {
      for (let i = 0; i < most; i++) if (await spend('key')) admitted.push(now)
    }
    await flood(1)
    for (const pause of [minuteMs - 1, 1, 1, 500, 500, 30_000, 30_000]) {
      now += pause
      await flood(100)
    }
  } finally {
    Date.now = before
  }
  return Math.max(
    ...admitted.map((from) => admitted.filter((at) => at >= from && at < from + minuteMs).length),
  )
}

async function bytesOf({ create }: Limiter, rollingDay = false): Promise<string> {
  const used = () => {
    for (let i = 0; i < 3; i++) globalThis.gc!()
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }
  const spend = create({ minute: 60, day: 10_000 }, undefined, rollingDay)
  await spend('first')
  const before = used()
  for (let i = 0; i < manyKeys; i++) await spend(`key:key_01KX${String(i).padStart(22, '0')}`)
  const bytes = (used() - before) / manyKeys
  await spend('last')
  return bytes.toFixed(0)
}
