import { describe, expect, test } from 'vitest'
import type { Change } from '../../src/ports/change.js'
import type { Notice } from '../../src/service/notice.js'
import { createWorkerWatch } from '../../src/service/worker-watch.js'
import { memorySink } from '../../src/sinks/memory.js'
import { memoryStore } from '../../src/stores/memory.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import { admin, sample } from './sample.js'

const scopes = ['contacts:read'] as const
const minuteMs = 60_000

function told(notices: readonly Notice[]): string[] {
  return notices.flatMap(({ code, message }) => (code === 'worker_not_running' ? [message] : []))
}

describe('work that nobody does', () => {
  test('is told of once, when it has waited for more than five minutes', async () => {
    const { keyrung, clock, notices } = sample({ sinks: [memorySink()] })
    const { secret } = await keyrung.keys.create(admin, { name: 'one', scopes })
    const demand = keyrung.demand('contacts:read')
    await clock.advance(5 * minuteMs)
    await keyrung.admit({ authorization: [`Bearer ${secret}`] }, demand)
    expect(told(notices)).toEqual([])
    await clock.advance(1)
    for (let i = 0; i < 3; i++) await keyrung.admit({ authorization: [`Bearer ${secret}`] }, demand)
    expect(told(notices)).toEqual([expect.stringContaining('events for sinks, last-used times: ')])
  })

  test('is told of by a change too, where no request comes', async () => {
    const { keyrung, clock, notices } = sample({ sinks: [memorySink()] })
    await keyrung.keys.create(admin, { name: 'one', scopes })
    await clock.advance(6 * minuteMs)
    await keyrung.keys.create(admin, { name: 'two', scopes })
    expect(told(notices)).toHaveLength(1)
  })

  test('is nothing to tell of where nothing waits', async () => {
    const { keyrung, clock, notices } = sample()
    for (let i = 0; i < 3; i++) {
      await keyrung.keys.create(admin, { name: `key ${i}`, scopes })
      await clock.advance(6 * minuteMs)
    }
    expect(told(notices)).toEqual([])
  })

  test.each(['run', 'tick'] as const)('is nothing to tell of where %s is called', async (how) => {
    const { keyrung, clock, notices } = sample({ sinks: [memorySink()] })
    const { secret } = await keyrung.keys.create(admin, { name: 'one', scopes })
    await clock.advance(minuteMs)
    await keyrung[how]()
    for (let i = 0; i < 3; i++) {
      await clock.advance(3 * minuteMs)
      await keyrung.admit({ authorization: [`Bearer ${secret}`] }, keyrung.demand('contacts:read'))
    }
    expect(told(notices)).toEqual([])
    await keyrung.close()
  })
})

test('webhooks and approved operations wait for it as well', async () => {
  const clock = manualClock()
  const notices: Notice[] = []
  const watch = createWorkerWatch({ clock, notify: (notice) => void notices.push(notice) })
  const store = watch.watchStore({ ...memoryStore({ clock }), commit: () => ({ ok: true }) })
  const delivery = { do: 'insert', type: 'delivery' } as Change
  const approved = { do: 'update', type: 'approval', set: { status: 'approved' } } as Change
  await store.commit([delivery])
  await clock.advance(6 * minuteMs)
  await store.commit([approved])
  await store.commit([approved])
  expect(told(notices)).toEqual([expect.stringContaining('webhooks, approved operations: ')])
})
