import { isPromise } from '../core/maybe-promise.js'
import type { Change, CommitResult } from '../ports/change.js'
import type { Clock } from '../ports/clock.js'
import type { Store } from '../ports/store.js'
import type { Notify } from './notice.js'
import type { Recorder } from './recorder.js'

/** How long work may wait before its host is told, in milliseconds: a cron job every five minutes is in time. */
const patienceMs = 300_000

/** Tells the host once that work waits on an instance that never does any. */
export interface WorkerWatch {
  /** Sees what the commits of a store leave to the worker. */
  watchStore(store: Store): Store
  /** Sees the last-used times that a recorder leaves to the worker. */
  watchRecorder(recorder: Recorder): Recorder
  /** To be called by `run` and `tick`: from then on nothing is told. */
  works(): void
}

/** Makes the watch; it has no timer, but looks whenever something is left to the worker. */
export function createWorkerWatch(options: {
  readonly clock: Pick<Clock, 'monotonic'>
  readonly notify: Notify
}): WorkerWatch {
  const { clock, notify } = options
  const waiting = new Set<string>()
  let since: number | undefined
  let isOver = false

  function waits(what: string): void {
    if (isOver) return
    const now = clock.monotonic()
    since ??= now
    waiting.add(what)
    if (now - since <= patienceMs) return
    isOver = true
    const message = `${[...waiting].join(', ')}: this waits for background work, and neither run() nor tick() was called on this instance.`
    notify({ code: 'worker_not_running', message })
  }

  function saw(changes: readonly Change[], result: CommitResult): CommitResult {
    if (!isOver && result.ok) for (const what of workOf(changes)) waits(what)
    return result
  }

  return {
    watchStore: (store) => ({
      ...store,
      commit(changes) {
        const result = store.commit(changes)
        return isPromise(result) ? result.then((came) => saw(changes, came)) : saw(changes, result)
      },
    }),
    watchRecorder: (recorder) => ({
      ...recorder,
      used(keyId, at) {
        recorder.used(keyId, at)
        if (!isOver) waits('last-used times')
      },
    }),
    works: () => void (isOver = true),
  }
}

function workOf(changes: readonly Change[]): string[] {
  return changes.flatMap((change) => {
    if (change.do === 'insert' && change.type === 'message') return ['events for sinks']
    if (change.do === 'insert' && change.type === 'delivery') return ['webhooks']
    const isApproved =
      change.do === 'update' && change.type === 'approval' && change.set.status === 'approved'
    return isApproved ? ['approved operations'] : []
  })
}
