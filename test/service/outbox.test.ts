import { beforeEach, describe, expect, test } from 'vitest'
import { parseEvent } from '../../src/core/audit-record.js'
import type { Change, CommitResult } from '../../src/ports/change.js'
import type { Store } from '../../src/ports/store.js'
import { changeEvent, createOutbox } from '../../src/service/outbox.js'
import { memoryStore } from '../../src/stores/memory.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import { commitEvents, countingEntropy, created, idsOf, never, noticeLog } from './audit-samples.js'
import { scriptedSink, start } from './audit-samples.js'
import type { ScriptedSink } from './audit-samples.js'

let clock: ReturnType<typeof manualClock>
let store: Store
let sink: ScriptedSink
let log: ReturnType<typeof noticeLog>
const entropy = countingEntropy()

beforeEach(() => {
  clock = manualClock(start)
  store = memoryStore({ clock })
  sink = scriptedSink('file')
  log = noticeLog()
})

const outboxOf = (sinks: readonly ScriptedSink[] = [sink], on: Store = store) =>
  createOutbox({ store: on, clock, entropy, sinks, notify: log.notify })

const events = (count: number, sinkNames: readonly string[] = ['file'], at = start - count) =>
  commitEvents(store, count, { sinkNames, at, entropy })

const firstDue = (destination: string, now: number) =>
  store.listDueMessages({ kind: 'sink', destination, now, limit: 1 })

const codes = () => log.notices.map((notice) => notice.code)

describe('the changes of an event', () => {
  test('are its row and one message for each sink', async () => {
    const origin = { requestId: 'r-1', address: '192.0.2.7', userAgent: null }
    const made = { ...created, reason: 'leaked', origin, graceEndsAt: start + 5 }
    const changes = changeEvent({ entropy, sinkNames: ['a', 'b'] }, made, start)
    expect(changes.map((change) => 'type' in change && change.type)).toEqual(['event', 'message', 'message'])
    expect(await store.commit(changes)).toEqual({ ok: true })
    const [record] = await store.listEvents({ workspaceId: 'acme', limit: 10 })
    const event = parseEvent(record!)
    expect(event).toMatchObject({
      actor: 'user:42',
      reason: 'leaked',
      requestId: 'r-1',
      address: '192.0.2.7',
      graceEndsAt: start + 5,
    })
    expect([...(await store.countMessages())]).toEqual([
      ['a', 1],
      ['b', 1],
    ])
    for (const destination of ['a', 'b']) {
      const request = { kind: 'sink', destination, now: start, limit: 10 } as const
      const [message] = await store.listDueMessages(request)
      expect(message).toMatchObject({ workspaceId: 'acme', attempts: 0, createdAt: start, dueAt: 0 })
      expect(JSON.parse(message!.payload)).toEqual(event)
    }
  })

  test('leave nothing when their commit fails', async () => {
    const missing: Change = { do: 'delete', type: 'key', id: 'key_9', expectVersion: 1 }
    const changes = changeEvent({ entropy, sinkNames: ['file'] }, created, start)
    expect(await store.commit([...changes, missing])).toMatchObject({ ok: false })
    expect(await store.listEvents({ workspaceId: 'acme', limit: 10 })).toEqual([])
    expect((await store.countMessages()).size).toBe(0)
  })
})

