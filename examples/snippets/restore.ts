import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
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
interface Line {
  readonly at: string
  readonly action: string
  readonly workspace_id: string
  readonly target: { readonly id: string }
  readonly after: { readonly key_id: string }
}

/** Parses one line of the trail. Returns undefined if a crash or a full disk has cut it off. */
function parseLine(line: string): Line | undefined {
  try {
    return JSON.parse(line) as Line
  } catch {
    return undefined
  }
}

/** Names the key that a change after the backup concerns; null if there is nothing to mend. */
function keyOf({ action, target, after }: Line): string | null {
  if (['key.edited', 'key.rotated', 'key.revoked', 'key.deleted'].includes(action)) return target.id
  // The run is not in the backup: revoking the key that asked keeps the operation from running again.
  return action === 'approval.started' ? after.key_id : null
}

/** Revokes every key that lost something after the backup. Call it before `run()` and before the first request. */
async function mend(trail: readonly string[], backupAt: number) {
  let torn = 0
  for (const line of trail) {
    const event = parseLine(line)
    if (event === undefined) {
      torn++
      continue
    }
    if (!(Date.parse(event.at) >= backupAt)) continue
    const keyId = keyOf(event)
    if (keyId === null) continue
    const actor = { type: 'system', name: 'restore', workspaceId: event.workspace_id } as const
    try {
      await keyrung.keys.revoke(actor, keyId, { reason: 'Restored from a backup' })
    } catch (error) {
      // A key that was made after the backup: nobody knows it any more, so nobody can use it.
      if (!isKeyrungError(error) || error.code !== 'not_found') throw error
    }
  }
  return { torn } // lines to look at by hand: a torn line may have been a revocation
}

const { torn } = await mend(readFileSync('trail.jsonl', 'utf8').trimEnd().split('\n'), backupAt)
//#endregion mend

const after = await Promise.all([kept, narrowed, revoked, deleted, late].map(works))
await close()

/** What came of it. */
export const outcome = { before, after, torn }
