import type { ApprovalEffect } from '../core/approval.js'
import type { DenyCode } from '../core/decision.js'
import type { Limit } from '../core/limit.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import type { Json } from '../core/plain-value.js'
import type { Principal } from '../core/principal.js'
import type { LimitReport } from './admission.js'
import type { ApprovalView } from './approvals/view.js'

/** A schema of any library that follows Standard Schema (standardschema.dev, version 1): zod, valibot, arktype. */
export interface StandardSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => MaybePromise<
      | { readonly value: Output; readonly issues?: undefined }
      | {
          readonly issues: readonly {
            readonly message: string
            readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
          }[]
        }
    >
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined
  }
}

/** What an operation knows about the call it serves. */
export interface OperationContext {
  readonly principal: Principal
  /** The approval under whose id it runs; null where none was needed. For `idempotent` operations it is the key. */
  readonly approvalId: string | null
  /** Aborted when the run is taken to have crashed, or takes too long. */
  readonly signal: AbortSignal
  /** For `transactional` operations, the store's own transaction: what the host's client works with. */
  readonly transaction?: unknown
}

/** Something that a host can do for callers, and that can wait for an approval, although it is no route. */
export interface OperationDefinition<P extends string, I> {
  /** One or several, all needed. */
  readonly permission: P | readonly P[]
  /** What input is taken; its output is what is shown, stored and run, so it has to be plain JSON. */
  readonly input: StandardSchema<I>
  /** @defaultValue `'unsafe'` */
  readonly effect?: ApprovalEffect
  /** It waits for a human whoever calls. */
  readonly approval?: 'always'
  /** What a call costs, in whole units of every limit that holds for it; 0: it is free. @defaultValue `1` */
  readonly cost?: number
  /** A limit of its own, for each key; operations that name the same limit share it. */
  readonly limit?: Limit
  /** What the approver is shown beside the input. */
  readonly preview?: (input: I, context: OperationContext) => MaybePromise<Json>
  /**
   * Says whether what the operation is about is still as it was when it was queued: asked when it is queued, decided and
   * run; where the answers differ, the approval is `stale`.
   */
  readonly precondition?: (input: I, context: OperationContext) => MaybePromise<string>
  /**
   * What it answers is kept as the result. `throw new KeyrungError('operation_refused', { message })` says that nothing was
   * done, and ends it as failed; whatever else it throws leaves open what was done, and is treated as `effect` says.
   */
  readonly run: (input: I, context: OperationContext) => MaybePromise<Json | undefined | void>
}

/** What came of a call. */
export type OperationResult =
  | { readonly status: 'done'; readonly result: Json }
  | { readonly status: 'queued'; readonly approval: ApprovalView }
  | {
      readonly status: 'refused'
      readonly code: DenyCode | 'limited' | 'too_many_pending'
      readonly limits: LimitReport | null
    }

/** An operation that was registered. */
export interface Operation<I> {
  readonly name: string
  /**
   * Runs it, queues it, or refuses it, as the caller's rights are; the call is charged like a request. What `run` throws
   * under an allowed call is thrown on as it is.
   *
   * @param options.idempotencyKey the same key queues once: it counts for what is queued, not for what is done at once
   * @throws KeyrungError `input_invalid`, `idempotency_mismatch`, `not_replayable`, and where it could not be decided
   */
  call(
    principal: Principal,
    input: I,
    options?: { readonly idempotencyKey?: string | undefined },
  ): Promise<OperationResult>
}
