import { KeyrungError, isKeyrungError } from '../core/errors.js'
import { isPromise } from '../core/maybe-promise.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import type { Clock } from '../ports/clock.js'
import type { Store } from '../ports/store.js'
import { unreadOf } from '../ports/unread.js'
import type { InFlight } from './in-flight.js'
import { errorWord, late, within } from './time-limit.js'

/** Takes what a store threw and answers the error that may be shown for it. */
function redact(call: string, error: unknown): KeyrungError {
  if (isKeyrungError(error)) return error
  // A driver's text may hold parameters, and with them digests or names.
  return new KeyrungError('store_unavailable', {
    internal: `store ${call}: ${errorWord(error)}`,
    cause: error,
  })
}

/**
 * Puts a host's store behind a time limit and a filter for its errors: whatever it throws, rejects with or never
 * answers comes out as a `KeyrungError`, in time.
 *
 * @param requireReady throws where the store may not be asked now
 * @param inFlight counts the calls in progress
 * @param tell is told the place of what a listing had to leave out
 */
export function guardStore(
  store: Store,
  clock: Clock,
  timeoutMs: number,
  requireReady: () => void = () => undefined,
  inFlight: Pick<InFlight, 'track'> = { track: (answer) => answer },
  tell: (place: string) => void = () => undefined,
): Store {
  async function inTime<T>(call: string, answer: Promise<T>): Promise<T> {
    try {
      const came = await within(clock, timeoutMs, answer)
      if (came !== late) return came
    } catch (error) {
      throw redact(call, error)
    }
    throw new KeyrungError('store_unavailable', { internal: `store ${call}: no answer in ${timeoutMs} ms` })
  }

  function guarded<A extends unknown[], T>(
    call: string,
    ask: (...args: A) => MaybePromise<T>,
  ): (...args: A) => MaybePromise<T> {
    return (...args) => {
      requireReady()
      try {
        const answer = ask(...args)
        return isPromise(answer) ? inFlight.track(inTime(call, answer)) : answer
      } catch (error) {
        throw redact(call, error)
      }
    }
  }

  function told<L extends readonly unknown[]>(answer: MaybePromise<L>): MaybePromise<L> {
    if (isPromise(answer)) return answer.then(told)
    const unread = unreadOf(answer)
    if (unread !== undefined) tell(unread.place)
    return answer
  }

  return {
    name: store.name,
    freshness: store.freshness,
    synchronous: store.synchronous,
    durable: store.durable,
    now: guarded('now', () => store.now()),
    commit: guarded('commit', (changes) => store.commit(changes)),
    findSettings: guarded('findSettings', (prefix) => store.findSettings(prefix)),
    purge: guarded('purge', (request) => store.purge(request)),
    findSchema: guarded('findSchema', () => store.findSchema()),
    // A migration may take long, and nobody waits for it but the host.
    async migrate() {
      try {
        return await store.migrate()
      } catch (error) {
        throw redact('migrate', error)
      }
    },
    close: guarded('close', () => store.close()),
    findCredential(digest) {
      // On the hot path: no closure over rest arguments.
      requireReady()
      try {
        const answer = store.findCredential(digest)
        return isPromise(answer) ? inFlight.track(inTime('findCredential', answer)) : answer
      } catch (error) {
        throw redact('findCredential', error)
      }
    },
    findCredentials: guarded('findCredentials', (digests) => store.findCredentials(digests)),
    findCredentialById: guarded('findCredentialById', (id) => store.findCredentialById(id)),
    findKey: guarded('findKey', (workspaceId, id) => store.findKey(workspaceId, id)),
    listKeys: guarded('listKeys', (request) => told(store.listKeys(request))),
    countKeys: guarded('countKeys', (filter) => store.countKeys(filter)),
    countSecrets: guarded('countSecrets', () => store.countSecrets()),
    recordUses: guarded('recordUses', (uses) => store.recordUses(uses)),
    recordUsage: guarded('recordUsage', (entries) => store.recordUsage(entries)),
    findUsage: guarded('findUsage', (request) => store.findUsage(request)),
    findIdempotency: guarded('findIdempotency', (id) => store.findIdempotency(id)),
    listEvents: guarded('listEvents', (request) => told(store.listEvents(request))),
    listDueMessages: guarded('listDueMessages', (request) => told(store.listDueMessages(request))),
    countMessages: guarded('countMessages', () => store.countMessages()),
    findApproval: guarded('findApproval', (workspaceId, id) => store.findApproval(workspaceId, id)),
    findApprovalContent: guarded('findApprovalContent', (workspaceId, id) =>
      store.findApprovalContent(workspaceId, id),
    ),
    listApprovals: guarded('listApprovals', (request) => told(store.listApprovals(request))),
    listDueApprovals: guarded('listDueApprovals', (request) => told(store.listDueApprovals(request))),
    listVotes: guarded('listVotes', (approvalId) => store.listVotes(approvalId)),
    findDelivery: guarded('findDelivery', (workspaceId, id) => store.findDelivery(workspaceId, id)),
    listDeliveries: guarded('listDeliveries', (request) => told(store.listDeliveries(request))),
    listDueDeliveries: guarded('listDueDeliveries', (request) => told(store.listDueDeliveries(request))),
    countSealed: guarded('countSealed', () => store.countSealed()),
    listSealed: guarded('listSealed', (request) => store.listSealed(request)),
    // The host's own part may take as long as the host lets it, and what it throws is the host's.
    ...(store.commitWith && { commitWith: store.commitWith.bind(store) }),
  }
}
