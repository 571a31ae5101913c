import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { snapshotKey } from '../../src/core/audit.js'
import type { AuditSink } from '../../src/ports/audit-sink.js'
import { createOutbox } from '../../src/service/outbox.js'
import { createRecorder } from '../../src/service/recorder.js'
import { createWorker } from '../../src/service/worker.js'
import { consoleSink } from '../../src/sinks/console.js'
import { memorySink } from '../../src/sinks/memory.js'
import { memoryStore } from '../../src/stores/memory.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import { commitEvents, countingEntropy, keyRecord, noticeLog, secretRecord, start } from './audit-samples.js'

test('a secret is in no event, line, notice or state, whatever a record or an error carries', async () => {
  const canary = 'tp_live_CANARYcanaryCANARYcanary0123456789'
  const clock = manualClock(start)
  const store = memoryStore({ clock })
  const entropy = countingEntropy()
  const log = noticeLog()
  // As if a secret and a digest had been left on the record by mistake.
  const record = { ...keyRecord(), ...secretRecord(), secret: canary, digest: canary, name: 'CI' }
  const snapshot = snapshotKey(record)
  const made = { before: snapshot, after: snapshot }
  const sinkNames = ['console', 'memory', 'failing']
  await commitEvents(store, 1, { sinkNames, at: start - 1, entropy, made })

  const lines: string[] = []
  const memory = memorySink()
  const fail = () => Promise.reject(Object.assign(new Error(canary), { name: canary, code: canary }))
  const failing: AuditSink = { name: 'failing', write: fail, writeDecisions: fail }
  const sinks = [consoleSink({ write: (line) => void lines.push(line) }), memory, failing]
  const { notify } = log
  const outbox = createOutbox({ store, clock, entropy, sinks, notify })
  const recorder = createRecorder({ store: { recordUses: fail, recordUsage: fail }, clock, sinks, notify })
  recorder.used('key_1', start)
  recorder.called('key_1', { permissions: ['contacts:read'] }, 'deny', start)
  recorder.refused({ workspaceId: 'acme', keyId: 'key_1', code: 'hidden', permission: null }, start)
  const report = await createWorker({ clock, jobs: [...outbox.jobs, ...recorder.jobs], notify }).tick()

  expect(lines).toHaveLength(2)
  expect(memory.events).toHaveLength(1)
  expect(log.notices).toHaveLength(3)
  const shown = [lines, memory.events, memory.decisions, log.notices, report, recorder.state()]
  const seen = inspect([...shown, await outbox.state()], { depth: 20, showHidden: true })
  expect(seen).toContain('key.created')
  expect(seen).not.toContain('CANARY')
})
