import { beforeEach, describe, expect, test } from 'vitest'
import type { DecisionEvent } from '../../src/core/audit.js'
import type { AuditSink } from '../../src/ports/audit-sink.js'
import type { KeyUse } from '../../src/ports/key-store.js'
import { createRecorder } from '../../src/service/recorder.js'
import { memoryStore } from '../../src/stores/memory.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import { keyRecord, never, noticeLog, start } from './audit-samples.js'

let clock: ReturnType<typeof manualClock>
let log: ReturnType<typeof noticeLog>
let written: KeyUse[][]
let recordUses: (uses: readonly KeyUse[]) => void | Promise<void>

beforeEach(() => {
  clock = manualClock(start)
  log = noticeLog()
  written = []
  recordUses = (uses) => void written.push([...uses])
})

const recorderOf = (sinks: readonly AuditSink[] = []) =>
  createRecorder({
    store: { recordUses: (uses) => recordUses(uses), recordUsage: () => undefined },
    clock,
    sinks,
    notify: log.notify,
  })

const down = () => Promise.reject(new Error('canary'))

describe('last-used times', () => {
  test('are written as one batch, the latest of each key', async () => {
    const recorder = recorderOf()
    recorder.used('a', start)
    recorder.used('b', start + 1)
    recorder.used('a', start + 5)
    recorder.used('a', start + 3)
    expect(written).toEqual([])
    await recorder.flush()
    const expected = [
      { keyId: 'a', at: start + 5 },
      { keyId: 'b', at: start + 1 },
    ]
    expect(written).toEqual([expected])
    await recorder.flush()
    expect(written).toHaveLength(1)
  })

  test('that are no numbers never reach the store', async () => {
    const recorder = recorderOf()
    for (const at of [NaN, Infinity, 'now' as unknown as number]) recorder.used(`key ${at}`, at)
    recorder.used('a', start)
    await recorder.flush()
    expect(written).toEqual([[{ keyId: 'a', at: start }]])
  })

  test('of many keys go in batches of at most five hundred', async () => {
    const recorder = recorderOf()
    for (let i = 0; i < 1_200; i++) recorder.used(`key_${i}`, start + i)
    await recorder.flush()
    expect(written.map((batch) => batch.length)).toEqual([500, 500, 200])
  })

  test('begin to be written by themselves when there are many', async () => {
    const recorder = recorderOf()
    for (let i = 0; i < 5_000; i++) recorder.used(`key_${i}`, start)
    await clock.advance(0)
    expect(written.flat().length).toBeGreaterThanOrEqual(500)
    expect(recorder.state().lostUses).toBe(0)
  })

  test('are kept while the store fails, bounded, and a loss is told once', async () => {
    const recorder = recorderOf()
    recordUses = down
    for (let i = 0; i < 10_000; i++) recorder.used(`key_${i}`, start)
    await recorder.flush()
    await recorder.flush()
    expect(recorder.state()).toMatchObject({ waitingUses: 10_000, lostUses: 0 })
    expect(log.notices).toEqual([])
    for (let i = 10_000; i < 10_500; i++) recorder.used(`key_${i}`, start)
    await clock.advance(0)
    expect(recorder.state()).toMatchObject({ waitingUses: 9_500, lostUses: 1_000 })
    expect(log.notices.map((notice) => notice.code)).toEqual(['uses_dropped'])
    recordUses = (uses) => void written.push([...uses])
    await recorder.flush()
    expect(written.flat()).toHaveLength(9_500)
    expect(recorder.state()).toMatchObject({ waitingUses: 0, lostUses: 1_000 })
  })

  test('that come in during a failing write are not set back by it', async () => {
    const recorder = recorderOf()
    let fail = (): void => undefined
    recordUses = () => new Promise((_, reject) => (fail = () => reject(new Error('canary'))))
    recorder.used('a', start)
    const flush = recorder.flush()
    recorder.used('a', start + 9)
    fail()
    await flush
    recordUses = (uses) => void written.push([...uses])
    await recorder.flush()
    expect(written).toEqual([[{ keyId: 'a', at: start + 9 }]])
  })

  test('that come in during a write are written by a flush that begins then', async () => {
    const recorder = recorderOf()
    let answer = (): void => undefined
    recordUses = (uses) => {
      written.push([...uses])
      return written.length === 1 ? new Promise((resolve) => (answer = resolve)) : undefined
    }
    recorder.used('a', start)
    const first = recorder.flush()
    recorder.used('b', start)
    const second = recorder.flush()
    answer()
    await Promise.all([first, second])
    expect(written.flat().map((use) => use.keyId)).toEqual(['a', 'b'])
  })

  test('throw nothing into the request, whatever the store does', () => {
    recordUses = () => {
      throw new Error('canary')
    }
    const recorder = recorderOf()
    for (let i = 0; i < 11_000; i++) recorder.used(`key_${i}`, start)
    expect(recorder.state().waitingUses).toBe(10_000)
  })

  test('fail the job, so that the worker can tell', async () => {
    recordUses = down
    const recorder = recorderOf()
    recorder.used('a', start)
    await expect(recorder.jobs[0]!.step()).rejects.toThrow()
    expect(await recorder.jobs[1]!.step()).toEqual({ flushed: 0, left: 'nothing' })
  })

  test('bring nothing back: a revoked key stays revoked, a deleted one away', async () => {
    const store = memoryStore({ clock })
    const recorder = createRecorder({ store, clock, sinks: [], notify: log.notify })
    await store.commit([
      { do: 'insert', type: 'key', record: keyRecord() },
      { do: 'insert', type: 'key', record: keyRecord({ id: 'key_2' }) },
    ])
    recorder.used('key_1', start + 1)
    recorder.used('key_2', start + 1)
    await store.commit([
      { do: 'update', type: 'key', id: 'key_1', expectVersion: 1, set: { status: 'revoked' } },
      { do: 'delete', type: 'key', id: 'key_2', expectVersion: 1 },
    ])
    await recorder.flush()
    const row = await store.findKey('acme', 'key_1')
    expect(row).toMatchObject({ key: { status: 'revoked', version: 2 }, lastUsedAt: start + 1 })
    expect(await store.findKey('acme', 'key_2')).toBeUndefined()
  })
})

