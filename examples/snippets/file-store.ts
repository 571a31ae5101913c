import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { KeyrungError, type Change, type CommitResult, type KeyRecord, type KeyRow } from 'keyrung'
import { type KeyFilter, type KeySecretRecord, type Records, type RecordType, type Store } from 'keyrung'
import { type UsageEntry, type UsageRow } from 'keyrung'
import { approvalQueries, purgeApprovals, sealedQueries } from './file-store-approvals.js'
import { checkChange, isUsage } from './file-store-records.js'

//#region state
type AnyRecord = Records[RecordType]

/** Everything there is; a state is never changed, nor a record in it: a commit puts another in its place. */
interface State {
  /** By kind and id; a kind has no blank, so no two records share a name. */
  readonly records: ReadonlyMap<string, AnyRecord>
  readonly counters: ReadonlyMap<string, number>
  /** When each key was last used. */
  readonly uses: ReadonlyMap<string, number>
  /** What it was used for. */
  readonly usage: ReadonlyMap<string, UsageEntry>
}
//#endregion state

type Why = Extract<CommitResult, { readonly ok: false }>['why']

//#region commit
/** What the changes make of a state: all of them, or why one of them cannot be made. */
function next(state: State, changes: readonly Change[], now: number): CommitResult & { state?: State } {
  const records = new Map(state.records)
  const counters = new Map(state.counters)

  function make(change: Change): Why | undefined {
    if (now >= (change.before ?? Infinity)) return 'late'
    if (change.do === 'counter') {
      const sum = (counters.get(change.name) ?? 0) + change.delta
      if (sum > (change.max ?? Number.MAX_SAFE_INTEGER)) return 'limit'
      counters.set(change.name, sum)
      return undefined
    }
    const { type } = change
    const name = `${type} ${change.do === 'insert' ? change.record.id : change.id}`
    const found = records.get(name)
    if (change.do === 'insert') {
      if (found || !isFree(change.record)) return 'duplicate'
      records.set(name, Object.freeze({ ...change.record, version: 1 }))
      return undefined
    }
    if (!found) return 'missing'
    if (found.version !== (change.do === 'check' ? change.version : change.expectVersion)) return 'version'
    if (change.do === 'delete') records.delete(name)
    if (change.do === 'update') {
      const updated = Object.freeze({ ...found, ...change.set, version: found.version + 1 }) as AnyRecord
      if (!isFree(updated)) return 'duplicate'
      records.set(name, updated)
    }
    return undefined
  }

  /** A digest belongs to one secret. */
  function isFree(record: AnyRecord): boolean {
    if (!('digest' in record)) return true
    return !all<KeySecretRecord>(records, 'secret').some(
      ({ id, digest }) => digest === record.digest && id !== record.id,
    )
  }

  for (const [failed, change] of changes.entries()) {
    const why = make(change)
    if (why) return { ok: false, failed, why }
  }
  return { ok: true, state: { ...state, records, counters } }
}
//#endregion commit

/** The records of one kind; another store would have a table, and indexes. */
function all<T extends AnyRecord>(records: ReadonlyMap<string, AnyRecord>, type: RecordType): T[] {
  return [...records].filter(([name]) => name.startsWith(`${type} `)).map(([, record]) => record as T)
}

/** By UTF-16 units, as `<` has it: never by a language's rules. */
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const count = (names: readonly string[]): ReadonlyMap<string, number> =>
  names.reduce((counts, name) => counts.set(name, (counts.get(name) ?? 0) + 1), new Map<string, number>())

