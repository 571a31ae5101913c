import type { Actor } from '../core/actor.js'
import type { AnyCatalog, Catalog, PermissionOf } from '../core/catalog.js'
import type { Decision } from '../core/decision.js'
import type { Demand, DemandOptions } from '../core/demand.js'
import type { Explanation } from '../core/explain.js'
import type { Principal } from '../core/principal.js'
import type { KeyFormat } from '../crypto/key-format.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import type { AccessResult } from './access.js'
import type { Admission, AdmissionRequest, Authentication } from './admission.js'
import type { ApprovalSettings } from './approval-settings.js'
import type { Approvals } from './approvals.js'
import type { AwaitingAdmission, QueueOptions } from './approvals/setup.js'
import type { QueuedApproval } from './approvals/queue.js'
import type { Audit } from './audit.js'
import type { HttpSettings } from './http-settings.js'
import type { Keys } from './keys.js'
import type { LimitsState } from './limit-outage.js'
import type { LimitsView } from './limits.js'
import type { Notify } from './notice.js'
import type { Operation, OperationDefinition } from './operation.js'
import type { SinkState } from './outbox.js'
import type { RestoreOptions, RestoreReport } from './restore.js'
import type { RecorderState } from './recorder.js'
import type { Dispatcher, StoredRequest } from './replay.js'
import type { SourceState } from './source-allowance.js'
import type { Tokens } from './tokens.js'
import type { Usage, UsageQuery } from './usage.js'
import type { Webhooks } from './webhooks.js'
import type { TickReport, Worker } from './worker.js'

/** One permission or several, all of them needed. */
export type PermissionInput<C extends AnyCatalog> = PermissionOf<C> | readonly PermissionOf<C>[]

/** How things stand: for a health page, not for callers. */
export interface KeyrungState {
  readonly phase: 'starting' | 'ready' | 'closed'
  readonly sinks: readonly SinkState[]
  /** Null where nothing can be counted: there is no limit store. */
  readonly limits: LimitsState | null
  /** What waits to be written, and what was given up. */
  readonly recorder: RecorderState
  /** Null where sources may present any number of credentials that are not valid. */
  readonly sources: SourceState | null
}

/** Stands for a catalog that is not known: it has no permission to name. */
export type NoCatalog = Catalog<Record<never, never>>

/**
 * Keys, decisions and their bookkeeping on one store: what {@link createKeyrung} makes.
 *
 * Without its catalog's type it takes no permission: write `Keyrung<typeof catalog>`. `E` are the environments.
 */
export interface Keyrung<C extends AnyCatalog = NoCatalog, E extends string = string> {
  readonly catalog: C
  readonly keys: Keys<C, E>
  readonly audit: Audit
  readonly webhooks: Webhooks
  /** What waits for humans, and what they say to it. */
  readonly approvals: Approvals
  readonly approvalSettings: ApprovalSettings
  /** What keys are exchanged for. */
  readonly tokens: Tokens<C>
  /**
   * Tells what the keys of the actor's own workspace were used for, all of them together; `canManage` is asked for `list`.
   *
   * @throws `operation_disabled` where usage is not counted; `input_invalid`; what `canManage` says; `store_unavailable`
   */
  usage(actor: Actor, query?: UsageQuery): Promise<Usage>
  /** How secrets look: for scanners, and to tell a key from another credential. */
  readonly keyFormat: KeyFormat
  readonly http: HttpSettings
  readonly notify: Notify

  /** Checks schema, secret and lease; until it has, everything is refused with `not_ready`. */
  ready(options?: { readonly migrate?: boolean }): Promise<void>

