import type { CredentialRow } from '../../core/key.js'
import { maxUsageEntries } from '../../core/usage.js'
import { isPromise } from '../../core/maybe-promise.js'
import type { MaybePromise } from '../../core/maybe-promise.js'
import type { Clock } from '../../ports/clock.js'
import type { Change, CommitResult } from '../../ports/change.js'
import { digestsAtOnce } from '../../ports/key-store.js'
import type { KeyUse } from '../../ports/key-store.js'
import type { PurgeRequest, Store } from '../../ports/store.js'
import type { UsageEntry } from '../../ports/usage-store.js'
import { isDigest, isName, isStorable, takeChange } from '../intake.js'
import { approvalQueries } from './approval-queries.js'
import { commitSteps } from './commit.js'
import { deliveryQueries } from './delivery-queries.js'
import type { SqlDialect } from './dialect.js'
import type { Shared, SqlDriver } from './driver.js'
import { eventQueries } from './event-queries.js'
import { keyQueries } from './key-queries.js'
import { messageQueries } from './message-queries.js'
import { schemaSteps } from './schema.js'
import { sealedQueries } from './sealed-queries.js'
import { storeTime } from './store-time.js'
import type { TableNames } from './tables.js'
import { upkeepSteps } from './upkeep.js'
import { usageQueries, usageUpserts } from './usage-queries.js'

/** What a store says about itself. */
export type StoreTraits = Pick<Store, 'name' | 'freshness' | 'synchronous' | 'durable'>

/** How many uses are noted in one transaction, so that none holds others up for long. */
const usesAtOnce = 500

/** The latest of the uses of each key that can be there. */
function latestUses(uses: readonly KeyUse[]): readonly KeyUse[] {
  const latest = new Map<string, number>()
  for (const { keyId, at } of uses) {
    if (isName(keyId) && Number.isSafeInteger(at)) latest.set(keyId, Math.max(at, latest.get(keyId) ?? at))
  }
  return Array.from(latest, ([keyId, at]) => ({ keyId, at }))
}

function inParts<T>(all: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size))
}

function isLimit(limit: number): boolean {
  return Number.isSafeInteger(limit) && limit > 0
}

type Refused = Extract<CommitResult, { ok: false }>
type Committed<T> = { readonly ok: true; readonly value: T } | Refused

function committed<T>(shared: Shared<CommitResult, T>): Committed<T> {
  return shared.kept ? { ok: true, value: shared.value } : (shared.result as Refused)
}

/**
 * Builds a store on a database.
 *
 * A text that no column can hold is never sent: as no record has it, the answer is known, and a driver that
 * replaces what it cannot encode would find another's.
 *
 * @param clock what the store's now is; null: the server's
 */
