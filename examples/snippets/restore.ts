import { copyFileSync, readFileSync } from 'node:fs'
import Database from 'better-sqlite3'
import { createKeyrung, isKeyrungError } from 'keyrung'
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
const backupAt = Date.now()
await first.database.backup('backup.db')
const { version } = narrowed.key
await first.keyrung.keys.edit(admin, narrowed.key.id, { scopes: ['contacts:read'] }, { version })
await first.keyrung.keys.revoke(admin, revoked.key.id, { reason: 'Laptop lost' })
await first.keyrung.keys.delete(admin, deleted.key.id)
const late = await make('Made after the backup')
await first.keyrung.tick()
await first.close()

copyFileSync('backup.db', 'restored.db')
const { keyrung, close } = await open('restored.db')
const works = async (made: { readonly secret: string | null }) => {
  const known = await keyrung.authenticate(made.secret ?? '')
  return known.ok
}
const before = await Promise.all([kept, narrowed, revoked, deleted, late].map(works))

//#region mend
/** Ends every key that lost something after the backup was made. To be done before anybody may call. */
async function mend(trail: readonly string[], backupAt: number) {
  for (const line of trail) {
    const { at, action, workspace_id, target } = JSON.parse(line)
    const hasLost = ['key.edited', 'key.rotated', 'key.revoked', 'key.deleted'].includes(action)
    if (!hasLost || Date.parse(at) < backupAt) continue
    const actor = { type: 'system', name: 'restore', workspaceId: workspace_id } as const
    try {
      await keyrung.keys.revoke(actor, target.id, { reason: 'Restored from a backup' })
    } catch (error) {
      // A key that was made after the backup: nobody knows it any more, so nobody can use it.
      if (!isKeyrungError(error) || error.code !== 'not_found') throw error
    }
  }
}

await mend(readFileSync('trail.jsonl', 'utf8').trimEnd().split('\n'), backupAt)
//#endregion mend

const after = await Promise.all([kept, narrowed, revoked, deleted, late].map(works))
await close()

/** What came of it. */
export const outcome = { before, after }