describe('delivery', () => {
  test('takes every event to every sink, oldest first, in writes of at most a hundred', async () => {
    const other = scriptedSink('other')
    const ids = await events(250, ['file', 'other'])
    expect(await outboxOf([sink, other]).deliver(5_000)).toEqual({ delivered: 500, failed: 0 })
    expect(idsOf(sink)).toEqual(ids)
    expect(idsOf(other)).toEqual(ids)
    expect(sink.taken.map((batch) => batch.length)).toEqual([100, 100, 50])
    expect((await store.countMessages()).size).toBe(0)
  })

  test('leaves alone what is for the sinks of other instances', async () => {
    await events(3, ['elsewhere'])
    expect(await outboxOf().deliver(5_000)).toEqual({ delivered: 0, failed: 0 })
    const [message] = await firstDue('elsewhere', start)
    expect(message).toMatchObject({ version: 1, attempts: 0 })
  })

  test('does not wait for the clock of an instance that is ahead', async () => {
    await events(1, ['file'], start + 20_000)
    expect(await outboxOf().deliver(5_000)).toEqual({ delivered: 1, failed: 0 })
  })

  test('keeps others away by the store’s clock, not by its own', async () => {
    const behind = { ...clock, now: () => clock.now() - 90_000 }
    await events(1)
    let finish: () => void = () => undefined
    sink.act = () => new Promise((resolve) => (finish = resolve))
    const slow = createOutbox({ store, clock: behind, entropy, sinks: [sink], notify: log.notify })
    const writing = slow.deliver(5_000)
    await clock.advance(60)
    const other = scriptedSink('file')
    expect(await outboxOf([other]).deliver(5_000)).toEqual({ delivered: 0, failed: 0 })
    finish()
    expect(await writing).toEqual({ delivered: 1, failed: 0 })
  })

  test('is held up by no clock that is set back, whether it failed before or not', async () => {
    await events(1)
    sink.act = () => Promise.reject(new TypeError())
    const outbox = outboxOf()
    expect(await outbox.deliver(5_000)).toEqual({ delivered: 0, failed: 1 })
    sink.act = () => undefined
    clock.step(-3_600_000)
    await events(1)
    await clock.advance(30_000)
    expect(await outbox.deliver(5_000)).toEqual({ delivered: 2, failed: 0 })
  })

  test('begins nothing when its budget is over', async () => {
    await events(150)
    sink.act = () => clock.advance(10)
    expect(await outboxOf().deliver(10)).toEqual({ delivered: 100, failed: 0 })
    expect(await outboxOf().deliver(0)).toEqual({ delivered: 0, failed: 0 })
  })

  test('by several instances at once takes each event once while none crashes', async () => {
    const slow = withCommit(async (commit, changes) => {
      await Promise.resolve()
      return commit(changes)
    })
    const ids = await events(450)
    const sums = await Promise.all([1, 2, 3].map(() => outboxOf([sink], slow).deliver(5_000)))
    await outboxOf().deliver(5_000)
    expect(idsOf(sink).toSorted()).toEqual(ids.toSorted())
    expect(sums.reduce((sum, { delivered }) => sum + delivered, 0)).toBeGreaterThanOrEqual(300)
  })

  test('gives up claiming for now when it always loses', async () => {
    await events(1)
    const losing = withCommit(() => ({ ok: false, failed: 0, why: 'version' }))
    expect(await outboxOf([sink], losing).deliver(5_000)).toEqual({ delivered: 0, failed: 0 })
    expect(sink.taken).toEqual([])
  })

  test('deletes the others where one message was taken by another meanwhile', async () => {
    await events(3)
    sink.act = async () => {
      const [first] = await firstDue('file', start + 3_600_000)
      const { id, version } = first!
      await store.commit([
        { do: 'update', type: 'message', id, expectVersion: version, set: { attempts: 5 } },
      ])
    }
    await outboxOf().deliver(5_000)
    expect([...(await store.countMessages()).values()]).toEqual([1])
  })

  test('throws what the store throws', async () => {
    await store.close()
    await expect(outboxOf().deliver(5_000)).rejects.toMatchObject({ code: 'store_unavailable' })
  })
})