  /** Says who presents a secret. Throws only when that could not be found out. */
  authenticate(secret: unknown, context?: { readonly ip?: string }): MaybePromise<Authentication>
  /**
   * Decides whether a principal may do something now; one that was kept is looked up again. Not metered. The answer is an
   * object, which is true in every condition: `can` answers a boolean.
   */
  authorize(
    principal: Principal,
    permissions: PermissionInput<C> | Demand,
    options?: DemandOptions,
  ): MaybePromise<Decision>
  /**
   * Says whether a principal may do something now, by a boolean: true where `authorize` allows it, false where it denies
   * it or a human would have to approve it. Rejects with what `authorize` throws.
   */
  can(
    principal: Principal,
    permissions: PermissionInput<C> | Demand,
    options?: DemandOptions,
  ): Promise<boolean>
  /** The whole pipeline of a request: credential, status, rights, limits, bookkeeping. */
  admit(request: AdmissionRequest, demand: Demand): MaybePromise<Admission>
  /**
   * What a further guard on the same request asks of a principal that `admit` let in: decides anew, and charges what was
   * not charged yet, the operation's own limit and what it costs beyond `paid`.
   */
  admitFurther(principal: Principal, demand: Demand, paid: number): MaybePromise<Admission>
  /** Binds permissions once, for `admit`. @throws `unknown_permission` for one that the catalogue does not have */
  demand(permissions: PermissionInput<C>, options?: DemandOptions): Demand
  /**
   * Has a request wait for a human that `admit` has found to need one: it is stored, encrypted, until it is decided.
   *
   * Equal requests of a key lead to one approval while it waits, and a repeated idempotency key always to the same one.
   *
   * @throws `not_replayable`, `body_too_large`, `too_many_pending`, `idempotency_mismatch`; `approval_required` where no
   *   app of that name is attached; `config_invalid` without a host secret; why the credential is no longer accepted
   */
  queue(admission: AwaitingAdmission, request: StoredRequest, options: QueueOptions): Promise<QueuedApproval>
  /**
   * Makes an app one that approved requests can be dispatched into; `attach` of `keyrung/express` and of `keyrung/koa`
   * call it.
   *
   * @throws `config_invalid` without a host secret, and for an app or a name that is attached already
   */
  attach(dispatcher: Dispatcher): void
  /** The name that a framework's app is attached under; null: it is not. */
  attached(app: object): string | null
  /**
   * Registers something that callers can have done and that can wait for an approval, although it is no route.
   *
   * @throws `config_invalid` with every fault, and without a host secret; `unknown_permission`
   */
  operation<I>(name: string, definition: OperationDefinition<PermissionOf<C>, I>): Operation<I>
  /** Says which layer decides and what would be enough. */
  explain(
    principal: Principal,
    permissions: PermissionInput<C>,
    options?: { readonly operation?: DemandOptions },
  ): Promise<Explanation>
  /** Lists all that a principal may do now. */
  access(principal: Principal): Promise<AccessResult>
  /**
   * Shows what limits the actor's workspace, and how counting goes.
   *
   * @throws `forbidden` to whom `canManage` does not admit to `list`; `hook_failed`
   */
  limits(actor: Actor): Promise<LimitsView>
  /** To be called when a user's rights or a workspace's plan have changed: returns when the old ones are in use nowhere. */
  changed(what: { readonly workspaceId: string } | { readonly userId: string }): Promise<void>

  /**
   * Mends a store that was restored to an earlier moment, or has lost commits in a failover, by the trail that a sink has
   * kept: call it before `run`, `tick` and the first request, with all other instances stopped. It can be called again.
   *
   * What was approved or running waits for a human then, unless the trail tells how it ended.
   *
   * @throws KeyrungError `input_invalid`, `store_unavailable`; `conflict` where others are writing
   */
  restore(options: RestoreOptions): Promise<RestoreReport>
  /** Delivers, runs what was approved, ends what was not, flushes and purges, until it is stopped. */
  run(): Worker
  /** Does the same once: for cron and serverless hosts. */
  tick(options?: { readonly budgetMs?: number }): Promise<TickReport>
  state(): Promise<KeyrungState>
  /**
   * Refuses new calls, waits up to 10 s for those in progress, ends the worker, writes pending usage and closes the sinks
   * and the store. Close your server first, and wait for it.
   */
  close(): Promise<void>
}
