import type { KeyRecord } from '../core/key.js'
import type { LimitRule } from '../core/limit.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import type { Clock } from '../ports/clock.js'
import type { LimitAnswer, LimitStore } from '../ports/limit-store.js'
import { createCharges, keySubject, operationSubject } from './charges.js'
import type { Chargeable, ConfiguredLimits } from './charges.js'
import { guardLimits, uncounted } from './guarded-limits.js'
import type { Job } from './job.js'
import type { LimitSettings } from './limit-settings.js'
import { leaseLimits } from './limit-leases.js'
import { createStandings } from './limit-standing.js'
import type { Standings } from './limit-standing.js'
import { createOutageSpending } from './limit-outage.js'
import type { LimitsState, OutageSpending } from './limit-outage.js'
import { quietly } from './notice.js'
import type { Notify } from './notice.js'

/** What a meter works with. */
export interface MeterOptions extends ConfiguredLimits {
  readonly settings: LimitSettings
  readonly clock: Clock
  readonly notify: Notify
}

/** Charges requests to everything that limits them: key, owner, workspace and operation, all or none. */
export interface Meter {
  /**
   * Charges a request that was decided on, whatever the decision. An answer that is not `ok` has charged nothing.
   *
   * @param plan the limits of the workspace's plan
   * @returns null where nothing limits it
   * @throws KeyrungError `limits_unavailable` where it could not be counted and may not go on without
   */
  charge(key: KeyRecord, plan: readonly LimitRule[], demand: Chargeable): MaybePromise<LimitAnswer | null>
  /** Tells of an operation with a limit of its own, whose counts then go with a key. */
  know(limit: LimitRule): void
  /** Forgets what a deleted key has spent; off the path, as that ends by itself in any case. */
  forget(workspaceId: string, keyId: string): void
  readonly standings: Standings
  readonly jobs: readonly Job[]
  /** Null: nothing can be counted here. */
  state(): LimitsState | null
  /** Gives back and tells the store what it can, in a few times its time limit; what is lost is told by `limits_lost`. */
  close(): Promise<void>
}

/** The most records of ended windows that one step of a purge removes. */
const purgeBatch = 500

/** Makes the part of the pipeline that charges requests. */
export function createMeter(options: MeterOptions): Meter {
  const { settings, clock } = options
  const notify = quietly(options.notify)
  const charges = createCharges(options)
  const guarded = settings.store && guardLimits(settings.store, clock, settings.timeoutMs, notify)
  const leased =
    guarded && settings.leaseUnits !== null ? leaseLimits(guarded, settings.leaseUnits, clock) : null
  const store: LimitStore | null = leased ?? guarded
  const spending = store && createOutageSpending({ store, share: settings.share, clock, notify })
  const operations = new Map<string, LimitRule>()
  let isTold = false

  function refuseUncounted(): never {
    if (!isTold) {
      isTold = true
      notify({
        code: 'limits_failing',
        message: 'A plan or a key has limits, but there is no limit store: its requests are answered 503.',
      })
    }
    throw uncounted('none is configured')
  }

  async function forgetAll(counted: LimitStore, workspaceId: string, keyId: string): Promise<void> {
    const subjects = [...operations.keys()].map((name) => operationSubject(name, keyId))
    for (const subject of [keySubject(keyId), ...subjects]) {
      try {
        await counted.forget(workspaceId, subject)
      } catch {
        return
      }
    }
  }

  /** A store that answers slowly is not waited for without end. */
  async function payDebts({ recover, state }: OutageSpending): Promise<void> {
    const until = clock.monotonic() + settings.timeoutMs
    do await recover()
    while (state().mode === 'ok' && state().owing > 0 && clock.monotonic() < until)
  }

  function tellLost(units: number, owing: number): void {
    const lost = [
      ...(units > 0
        ? [`did not take back ${units} units that were debited ahead, so they count as used`]
        : []),
      ...(owing > 0 ? [`was not told what was spent beyond it (subjects: ${owing})`] : []),
    ]
    if (lost.length === 0) return
    notify({
      code: 'limits_lost',
      message: `The limit store ${settings.store?.name} ${lost.join(', and ')}.`,
    })
  }

  const jobs: Job[] = []
  if (spending !== null) {
    jobs.push({
      name: 'limits',
      idleMs: 1_000,
      async step() {
        await spending.recover()
        await leased?.sweep()
        const { mode, owing } = spending.state()
        return { left: mode === 'ok' && owing > 0 ? 'more' : 'nothing' }
      },
    })
  }
  if (store?.purge !== undefined) {
    jobs.push({
      name: 'ended limits',
      idleMs: 60_000,
      async step() {
        const purged = await store.purge!(purgeBatch)
        return { purged, left: purged > 0 ? 'more' : 'nothing' }
      },
    })
  }

  return {
    charge(key, plan, demand) {
      const request = charges.of(key, plan, demand)
      if (request === null) return null
      return spending === null ? refuseUncounted() : spending.spend(request)
    },
    know: (limit) => void operations.set(limit.name, limit),
    forget(workspaceId, keyId) {
      if (store !== null) void forgetAll(store, workspaceId, keyId)
    },
    standings: createStandings({
      ...{ charges, workspace: options.workspace },
      operations: () => operations.values(),
      look: (request) => spending && spending.look(request),
    }),
    jobs,
    state: () => spending && spending.state(),
    async close() {
      if (store === null || spending === null) return
      const [units] = await Promise.all([leased?.returnAll() ?? 0, payDebts(spending)])
      try {
        await store.close()
      } catch {
        // Whoever ends has nothing left to count.
      }
      tellLost(units, spending.state().owing)
    },
  }
}