describe('a failing sink', () => {
  const fail = () => {
    throw Object.assign(new Error('canary'), { code: 'ENOSPC' })
  }

  test('is tried again with a growing wait, never given up, and catches up', async () => {
    const ids = await events(3)
    const outbox = outboxOf()
    sink.act = fail
    let failed = 0
    for (let minute = 0; minute < 120; minute++) {
      failed += (await outbox.deliver(5_000)).failed
      await clock.advance(60_000)
    }
    expect(failed).toBeGreaterThan(30)
    expect([...(await store.countMessages())]).toEqual([['file', 3]])
    sink.act = () => undefined
    for (let minute = 0; minute < 10; minute++) {
      await outbox.deliver(5_000)
      await clock.advance(60_000)
    }
    expect(idsOf(sink).toSorted()).toEqual(ids.toSorted())
  })

  test('backs off from one second to five minutes', async () => {
    await events(1)
    const outbox = outboxOf()
    sink.act = fail
    const waits: number[] = []
    for (let i = 0; i < 14; i++) {
      expect((await outbox.deliver(5_000)).failed).toBe(1)
      const [message] = await firstDue('file', start * 2)
      expect(message!.attempts).toBe(i + 1)
      waits.push(message!.dueAt - clock.now())
      await clock.advance(Math.max(waits.at(-1)!, 30_000))
    }
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(1_000)
    expect(waits[0]).toBeLessThanOrEqual(2_000)
    expect(waits[4]).toBeGreaterThanOrEqual(16_000)
    expect(Math.max(...waits)).toBeLessThanOrEqual(300_000)
    expect(waits.at(-1)).toBeGreaterThanOrEqual(150_000)
  })

  test('is visible, told once, and its recovery too; no error text is shown', async () => {
    await events(1)
    const outbox = outboxOf()
    sink.act = fail
    for (let i = 0; i < 3; i++) {
      await outbox.deliver(5_000)
      await clock.advance(60_000)
    }
    const [state] = await outbox.state()
    expect(state).toEqual({
      name: 'file',
      failing: true,
      lastError: 'ENOSPC',
      since: start,
      delivered: 0,
      waiting: 1,
    })
    expect(codes()).toEqual(['sink_failing'])
    sink.act = () => undefined
    await outbox.deliver(5_000)
    expect((await outbox.state())[0]).toEqual({
      name: 'file',
      failing: false,
      lastError: 'ENOSPC',
      since: null,
      delivered: 1,
      waiting: 0,
    })
    expect(codes()).toEqual(['sink_failing', 'sink_recovered'])
    expect(JSON.stringify([log.notices, state])).not.toContain('canary')
  })

  test('delays no other sink, even while it hangs', async () => {
    const hanging = scriptedSink('hanging')
    hanging.act = never
    const ids = await events(5, ['file', 'hanging'])
    const outbox = outboxOf([hanging, sink])
    const round = outbox.deliver(60_000)
    await clock.advance(0)
    expect(idsOf(sink)).toEqual(ids)
    expect((await outbox.state())[0]).toMatchObject({ name: 'hanging', failing: false, waiting: 5 })
    // Its time is over after ten seconds.
    await clock.advance(10_000)
    expect(await round).toEqual({ delivered: 5, failed: 5 })
    expect((await outbox.state())[0]).toMatchObject({ failing: true, lastError: 'timeout' })
  })

  test('that hangs is not asked a second time meanwhile', async () => {
    let asked = 0
    sink.act = () => {
      asked++
      return never()
    }
    await events(5)
    const outbox = outboxOf()
    void outbox.deliver(5_000)
    void outbox.deliver(5_000)
    await clock.advance(9_000)
    expect(asked).toBe(1)
  })

  test('that cannot take one event takes all others', async () => {
    const ids = await events(300)
    const poison = ids[150]!
    sink.act = (batch) => {
      if (batch.some((event) => event.id === poison)) throw new TypeError('canary')
    }
    const outbox = outboxOf()
    for (let second = 0; second < 1_800; second += 5) {
      await outbox.deliver(5_000)
      await clock.advance(5_000)
    }
    expect(new Set(idsOf(sink))).toEqual(new Set(ids.filter((id) => id !== poison)))
    expect([...(await store.countMessages()).values()]).toEqual([1])
  })

  test('whose name would break a line is told in one', async () => {
    const odd = scriptedSink('a\nb\u2028c')
    odd.act = fail
    await events(1, [odd.name])
    await outboxOf([odd]).deliver(5_000)
    expect(log.notices[0]!.message).toContain('"a\\nb\\u2028c"')
    expect(log.notices[0]!.message).not.toMatch(/[\n\u2028]/)
  })
})

describe('a message that cannot be read', () => {
  const garbage = async (payload: string) => {
    const [, message] = changeEvent({ entropy, sinkNames: ['file'] }, created, start - 1_000)
    if (message?.do !== 'insert' || message.type !== 'message') throw new Error('no message')
    await store.commit([{ ...message, record: { ...message.record, payload } }])
  }

  test('holds up no other and stays, as another version may know it', async () => {
    await garbage('{}')
    const ids = await events(2)
    const outbox = outboxOf()
    expect(await outbox.deliver(5_000)).toEqual({ delivered: 2, failed: 1 })
    expect(idsOf(sink)).toEqual(ids)
    await clock.advance(300_000)
    expect(await outbox.deliver(5_000)).toEqual({ delivered: 0, failed: 1 })
    expect(codes()).toEqual(['sink_failing'])
    expect((await outbox.state())[0]).toMatchObject({ failing: false, waiting: 1 })
  })
})

test('the state says so when the store cannot count', async () => {
  const outbox = outboxOf()
  await store.close()
  expect(await outbox.state()).toMatchObject([{ name: 'file', waiting: null }])
})

test('a notify that throws or rejects breaks nothing', async () => {
  sink.act = () => {
    throw new Error('no')
  }
  for (const notify of [
    () => {
      throw new Error('no')
    },
    () => Promise.reject(new Error('no')) as unknown as void,
  ]) {
    await events(1)
    const outbox = createOutbox({ store, clock, entropy, sinks: [sink], notify })
    expect(await outbox.deliver(5_000)).toMatchObject({ delivered: 0 })
    await clock.advance(60_000)
  }
})

type Commit = (changes: readonly Change[]) => CommitResult | Promise<CommitResult>

function withCommit(
  act: (commit: Commit, changes: readonly Change[]) => CommitResult | Promise<CommitResult>,
) {
  return { ...store, commit: (changes: readonly Change[]) => act((given) => store.commit(given), changes) }
}