describe('refusals', () => {
  const refusal = { workspaceId: 'acme', keyId: 'a', code: 'insufficient', permission: 'x:read' }
  const decisionSink = (name = 'log') => {
    const batches: DecisionEvent[][] = []
    const sink: AuditSink = {
      name,
      write: () => undefined,
      writeDecisions: (events) => void batches.push([...events]),
    }
    return { batches, sink }
  }

  test('of one kind become one entry with a count and a span', async () => {
    const { batches, sink } = decisionSink()
    const recorder = recorderOf([sink])
    for (const at of [start + 5, start, start + 9]) recorder.refused(refusal, at)
    recorder.refused({ ...refusal, permission: null }, start)
    await recorder.flush()
    expect(batches).toEqual([
      [
        { ...refusal, firstAt: start, lastAt: start + 9, count: 3 },
        { ...refusal, permission: null, firstAt: start, lastAt: start, count: 1 },
      ],
    ])
    await recorder.flush()
    expect(batches).toHaveLength(1)
  })

  test('that differ never share an entry, however their fields are cut', async () => {
    const { batches, sink } = decisionSink()
    const recorder = recorderOf([sink])
    const parts = ['a', 'b', 'a,b', '"', '","', 'null', '\ud800', '\\ud800']
    for (const workspaceId of parts) {
      for (const keyId of parts) {
        for (const permission of [...parts, null])
          recorder.refused({ ...refusal, workspaceId, keyId, permission }, 1)
      }
    }
    await recorder.flush()
    expect(batches[0]).toHaveLength(8 * 8 * 9)
    expect(batches[0]!.every((event) => event.count === 1)).toBe(true)
  })

  test('beyond a thousand kinds are counted together', async () => {
    const { batches, sink } = decisionSink()
    const recorder = recorderOf([sink])
    for (let i = 0; i < 1_500; i++) recorder.refused({ ...refusal, keyId: `key_${i}` }, start + i)
    expect(recorder.state().waitingDecisions).toBe(1_001)
    await recorder.flush()
    const other = { workspaceId: '', keyId: '', code: 'other', permission: null }
    expect(batches[0]!.at(-1)).toEqual({
      ...other,
      firstAt: start + 1_000,
      lastAt: start + 1_499,
      count: 500,
    })
  })

  test('are not collected when no sink takes them', () => {
    const recorder = recorderOf([{ name: 'plain', write: () => undefined }])
    recorder.refused(refusal, start)
    expect(recorder.state().waitingDecisions).toBe(0)
  })

  test('reach a sink at most once: what it refuses is lost, counted, and lost to it alone', async () => {
    const { batches, sink } = decisionSink()
    const failing: AuditSink = { ...sink, name: 'failing', writeDecisions: down }
    const recorder = recorderOf([failing, sink])
    recorder.refused(refusal, start)
    recorder.refused(refusal, start)
    await recorder.flush()
    await recorder.flush()
    expect(batches).toHaveLength(1)
    expect(recorder.state()).toMatchObject({ waitingDecisions: 0, lostDecisions: 2 })
  })

  test('wait for a slow sink, and pass over one that hangs until it answers', async () => {
    const { batches, sink } = decisionSink()
    let asked = 0
    let answer = (): void => undefined
    const hanging: AuditSink = {
      ...sink,
      name: 'hanging',
      writeDecisions: () => {
        asked++
        return new Promise((resolve) => (answer = resolve))
      },
    }
    const recorder = recorderOf([hanging, sink])
    recorder.refused(refusal, start)
    const first = recorder.flush()
    await clock.advance(0)
    recorder.refused(refusal, start)
    const second = recorder.flush()
    await clock.advance(5_000)
    await Promise.all([first, second])
    expect([asked, batches.length]).toEqual([1, 2])
    answer()
    await clock.advance(0)
    recorder.refused(refusal, start)
    void recorder.flush()
    await clock.advance(0)
    expect([asked, batches.length]).toEqual([2, 3])
  })

  test('try a sink that never answers again after a minute', async () => {
    const { sink } = decisionSink()
    let asked = 0
    const hanging: AuditSink = {
      ...sink,
      writeDecisions: () => {
        asked++
        return never()
      },
    }
    const recorder = recorderOf([hanging])
    for (let i = 0; i < 3; i++) {
      recorder.refused(refusal, start)
      void recorder.flush()
      await clock.advance(30_000)
    }
    expect(asked).toBe(2)
    expect(recorder.state().lostDecisions).toBe(3)
  })
})
