import { KeyrungError } from '../core/errors.js'
import { checkClock } from './clock-check.js'
import type { Clock } from '../ports/clock.js'
import type { LimitStore } from '../ports/limit-store.js'
import type { Store } from '../ports/store.js'
import { findOfWorkspace, listApprovals, listDueApprovals, listVotes } from './memory/approval-queries.js'
import { commit } from './memory/commit.js'
import { listDeliveries, listDueDeliveries } from './memory/delivery-queries.js'
import { listEvents } from './memory/event-queries.js'
import { keyQueries } from './memory/key-queries.js'
import { countMessages, listDueMessages } from './memory/message-queries.js'
import { purge } from './memory/purge.js'
import { countSealed, listSealed } from './memory/sealed-queries.js'
import { Tables } from './memory/tables.js'
import { findUsage, recordUsage } from './memory/usage.js'
import { steadyNow } from '../ports/steady-clock.js'
import { systemClock } from '../ports/system-clock.js'
import { compareText } from './text-order.js'
import { memoryLimits } from './memory-limits.js'

/** What a memory store can be given. */
export interface MemoryStoreOptions {
  /** What the store's now is; this machine's time if left out. Limits are counted by its monotonic time. */
  readonly clock?: Pick<Clock, 'now'> & Partial<Pick<Clock, 'monotonic'>>
}

/**
 * Makes a store that keeps everything in this process and forgets it with it: for tests, demos and hosts that
 * bring their keys along.
 *
 * It answers at once. A row from `findCredential` is one object as long as the credential exists, and always shows
 * the present state; the records in it are frozen and replaced, never changed.
 *
 * @example
 * ```ts
 * const keyrung = createKeyrung({ catalog, store: memoryStore(), secret, keys })
 * ```
 */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  const clock: NonNullable<MemoryStoreOptions['clock']> = options?.clock ?? systemClock
  checkClock(clock, ['now'])
  const tables = new Tables()
  const { credentials } = tables
  let closed = false
  let limits: LimitStore | undefined

  function open(): Tables {
    if (closed) throw new KeyrungError('store_unavailable', { internal: 'memory: closed' })
    return tables
  }

  const monotonic = (): number => clock.monotonic?.() ?? systemClock.monotonic()
  const now = steadyNow({ now: () => clock.now(), monotonic })
  const keys = keyQueries(tables, () => clock.now())
  return {
    name: 'memory',
    freshness: 'exclusive',
    synchronous: true,
    durable: false,
    // Most hosts with a store in memory limit nothing.
    get limits() {
      return (limits ??= memoryLimits({ clock: { now: () => clock.now(), monotonic } }))
    },
    now: () => open() && now(),
    commit: (changes) => commit(open(), changes, clock.now()),
    findCredential: (digest) => (closed ? void open() : credentials.find(digest)),
    findCredentials: (digests) => open() && keys.findCredentials(digests),
    findCredentialById: (secretId) => open() && keys.findCredentialById(secretId),
    findKey: (workspaceId, id) => open() && keys.findKey(workspaceId, id),
    listKeys: (request) => open() && keys.listKeys(request),
    countKeys: (filter) => open() && keys.countKeys(filter),
    countSecrets: () => open() && keys.countSecrets(),
    recordUses: (uses) => open() && keys.recordUses(uses),
    recordUsage: (entries) => recordUsage(open(), entries),
    findUsage: (request) => findUsage(open(), request),
    findIdempotency: (id) => open() && keys.findIdempotency(id),
    listEvents: (request) => listEvents(open(), request),
    listDueMessages: (request) => listDueMessages(open(), request),
    countMessages: () => countMessages(open()),
    findSettings: (prefix) =>
      [...open().all('setting').values()]
        .filter((setting) => setting.id.startsWith(prefix))
        .sort((a, b) => compareText(a.id, b.id)),
    findApproval: (workspaceId, id) => findOfWorkspace(open(), 'approval', workspaceId, id),
    findApprovalContent: (workspaceId, id) => findOfWorkspace(open(), 'approvalContent', workspaceId, id),
    listApprovals: (request) => listApprovals(open(), request),
    listDueApprovals: (request) => listDueApprovals(open(), request),
    listVotes: (approvalId) => listVotes(open(), approvalId),
    findDelivery: (workspaceId, id) => findOfWorkspace(open(), 'delivery', workspaceId, id),
    listDeliveries: (request) => listDeliveries(open(), request),
    listDueDeliveries: (request) => listDueDeliveries(open(), request),
    countSealed: () => countSealed(open()),
    listSealed: (request) => listSealed(open(), request),
    purge: (request) => purge(open(), request),
    findSchema: () => (open(), 'current'),
    migrate: () => void open(),
    close: () => void (closed = true),
  }
}