//#region file
/** A store in one JSON file, for one process: each commit writes a new file in the place of the old one. */
export function fileStore({ path, now }: { readonly path: string; readonly now: () => number }): Store {
  let state: State = existsSync(path)
    ? read(path)
    : { records: new Map(), counters: new Map(), uses: new Map(), usage: new Map() }
  let isClosed = false

  function current(): State {
    if (isClosed) throw new KeyrungError('store_unavailable', { internal: 'file: closed' })
    return state
  }
  function replace(after: State): void {
    try {
      // A crash leaves the old file or the new one, never half of it.
      const { records, counters, uses, usage } = after
      writeFileSync(`${path}.new`, JSON.stringify([records, counters, uses, usage].map((map) => [...map])))
      renameSync(`${path}.new`, path)
    } catch (error) {
      // The code only: the text may have data in it.
      const code = (error as NodeJS.ErrnoException).code ?? 'unknown'
      throw new KeyrungError('store_unavailable', { internal: `file: ${code}` })
    }
    state = after
  }
  //#endregion file

  const recordsOf = <T extends AnyRecord>(type: RecordType): T[] => all<T>(current().records, type)
  const keyOf = (id: string): KeyRecord | undefined =>
    current().records.get(`key ${id}`) as KeyRecord | undefined
  const living = ({ endsAt }: KeySecretRecord): boolean => endsAt === null || endsAt > now()

  //#region credential
  /** A secret counts only together with its key, in the same workspace. */
  function credentialOf(secret: KeySecretRecord | undefined) {
    const key = secret && keyOf(secret.keyId)
    return secret && key?.workspaceId === secret.workspaceId ? { secret, key } : undefined
  }
  //#endregion credential

  function keysOf({ workspaceId, status, ownerId, createdBy, ...expiry }: KeyFilter): KeyRecord[] {
    const { expiresBefore = Infinity, expiresFrom = 0 } = expiry
    return recordsOf<KeyRecord>('key')
      .filter((key) => key.workspaceId === workspaceId && (status ?? key.status) === key.status)
      .filter((key) => (ownerId ?? key.ownerId) === key.ownerId)
      .filter((key) => (createdBy ?? key.createdBy) === key.createdBy)
      .filter(
        ({ expiresAt }) => expiry.expiresBefore === undefined || (expiresAt ?? Infinity) < expiresBefore,
      )
      .filter(({ expiresAt }) => (expiresAt ?? Infinity) >= expiresFrom)
  }

  function rowOf(key: KeyRecord): KeyRow {
    const secrets = recordsOf<KeySecretRecord>('secret').filter((one) => one.keyId === key.id && living(one))
    secrets.sort((a, b) => b.createdAt - a.createdAt || compare(b.id, a.id))
    return { key, secrets, lastUsedAt: current().uses.get(key.id) ?? null }
  }

  return {
    name: 'file',
    freshness: 'strict',
    synchronous: true,
    durable: true,
    //#region answer
    commit(changes) {
      for (const change of changes) checkChange(change)
      const { state: after, ...result } = next(current(), structuredClone(changes), now())
      if (after) replace(after)
      return result
    },
    findCredential: (wanted) =>
      credentialOf(recordsOf<KeySecretRecord>('secret').find(({ digest }) => digest === wanted)),
    //#endregion answer
    findCredentials: (digests) =>
      recordsOf<KeySecretRecord>('secret').flatMap((secret) =>
        digests.includes(secret.digest) ? (credentialOf(secret) ?? []) : [],
      ),
    findCredentialById: (id) =>
      credentialOf(current().records.get(`secret ${id}`) as KeySecretRecord | undefined),
    findKey(workspaceId, id) {
      const key = keyOf(id)
      return key?.workspaceId === workspaceId ? rowOf(key) : undefined
    },
    listKeys: ({ text, before, limit, ...filter }) =>
      keysOf(filter)
        .filter(({ id }) => before === undefined || compare(id, before) < 0)
        .sort((a, b) => compare(b.id, a.id))
        .map(rowOf)
        .filter(({ key, secrets }) => {
          if (text === undefined || key.nameSearch.includes(text) || key.id === text) return true
          return secrets.some(({ lastFour }) => lastFour.toLowerCase() === text)
        })
        .slice(0, limit),
    countKeys: (filter) => keysOf(filter).length,
    countSecrets: () =>
      count(
        recordsOf<KeySecretRecord>('secret')
          .filter(living)
          .map(({ hostSecretId }) => hostSecretId),
      ),
    recordUses(uses) {
      const after = new Map(current().uses)
      for (const { keyId, at } of uses)
        if (keyOf(keyId) && at > (after.get(keyId) ?? -Infinity)) after.set(keyId, at)
      replace({ ...state, uses: after })
    },
    recordUsage(entries) {
      const after = new Map(current().usage)
      for (const entry of entries.filter(isUsage)) {
        const name = JSON.stringify([entry.keyId, entry.day, entry.permission, entry.outcome])
        const calls = entry.calls + (after.get(name)?.calls ?? 0)
        if (keyOf(entry.keyId)) after.set(name, { ...entry, calls })
      }
      replace({ ...state, usage: after })
    },
    findUsage({ workspaceId, keyId, fromDay, toDay, limit }) {
      const sums = new Map<string, UsageRow>()
      for (const { keyId: id, ...row } of current().usage.values()) {
        if (keyId !== undefined && id !== keyId) continue
        if (keyOf(id)?.workspaceId !== workspaceId || row.day < fromDay || row.day > toDay) continue
        const name = JSON.stringify([row.day, row.permission, row.outcome])
        sums.set(name, { ...row, calls: row.calls + (sums.get(name)?.calls ?? 0) })
      }
      return [...sums.values()].slice(0, limit)
    },
    findIdempotency: (id) => current().records.get(`idempotency ${id}`) as Records['idempotency'] | undefined,
    listEvents: ({ workspaceId, actor, action, targetId, from = -Infinity, to = Infinity, before, limit }) =>
      recordsOf<Records['event']>('event')
        .filter((event) => event.workspaceId === workspaceId && event.at >= from && event.at < to)
        .filter((event) => actor === undefined || event.actor === actor)
        .filter((event) => action === undefined || event.action === action)
        .filter((event) => targetId === undefined || event.targetId === targetId)
        .filter(({ at, id }) => !before || at < before.at || (at === before.at && compare(id, before.id) < 0))
        .sort((a, b) => b.at - a.at || compare(b.id, a.id))
        .slice(0, limit),
    listDueMessages: (request) =>
      recordsOf<Records['message']>('message')
        .filter(({ kind, destination }) => kind === request.kind && destination === request.destination)
        .filter(({ dueAt }) => dueAt <= request.now)
        .sort((a, b) => compare(a.id, b.id))
        .slice(0, request.limit),
    countMessages: () =>
      count(recordsOf<Records['message']>('message').map(({ destination }) => destination)),
    findSettings: (prefix) =>
      recordsOf<Records['setting']>('setting')
        .filter(({ id }) => id.startsWith(prefix))
        .sort((a, b) => compare(a.id, b.id)),
    ...approvalQueries((type) => recordsOf(type)),
    ...sealedQueries((type) => recordsOf(type)),
    purge(request) {
      const { records, uses, usage, ...rest } = current()
      const kept = new Map(records)
      const keptUses = new Map(uses)
      const keptUsage = new Map(usage)
      const take = <T extends AnyRecord>(type: RecordType, isOver: (record: T) => boolean): readonly T[] => {
        const taken = all<T>(records, type).filter(isOver).slice(0, request.limit)
        for (const { id } of taken) kept.delete(`${type} ${id}`)
        return taken
      }
      const ended = take<KeySecretRecord>('secret', ({ endsAt }) => endsAt !== null && endsAt <= request.now)
      const expired = take<Records['idempotency']>('idempotency', ({ expiresAt }) => expiresAt <= request.now)
      const dropUsage = (isOver: (entry: UsageEntry) => boolean): number => {
        const over = [...keptUsage].filter(([, entry]) => isOver(entry)).slice(0, request.limit)
        for (const [name] of over) keptUsage.delete(name)
        return over.length
      }
      const { usageBefore = -Infinity } = request
      const old = dropUsage(({ day }) => day < usageBefore)
      const isGone = (keyId: string): boolean => records.has(`tombstone ${keyId}`)
      const orphaned = dropUsage(({ keyId }) => isGone(keyId))
      const approvals = purgeApprovals(kept, request)
      // The tombstones stay until all that hung on their keys is gone.
      const isDone = orphaned < request.limit && approvals.isAll
      const deleted = take<Records['tombstone']>('tombstone', () => isDone)
      const used = deleted.filter(({ id }) => keptUses.delete(id))
      const counters = new Map(rest.counters)
      for (const { id } of deleted) counters.delete(`pending/${id}`)
      replace({ records: kept, counters, uses: keptUses, usage: keptUsage })
      const ofKeys = orphaned + approvals.removed + deleted.length + used.length
      return ended.length + expired.length + old + ofKeys
    },
    now: () => (current(), now()),
    findSchema: () => (current(), 'current'),
    migrate: () => void current(),
    close: () => void (isClosed = true),
  }
}

function read(path: string): State {
  type Entries<T> = [string, T][]
  const [records, counters, uses, usage] = JSON.parse(readFileSync(path, 'utf8')) as [
    Entries<AnyRecord>,
    Entries<number>,
    Entries<number>,
    Entries<UsageEntry>,
  ]
  for (const [, record] of records) Object.freeze(record)
  return {
    records: new Map(records),
    counters: new Map(counters),
    uses: new Map(uses),
    usage: new Map(usage),
  }
}
