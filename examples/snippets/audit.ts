import { catalog } from './catalog.js'

//#region sinks
import { createKeyrung, memoryStore, type AuditSink } from 'keyrung'
import { consoleSink } from 'keyrung/sinks/console'
import { jsonLinesSink } from 'keyrung/sinks/jsonl'

const received: string[] = []
const queue: AuditSink = {
  name: 'queue', // stays the same from start to start: undelivered events are kept under it
  write: (events) => void received.push(...events.map((event) => event.action)), // a throw: tried again
}

const keyrung = createKeyrung({
  catalog,
  store: memoryStore(),
  secret: process.env['KEYRUNG_SECRET'],
  keys: { prefix: 'acme' },
  sinks: [consoleSink(), jsonLinesSink({ path: 'audit.jsonl' }), queue],
})
//#endregion sinks

const actor = { type: 'user', id: 'ada', workspaceId: 'ws_1', role: 'admin' } as const
const { key } = await keyrung.keys.create(actor, { name: 'Nightly', scopes: ['contacts:read'] })
await keyrung.keys.revoke(actor, key.id, { reason: 'laptop lost' }, { requestId: 'req-7' })

//#region query
const { events, next } = await keyrung.audit.list(actor, {
  targetId: key.id,
  from: Date.now() - 86_400_000,
  limit: 20,
})
for (const { at, actor: who, action, reason } of events) {
  console.log(new Date(at).toISOString(), who, action, reason ?? '')
}
//#endregion query

//#region tick
const report = await keyrung.tick({ budgetMs: 2_000 })
console.log(report) // { delivered: 6, failed: 0, flushed: 0, purged: 0, expired: 0, executed: 0, done: true }
//#endregion tick

//#region state
const state = await keyrung.state()
for (const { name, waiting, failing, lastError } of state.sinks) {
  console.log(name, waiting, failing ? `failing: ${lastError}` : 'well')
}
//#endregion state

/** What came of it. */
export const outcome = { actions: events.map((event) => event.action), next, report, received, state }
await keyrung.close()
