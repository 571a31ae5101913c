import type { ApprovalLane, ApprovalRecord } from '../core/approval.js'
import { takeStep } from './approvals/step.js'
import { keyrungOf } from './approvals/upkeep.js'
import { backOff } from './back-off.js'
import { findRunner, isClaimable } from './execution/claim.js'
import { createDueScan } from './execution/due.js'
import type { ExecutionNeeds } from './execution/needs.js'
import { runOnce } from './execution/run-once.js'
import type { Abandonable } from './execution/run-once.js'
import { createSlots } from './execution/slots.js'
import type { Job, StepReport } from './job.js'

/** How many approvals one instance runs at the same time. */
const mostAtOnce = 16

/** How many of them may be of one workspace, so that runs that hang hold up no other tenant's. */
const mostOfWorkspace = 8

/** The longest rest between two looks for what is due, in milliseconds. */
const idleMs = 1_000

/** How long `close` waits for runs under way, in milliseconds. */
const closeLimitMs = 10_000

/** The most approvals that are left alone for a while, as it could not be decided whether they may run. */
const mostPostponed = 10_000

/** Runs what was approved, once. */
export interface Execution {
  /** One that runs what is due, and one that finds runs whose instance is gone. */
  readonly jobs: readonly Job[]
  /**
   * Runs an approval now, if it is due and this instance can; resolves when that run has ended. Without its workspace it
   * is looked for among all that is due here.
   *
   * @throws KeyrungError where it could not be decided, or its end not be written: it is tried again by the worker
   */
  wake(id: string, workspaceId?: string): Promise<void>
  /** Begins nothing new, waits a bounded time for runs under way, and gives up the rest: their leases end. */
  close(): Promise<void>
}

/** Makes what runs approvals; any number of instances may work on one store. */
export function createExecution(needs: ExecutionNeeds): Execution {
  const { context, dispatchers } = needs
  const { store, clock, entropy } = context
  const slots = createSlots(mostAtOnce, mostOfWorkspace)
  const active = new Map<string, Promise<void>>()
  const underWay = new Set<Abandonable>()
  const postponed = new Map<string, { readonly until: number; readonly failures: number }>()
  let isClosing = false
  let executed = 0
  let failure: { readonly error: unknown } | undefined

  const lanes = (): readonly ApprovalLane[] => [
    'named',
    ...dispatchers.names().map((name) => `app:${name}` as const),
  ]
  const runs = createDueScan(context, lanes)
  const losses = createDueScan(context, lanes)

  function begin(workspaceId: string, id: string): Promise<void> {
    const known = active.get(id)
    if (known !== undefined) return known
    const running = run(workspaceId, id).finally(() => active.delete(id))
    active.set(id, running)
    return running
  }

  async function run(workspaceId: string, id: string): Promise<void> {
    if (!(await slots.take(workspaceId))) return
    try {
      const record = await store.findApproval(workspaceId, id)
      if (record !== undefined && !isClosing) {
        await runOnce(needs, record, underWay)
        executed++
      }
      postponed.delete(id)
    } catch (error) {
      postpone(id)
      throw error
    } finally {
      slots.give(workspaceId)
    }
  }

  /** What cannot be decided now is not asked again and again, and keeps nothing else waiting. */
  function postpone(id: string): void {
    const failures = (postponed.get(id)?.failures ?? 0) + 1
    postponed.delete(id)
    const oldest = postponed.size < mostPostponed ? undefined : postponed.keys().next().value
    if (oldest !== undefined) postponed.delete(oldest)
    postponed.set(id, { until: clock.monotonic() + backOff(failures, entropy), failures })
  }

  function isReady(record: ApprovalRecord, now: number): boolean {
    return (
      isClaimable(record, now) &&
      findRunner(needs, record) !== undefined &&
      !active.has(record.id) &&
      slots.hasRoom(record.workspaceId) &&
      (postponed.get(record.id)?.until ?? 0) <= clock.monotonic()
    )
  }

  async function startDue(): Promise<boolean> {
    if (slots.free === 0) return true
    return runs.look((record, now) => {
      if (isReady(record, now)) {
        begin(record.workspaceId, record.id).catch((error: unknown) => {
          failure = { error }
        })
      }
      return slots.free === 0 ? 'enough' : 'more'
    })
  }

  async function runDue(): Promise<StepReport> {
    if (isClosing) return { left: 'nothing' }
    const isAll = await startDue()
    if (active.size > 0) {
      const rest = new AbortController()
      await Promise.race([...[...active.values()].map(quietly), clock.sleep(idleMs, rest.signal)])
      rest.abort()
      return { left: 'more' }
    }
    if (failure !== undefined) {
      const { error } = failure
      failure = undefined
      throw error
    }
    return { executed: takeCount(), left: isAll ? 'nothing' : 'more' }
  }

  function takeCount(): number {
    const count = executed
    executed = 0
    return count
  }

  /** A run that may have had its effect is repeated by nobody: a human has to look. */
  async function findLost(): Promise<StepReport> {
    const isAll = await losses.look(async (record, at): Promise<'more'> => {
      const { status, effect, fence, dueAt } = record
      if (status === 'executing' && effect === 'unsafe' && dueAt !== null && dueAt <= at) {
        const step = { edge: 'lose', at, outcome: 'lease_lost', fence, resultStatus: null } as const
        await takeStep(context, record, step, { actor: keyrungOf(record) })
      }
      return 'more'
    })
    return { left: isAll ? 'nothing' : 'more' }
  }

  async function findDue(id: string): Promise<ApprovalRecord | undefined> {
    const scan = createDueScan(context, lanes)
    let found: ApprovalRecord | undefined
    for (;;) {
      const isAll = await scan.look((record) => {
        if (record.id === id) found = record
        return found === undefined ? 'more' : 'enough'
      })
      if (isAll || found !== undefined) return found
    }
  }

  return {
    jobs: [
      { name: 'approved operations', idleMs, step: runDue },
      { name: 'lost runs', idleMs: 5_000, step: findLost },
    ],
    async wake(id, workspaceId) {
      if (isClosing) return
      const known = active.get(id)
      if (known !== undefined) return known
      const workspace = workspaceId ?? (await findDue(id))?.workspaceId
      if (workspace !== undefined) await begin(workspace, id)
    },
    async close() {
      isClosing = true
      slots.close()
      const limit = new AbortController()
      await Promise.race([
        Promise.all([...active.values()].map(quietly)),
        clock.sleep(closeLimitMs, limit.signal),
      ])
      limit.abort()
      for (const run of underWay) run.abandon()
    },
  }
}

function quietly(running: Promise<void>): Promise<void> {
  return running.catch(() => undefined)
}
