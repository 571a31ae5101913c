import { copyFileSync, createReadStream, readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import Database from 'better-sqlite3'
import { createKeyrung } from 'keyrung'
import { jsonLinesSink } from 'keyrung/sinks/jsonl'
import { sqliteStore } from 'keyrung/stores/sqlite'
import { catalog } from './catalog.js'

const admin = { type: 'user', id: 'ada', workspaceId: 'ws_1', role: 'admin' } as const

/** The host on a file of keys; its trail goes to one file all the time. */
async function open(file: string) {
  const database = new Database(file)
  const keyrung = createKeyrung({
    catalog,
    store: sqliteStore({ database }),
    secret: process.env['KEYRUNG_SECRET'],
    keys: { prefix: 'acme' },
    sinks: [jsonLinesSink({ path: 'trail.jsonl' })],
  })
  await keyrung.ready({ migrate: true })
  const close = async () => {
    await keyrung.close()
    database.close()
  }
  return { database, keyrung, close }
}

const first = await open('keys.db')
const make = (name: string) => first.keyrung.keys.create(admin, { name, scopes: ['contacts:write'] })
const [kept, narrowed, revoked, deleted] = [
  await make('Kept'),
  await make('Narrowed'),
  await make('Revoked'),
  await make('Deleted'),
]
await first.database.backup('backup.db')
const { version } = narrowed.key
await first.keyrung.keys.edit(admin, narrowed.key.id, { scopes: ['contacts:read'] }, { version })
await first.keyrung.keys.revoke(admin, revoked.key.id, { reason: 'Laptop lost' })
await first.keyrung.keys.delete(admin, deleted.key.id)
const late = await make('Made after the backup')
await first.keyrung.tick()
await first.close()

// A crash has cut a line off, in the middle of the trail.
const lines = readFileSync('trail.jsonl', 'utf8')
writeFileSync('trail.jsonl', `{"type":"change","id":"evt_0\n${lines}`)

copyFileSync('backup.db', 'restored.db')
const { keyrung, close } = await open('restored.db')
const works = async (made: { readonly secret: string | null }) => {
  const known = await keyrung.authenticate(made.secret ?? '')
  return known.ok
}
const before = await Promise.all([kept, narrowed, revoked, deleted, late].map(works))

//#region mend
// Started without listening, with all apps attached and all operations registered, and no other instance running.
const report = await keyrung.restore({
  events: createInterface({ input: createReadStream('trail.jsonl') }),
  onProgress: ({ phase, read, mended }) => console.log(phase, read, mended),
})
console.log(report.keys) // { edited: 1, rotated: 0, revoked: 1, activated: 0, deleted: 1, lost: 1 }
console.log(report.approvals) // { ended: 0, unknown: 0, lost: 0 }
for (const { keyId, why } of report.attention) console.log(keyId, why) // a key to rotate, a webhook to set again
//#endregion mend

const after = await Promise.all([kept, narrowed, revoked, deleted, late].map(works))
await close()

/** What came of it. */
export const outcome = { before, after, report }
