import { beforeEach, describe, expect, test } from 'vitest'
import type { UsageEntry } from '../../src/ports/usage-store.js'
import { createUsageLog, usageFlushMs } from '../../src/service/usage-log.js'
import { never, noticeLog, start } from './audit-samples.js'

const dayMs = 86_400_000
const day = Math.floor(start / dayMs)
const midnight = (day + 1) * dayMs
const reading = { permissions: ['contacts:read'] }
const both = { permissions: ['contacts:read', 'email:send'] }

let log: ReturnType<typeof noticeLog>
let written: (readonly UsageEntry[])[]
let recordUsage: (entries: readonly UsageEntry[]) => void | Promise<void>

beforeEach(() => {
  log = noticeLog()
  written = []
  recordUsage = (entries) => void written.push(entries)
})

const make = () =>
  createUsageLog({ store: { recordUsage: (entries) => recordUsage(entries) }, notify: log.notify })

const down = () => Promise.reject(new Error('canary'))

const lines = () =>
  written
    .flat()
    .map((e) => `${e.keyId} ${e.day - day} ${e.permission} ${e.outcome} ${e.calls}`)
    .sort()

/** So many demands that are no two the same. */
const demands = (count: number) => Array.from({ length: count }, (_, i) => ({ permissions: [`r${i}:read`] }))

describe('usage', () => {
  test('counts a call once by itself, and once under each permission it demanded', async () => {
    const usage = make()
    for (let i = 0; i < 3; i++) usage.count('a', reading, 'allow', start)
    usage.count('a', both, 'deny', start)
    usage.count('b', { permissions: [] }, 'allow', start)
    expect(written).toEqual([])
    await usage.flush()
    expect(lines()).toEqual([
      'a 0  allow 3',
      'a 0  deny 1',
      'a 0 contacts:read allow 3',
      'a 0 contacts:read deny 1',
      'a 0 email:send deny 1',
      'b 0  allow 1',
    ])
    await usage.flush()
    expect(written).toHaveLength(1)
  })

  test('is counted by its day in UTC, to the millisecond', async () => {
    const usage = make()
    usage.count('a', reading, 'allow', midnight - 1)
    usage.count('a', reading, 'allow', midnight)
    usage.count('a', reading, 'limited', midnight)
    await usage.flush()
    expect(lines()).toEqual([
      'a 0  allow 1',
      'a 0 contacts:read allow 1',
      'a 1  allow 1',
      'a 1  limited 1',
      'a 1 contacts:read allow 1',
      'a 1 contacts:read limited 1',
    ])
  })

  test('of demands that are made anew with each call is added up all the same', async () => {
    const usage = make()
    for (let i = 0; i < 100; i++) usage.count('a', { permissions: ['contacts:read'] }, 'allow', start)
    await usage.flush()
    expect(lines()).toEqual(['a 0  allow 100', 'a 0 contacts:read allow 100'])
  })

  test('that a crash loses is that of one rest of the worker, as each step leaves none that fits one write', async () => {
    const usage = make()
    for (let i = 0; i < 100; i++) usage.count(`key_${i}`, reading, 'allow', start)
    expect(usage.job.idleMs).toBe(usageFlushMs)
    expect(await usage.job.step()).toEqual({ flushed: 200, left: 'nothing' })
    expect(usage.state()).toEqual({ waitingUsage: 0, lostUsage: 0 })
  })

  test('of many keys goes in writes that each fit a transaction', async () => {
    const usage = make()
    const many = { permissions: Array.from({ length: 64 }, (_, i) => `r${i}:read`) }
    for (let i = 0; i < 400; i++) {
      for (const outcome of ['allow', 'approval', 'deny', 'limited'] as const) {
        usage.count(`key_${i}`, many, outcome, start)
      }
    }
    await usage.flush()
    expect(Math.max(...written.map((batch) => batch.length))).toBeLessThanOrEqual(1_000)
    expect(written.flat()).toHaveLength(400 * 65 * 4)
  })

  test('begins to be written by itself when there is much of it', async () => {
    const usage = make()
    for (const demand of demands(5_000)) usage.count('a', demand, 'allow', start)
    await Promise.resolve()
    expect(written.length).toBeGreaterThan(0)
    expect(usage.state().lostUsage).toBe(0)
  })

  test('is kept while the store fails, added up, and written once it is back', async () => {
    const usage = make()
    recordUsage = down
    for (let round = 0; round < 5; round++) {
      usage.count('a', reading, 'allow', start)
      await usage.flush()
    }
    expect(usage.state()).toEqual({ waitingUsage: 2, lostUsage: 0 })
    recordUsage = (entries) => void written.push(entries)
    await usage.flush()
    expect(lines()).toEqual(['a 0  allow 5', 'a 0 contacts:read allow 5'])
    expect(usage.state()).toEqual({ waitingUsage: 0, lostUsage: 0 })
  })

  test('is bounded while the store fails; what is given up is counted and told once, and nothing else is lost', async () => {
    const usage = make()
    recordUsage = down
    for (const demand of demands(12_000)) usage.count('a', demand, 'allow', start)
    for (let i = 0; i < 5; i++) await usage.flush()
    const { waitingUsage, lostUsage } = usage.state()
    expect(waitingUsage).toBeLessThanOrEqual(11_000)
    expect(lostUsage).toBeGreaterThan(1_000)
    expect(log.notices.map(({ code }) => code)).toEqual(['usage_dropped'])
    recordUsage = (entries) => void written.push(entries)
    await usage.flush()
    const calls = written.flat().filter(({ permission }) => permission === '')
    expect(calls.reduce((sum, entry) => sum + entry.calls, 0)).toBe(12_000 - lostUsage)
    expect(written.flat().filter(({ permission }) => permission !== '')).toHaveLength(12_000 - lostUsage)
  })

  test('beyond the bound of what is told apart is given up, never waited for', () => {
    recordUsage = () => never()
    const usage = make()
    for (const demand of demands(12_000)) usage.count('a', demand, 'allow', start)
    const { waitingUsage, lostUsage } = usage.state()
    expect(waitingUsage).toBe(10_000)
    expect(waitingUsage + lostUsage).toBeGreaterThan(11_000)
    usage.count('a', demands(1)[0]!, 'allow', start)
    expect(usage.state().lostUsage).toBe(lostUsage + 1)
  })

  test('with a time that is none is given up, and throws nothing into the request', () => {
    const usage = make()
    for (const at of [NaN, Infinity, 'now' as unknown as number]) usage.count('a', reading, 'allow', at)
    expect(usage.state()).toEqual({ waitingUsage: 0, lostUsage: 3 })
  })

  test('throws nothing into the request, whatever the store does', () => {
    recordUsage = () => {
      throw new Error('canary')
    }
    const usage = make()
    for (const demand of demands(6_000)) usage.count('a', demand, 'allow', start)
    expect(usage.state().waitingUsage).toBeGreaterThan(0)
  })

  test('that comes in during a write is not lost with it', async () => {
    const usage = make()
    let fail = (): void => undefined
    recordUsage = () => new Promise((_, reject) => (fail = () => reject(new Error('canary'))))
    usage.count('a', reading, 'allow', start)
    const flush = usage.flush()
    usage.count('a', reading, 'allow', start)
    fail()
    await flush
    recordUsage = (entries) => void written.push(entries)
    await usage.flush()
    expect(written.flat().map(({ calls }) => calls)).toEqual([2, 2])
  })
})