export function createSqlStore(
  traits: StoreTraits,
  dialect: SqlDialect,
  names: TableNames,
  driver: SqlDriver,
  clock: Pick<Clock, 'now'> | null,
): Store {
  const time = storeTime(dialect, clock)
  const keys = keyQueries(dialect, names, time)
  const events = eventQueries(dialect, names)
  const messages = messageQueries(dialect, names)
  const approvals = approvalQueries(dialect, names)
  const deliveries = deliveryQueries(dialect, names)
  const sealed = sealedQueries(dialect, names)
  const upkeep = upkeepSteps(dialect, names)
  const usage = usageQueries(dialect, names)
  const schema = schemaSteps(dialect, names)
  const commit = commitSteps(dialect, names, time)

  async function findInParts(parts: readonly (readonly string[])[]): Promise<readonly CredentialRow[]> {
    const rows: CredentialRow[] = []
    for (const part of parts) rows.push(...(await driver.ask(keys.credentials(part))))
    return rows
  }

  async function recordInParts(parts: readonly (readonly KeyUse[])[]): Promise<void> {
    for (const part of parts) await driver.transact(() => upkeep.recordUses(part), { repeatable: true })
  }

  function recordUsage(entries: readonly UsageEntry[]): MaybePromise<void> {
    // Not repeatable: what is added twice counts twice, so a lost commit's outcome is found out.
    const parts = inParts(usageUpserts(entries), maxUsageEntries)
    if (parts.length === 0) return
    if (parts.length === 1) return driver.transact(() => usage.record(parts[0]!))
    return (async () => {
      for (const part of parts) await driver.transact(() => usage.record(part))
    })()
  }

  function commitWith<T>(
    changes: readonly Change[],
    run: (transaction: unknown) => MaybePromise<T>,
  ): MaybePromise<Committed<T>> {
    const taken = changes.map((change, index) => takeChange(change, `changes.${index}`))
    const shared = driver.share!(
      () => commit(taken),
      ({ ok }) => ok,
      run,
    )
    return isPromise(shared) ? shared.then(committed) : committed(shared)
  }

  function purge(request: PurgeRequest): MaybePromise<number> {
    const removed = driver.transact(() => upkeep.purge(request), { repeatable: true })
    if (!driver.tidy || !isPromise(removed)) return removed
    return removed.then(async (count) => {
      await driver.tidy!(request.limit)
      return count
    })
  }

  function findCredentials(digests: readonly string[]): MaybePromise<readonly CredentialRow[]> {
    const parts = inParts([...new Set(digests)].filter(isDigest), digestsAtOnce)
    if (parts.length > 1) return findInParts(parts)
    const [part] = parts
    if (!part) return []
    // PostgreSQL plans a list anew each time where it is shorter than it takes lists to be; a single value never.
    const [only, second] = part
    if (second !== undefined) return driver.ask(keys.credentials(part))
    const one = keys.credential(only!)
    return driver.ask({ ...one, decode: (rows) => [one.decode(rows)].filter((row) => row !== undefined) })
  }

  return {
    ...traits,

    commit(changes) {
      const taken = changes.map((change, index) => takeChange(change, `changes.${index}`))
      return driver.transact(() => commit(taken), { keeps: ({ ok }) => ok })
    },

    ...(driver.share && { commitWith }),

    findCredential: (digest) => (isDigest(digest) ? driver.ask(keys.credential(digest)) : undefined),
    findCredentials,
    findCredentialById: (id) => (isName(id) ? driver.ask(keys.credentialById(id)) : undefined),
    findKey: (workspaceId, id) =>
      isName(workspaceId) && isName(id) ? driver.ask(keys.key(workspaceId, id)) : undefined,

    listKeys(request) {
      const { workspaceId, text = '', before = '', limit } = request
      if (!isLimit(limit) || !isName(workspaceId) || !isStorable(text) || !isStorable(before)) return []
      return driver.ask(keys.keys(request))
    },

    countKeys: (filter) => driver.ask(keys.keyCount(filter)),
    countSecrets: () => driver.ask(keys.secretCounts()),

    recordUses(uses) {
      const parts = inParts(latestUses(uses), usesAtOnce)
      if (parts.length > 1) return recordInParts(parts)
      return parts[0] && driver.transact(() => upkeep.recordUses(parts[0]!), { repeatable: true })
    },

    recordUsage,
    findUsage(request) {
      const { workspaceId, keyId = '', fromDay, toDay, limit } = request
      if (!isLimit(limit) || !isName(workspaceId) || !isName(keyId) || !(fromDay <= toDay)) return []
      return driver.ask(usage.find(request))
    },

    now: () => (clock ? clock.now() : driver.ask(time.ask())),
    findIdempotency: (id) => (isName(id) ? driver.ask(keys.idempotency(id)) : undefined),

    listEvents(request) {
      const { workspaceId, actor = '', action = '', targetId = '', before, limit } = request
      const texts = [workspaceId, actor, action, targetId, before?.id ?? '']
      return isLimit(limit) && texts.every(isStorable) ? driver.ask(events.events(request)) : []
    },

    listDueMessages: (request) =>
      isLimit(request.limit) && isName(request.destination) ? driver.ask(messages.dueMessages(request)) : [],
    countMessages: () => driver.ask(messages.messageCounts()),
    findSettings: (prefix) => (isName(prefix) ? driver.ask(messages.settings(prefix)) : []),
    findApproval: (workspaceId, id) =>
      isName(workspaceId) && isName(id) ? driver.ask(approvals.approval(workspaceId, id)) : undefined,
    findApprovalContent: (workspaceId, id) =>
      isName(workspaceId) && isName(id) ? driver.ask(approvals.content(workspaceId, id)) : undefined,

    listApprovals(request) {
      const { workspaceId, status = '', keyId = '', resource = '', before = '', limit } = request
      const texts = [workspaceId, status, keyId, resource, before]
      return isLimit(limit) && texts.every(isStorable) ? driver.ask(approvals.approvals(request)) : []
    },

    listDueApprovals: (request) =>
      isLimit(request.limit) && isName(request.lane) && isStorable(request.after?.id ?? '')
        ? driver.ask(approvals.dueApprovals(request))
        : [],
    listVotes: (approvalId) => (isName(approvalId) ? driver.ask(approvals.votes(approvalId)) : []),
    findDelivery: (workspaceId, id) =>
      isName(workspaceId) && isName(id) ? driver.ask(deliveries.delivery(workspaceId, id)) : undefined,

    listDeliveries(request) {
      const { workspaceId, status = '', keyId = '', approvalId = '', before = '', limit } = request
      const texts = [workspaceId, status, keyId, approvalId, before]
      return isLimit(limit) && texts.every(isStorable) ? driver.ask(deliveries.deliveries(request)) : []
    },

    listDueDeliveries: (request) =>
      isLimit(request.limit) && isName(request.status) ? driver.ask(deliveries.dueDeliveries(request)) : [],
    countSealed: () => driver.ask(sealed.counts),
    listSealed: (request) =>
      isLimit(request.limit) && isStorable(request.after ?? '') ? driver.ask(sealed.list(request)) : [],
    purge: (request) => (isLimit(request.limit) ? purge(request) : 0),
    findSchema: () => driver.look(() => schema.find()),
    migrate: () => driver.migrate(() => schema.migrate()),
    close: () => driver.close(),
  }
}
