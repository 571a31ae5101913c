import type { PurgeRequest } from '../../ports/store.js'
import type { Tables } from './tables.js'

/** Removes what time has ended, at most so many records of each kind; answers how many. */
export function purge(tables: Tables, { now, limit, usageBefore = -Infinity }: PurgeRequest): number {
  const secrets = take(tables.ending, limit, (id) => tables.find('secret', id)!.endsAt! <= now)
  for (const id of secrets) tables.replace('secret', id, null)

  const rows = tables.all('idempotency')
  const expired = take(rows.keys(), limit, (id) => rows.get(id)!.expiresAt <= now)
  for (const id of expired) tables.replace('idempotency', id, null)

  const tombstones = take(tables.all('tombstone').keys(), limit, () => true)
  const old = tables.usage.removeBefore(usageBefore, Math.max(0, limit))
  let [usage, uses, gone] = [0, 0, 0]
  for (const id of tombstones) {
    usage += tables.usage.remove(id, limit - usage)
    // The tombstone stays until all that hung on the key is gone.
    if (usage >= limit) break
    if (tables.lastUses.delete(id)) uses++
    tables.replace('tombstone', id, null)
    gone++
  }
  return secrets.length + expired.length + old + usage + uses + gone
}

function take(ids: Iterable<string>, limit: number, fits: (id: string) => boolean): readonly string[] {
  const taken: string[] = []
  if (limit <= 0) return taken
  for (const id of ids) if (fits(id) && taken.push(id) >= limit) break
  return taken
}
