import { beforeEach, describe, expect, test } from 'vitest'
import type { Job, StepReport } from '../../src/service/job.js'
import { KeyrungError } from '../../src/core/errors.js'
import { createWorker, purgeJob } from '../../src/service/worker.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import { never, noticeLog, start } from './audit-samples.js'

let clock: ReturnType<typeof manualClock>
let log: ReturnType<typeof noticeLog>

beforeEach(() => {
  clock = manualClock(start)
  log = noticeLog()
})

const workerOf = (...jobs: Job[]) => createWorker({ clock, jobs, notify: log.notify })

/** A job that gives these reports, one a step, and then has nothing left to do. */
function job(reports: (StepReport | Error | (() => Promise<StepReport>))[], name = 'job') {
  const made = {
    name,
    idleMs: 1_000,
    steps: 0,
    async step(): Promise<StepReport> {
      made.steps++
      const report = reports.shift() ?? { left: 'nothing' }
      if (report instanceof Error) throw report
      return typeof report === 'function' ? report() : report
    },
  }
  return made
}

describe('a tick', () => {
  test('does all there is to do and reports it', async () => {
    const worker = workerOf(
      job([
        { delivered: 2, left: 'more' },
        { delivered: 1, left: 'nothing' },
      ]),
      job([{ flushed: 4, left: 'nothing' }]),
      job([{ purged: 3, left: 'more' }]),
    )
    expect(await worker.tick()).toEqual({
      delivered: 3,
      failed: 0,
      flushed: 4,
      purged: 3,
      expired: 0,
      executed: 0,
      done: true,
    })
    expect(clock.sleepers).toBe(0)
  })

  test('is not done when a sink did not take its events', async () => {
    const tick = workerOf(job([{ failed: 2, left: 'nothing' }])).tick()
    expect(await tick).toMatchObject({ failed: 2, done: false })
    expect(await workerOf(job([{ left: 'stuck' }])).tick()).toMatchObject({ failed: 0, done: false })
  })

  test('begins nothing after its budget', async () => {
    const slowly = async (): Promise<StepReport> => {
      await clock.advance(60)
      return { delivered: 1, left: 'more' }
    }
    const busy = job([slowly, slowly, slowly])
    expect(await workerOf(busy).tick({ budgetMs: 100 })).toMatchObject({ delivered: 1, done: false })
    await clock.advance(1_000)
    expect(busy.steps).toBe(2)
    expect(await workerOf(busy).tick({ budgetMs: 0 })).toMatchObject({ delivered: 0, done: false })
    expect(busy.steps).toBe(2)
  })

  test('leaves behind what hangs, with the rest done', async () => {
    const tick = workerOf(job([never]), job([{ purged: 1, left: 'nothing' }])).tick({ budgetMs: 2_000 })
    await clock.advance(2_000)
    expect(await tick).toEqual({
      delivered: 0,
      failed: 0,
      flushed: 0,
      purged: 1,
      expired: 0,
      executed: 0,
      done: false,
    })
  })

  test.each([NaN, Infinity, -1, 1.5, '5', null, 3_600_001])('refuses a budget of %s', async (budgetMs) => {
    const tick = workerOf().tick({ budgetMs: budgetMs as number })
    await expect(tick).rejects.toMatchObject({ code: 'input_invalid' })
  })
})

describe('a job that fails', () => {
  test('is told once until it works again, in one word, and holds up no other', async () => {
    const down = () => new KeyrungError('store_unavailable', { internal: 'canary' })
    const failing = job([down(), down(), { left: 'nothing' }, new TypeError('canary')], 'purge')
    const worker = workerOf(failing, job([{ delivered: 1, left: 'nothing' }]))
    expect(await worker.tick()).toMatchObject({ delivered: 1, done: false })
    for (let i = 0; i < 3; i++) await worker.tick()
    expect(log.notices.map((notice) => notice.code)).toEqual(['store_failing', 'store_failing'])
    expect(log.notices[0]!.message).toContain('purge (store_unavailable)')
    expect(log.notices[1]!.message).toContain('purge (TypeError)')
    expect(JSON.stringify(log.notices)).not.toContain('canary')
  })
})

describe('a running worker', () => {
  test('works at once where there is more, and after a rest where there is not', async () => {
    const busy = job([{ left: 'more' }, { left: 'more' }, { left: 'nothing' }])
    const worker = workerOf(busy).run()
    await clock.advance(0)
    expect(busy.steps).toBe(3)
    await clock.advance(999)
    expect(busy.steps).toBe(3)
    await clock.advance(1)
    expect(busy.steps).toBe(4)
    await worker.stop()
  })

  test('goes on after failures, without spinning', async () => {
    const failing = job([new Error('canary'), new Error('canary')])
    const worker = workerOf(failing).run()
    await clock.advance(2_500)
    expect(failing.steps).toBe(3)
    await worker.stop()
  })

  test('lets no job wait for one that hangs', async () => {
    const other = job([])
    const worker = workerOf(job([never]), other).run()
    await clock.advance(10_000)
    expect(other.steps).toBe(11)
    void worker.stop()
    await clock.advance(10_000)
  })

  test('has as many jobs as there are, without a warning of a leak', async () => {
    const warnings: string[] = []
    const note = (warning: Error): void => void warnings.push(warning.name)
    process.on('warning', note)
    const jobs = Array.from({ length: 20 }, () => job([]))
    const worker = workerOf(...jobs).run()
    await clock.advance(0)
    expect(clock.sleepers).toBe(20)
    // Node tells its warnings a turn later.
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', note)
    expect(warnings).toEqual([])
    await worker.stop()
    expect(clock.sleepers).toBe(0)
  })

  test('waits for the step in flight when it is stopped, and leaves no timer', async () => {
    let finish: (report: StepReport) => void = () => undefined
    const slow = job([() => new Promise((resolve) => (finish = resolve))])
    const worker = workerOf(slow).run()
    let stopped = false
    const stop = worker.stop().then(() => {
      stopped = true
    })
    await clock.advance(5_000)
    expect(stopped).toBe(false)
    finish({ left: 'more' })
    await stop
    await clock.advance(60_000)
    expect(slow.steps).toBe(1)
    expect(clock.sleepers).toBe(0)
  })

  test('is not held up for ever by what hangs', async () => {
    const worker = workerOf(job([never])).run()
    const stop = worker.stop()
    await clock.advance(10_000)
    await stop
    await worker.stop()
  })

  test('is the same when it is asked for twice, and another after it was stopped', async () => {
    const only = job([])
    const work = workerOf(only)
    const worker = work.run()
    expect(work.run()).toBe(worker)
    await clock.advance(0)
    expect(only.steps).toBe(1)
    await worker.stop()
    const next = work.run()
    expect(next).not.toBe(worker)
    await clock.advance(0)
    expect(only.steps).toBe(2)
    await next.stop()
  })
})

describe('the purge', () => {
  test('goes on in bounded steps until nothing is left', async () => {
    const counts = [700, 20, 0]
    const requests: unknown[] = []
    const store = {
      now: () => start,
      purge(request: unknown) {
        requests.push(request)
        return counts.shift()!
      },
    }
    expect(await workerOf(purgeJob({ store })).tick()).toMatchObject({ purged: 720, done: true })
    const request = { now: start, limit: 500 }
    expect(requests).toEqual([request, request, request])
  })
})
