import type { Queued } from '../../core/decision.js'
import type { Demand } from '../../core/demand.js'
import { invalid, KeyrungError } from '../../core/errors.js'
import type { MaybePromise } from '../../core/maybe-promise.js'
import type { Principal } from '../../core/principal.js'
import type { Store } from '../../ports/store.js'
import type { Admission } from '../admission.js'
import { demandSealer } from '../approval-settings.js'
import { createApprovals } from '../approvals.js'
import type { Approvals } from '../approvals.js'
import type { ChangeOptions } from '../change-origin.js'
import type { ServiceContext } from '../context.js'
import { createDispatchers } from '../dispatchers.js'
import { createExecution } from '../execution.js'
import type { Job } from '../job.js'
import type { Operation, OperationDefinition } from '../operation.js'
import { createOperations } from '../operations.js'
import { hasMoved } from '../operations/precondition.js'
import { shownText } from './shown-text.js'
import type { Dispatcher, StoredRequest } from '../replay.js'
import { readQueueOptions } from './input.js'
import { queueApproval } from './queue.js'
import type { QueuedApproval } from './queue.js'
import type { Runner } from './runner.js'
import { graceJob, sweepJob } from './sweep.js'
import { expiryJob } from './upkeep.js'
import { demandObject } from '../given.js'

/** An admission that a human has to complete. */
export interface AwaitingAdmission {
  readonly code: 'approval_required'
  readonly principal: Principal
  readonly decision: Queued
}

/** How a request is queued. */
export interface QueueOptions extends ChangeOptions {
  /** The name of the attached app that it is to be dispatched into. */
  readonly app: string
  /** What repeating it would do. */
  readonly effect: 'unsafe' | 'idempotent'
  /** Makes a repetition lead to the same approval: at most 255 characters on one line. */
  readonly idempotencyKey?: string | undefined
}

/** What approvals are put together from. */
export interface ApprovalServiceOptions {
  readonly context: ServiceContext
  /** The store that answers also while the keyrung closes. */
  readonly inner: Store
  /** The keyrung whose approvals they are. */
  readonly keyrung: () => object
  /** Binds permissions, as `keyrung.demand` does. */
  readonly demandOf: (permissions: never, options: object) => Demand
  readonly admit: (principal: Principal, demand: Demand) => MaybePromise<Admission>
}

/** Queueing, deciding and running, as one keyrung has them. */
export interface ApprovalService {
  readonly approvals: Approvals
  readonly jobs: readonly Job[]
  queue(admission: AwaitingAdmission, request: StoredRequest, options: QueueOptions): Promise<QueuedApproval>
  attach(dispatcher: Dispatcher): void
  /** The names of the apps that are attached here. */
  apps(): readonly string[]
  attached(app: object): string | null
  operation<I>(name: string, definition: OperationDefinition<string, I>): Operation<I>
  /** Begins nothing new, and waits a bounded time for what runs. */
  close(): Promise<void>
}

/** Puts together what queues, decides and runs. */
export function createApprovalService(options: ApprovalServiceOptions): ApprovalService {
  const { context, inner, keyrung, demandOf, admit } = options
  const dispatchers = createDispatchers()
  const behind: ServiceContext = { ...context, store: inner }
  const operations = createOperations({
    ...{ context, demandOf, admit },
    queue: (input) => queueApproval(context, input),
  })
  const execution = createExecution({
    ...{ context: behind, dispatchers, keyrung },
    findOperation: (name) => operations.find(name),
  })
  const runner: Runner = {
    wake: (id, workspaceId) => execution.wake(id, workspaceId),
    async hasMoved(record, { input, precondition }, principal) {
      const operation = input === null ? undefined : operations.find(record.operation)
      if (operation === undefined || input === null) return false
      return hasMoved(context, operation, { input, precondition, principal, approvalId: record.id })
    },
  }

  return {
    approvals: createApprovals(context, runner),
    jobs: [expiryJob(behind), sweepJob(behind), graceJob(behind), ...execution.jobs],
    async queue(admission, request, given) {
      const { principal, decision } = demandObject(admission, 'admission')
      if ((decision as Queued | null)?.effect !== 'approval') {
        throw invalid('input_invalid', [{ path: 'admission', message: 'does not need an approval' }])
      }
      demandObject(request, 'request')
      const { app, effect, ...rest } = demandObject(given, 'options')
      if (effect !== 'unsafe' && effect !== 'idempotent') {
        throw invalid('input_invalid', [{ path: 'effect', message: 'must be unsafe or idempotent' }])
      }
      if (dispatchers.named(app) === undefined) throw new KeyrungError('approval_required')
      return queueApproval(context, {
        ...{
          principal,
          decision,
          app,
          effect,
          operation: shownText(context.keyFormat).text(operationOf(request)),
        },
        ...readQueueOptions(context, { address: principal.address ?? undefined, ...rest }),
        content: { request, input: null, preview: null, precondition: null },
      })
    },
    attach(dispatcher) {
      demandSealer(context)
      dispatchers.attach(dispatcher)
    },
    apps: () => dispatchers.names(),
    attached: (app) => dispatchers.find(app)?.name ?? null,
    operation(name, definition) {
      demandSealer(context)
      return operations.define(name, definition)
    },
    close: () => execution.close(),
  }
}

/** What a request does, by its route where the framework tells it, else by its path. */
function operationOf({ method, pattern, target }: StoredRequest): string {
  return `${method} ${pattern ?? String(target).split('?', 1)[0]!}`
}
