import type { ApprovalEffect } from '../core/approval.js'
import type { DenyCode, Queued } from '../core/decision.js'
import type { Demand } from '../core/demand.js'
import { invalid, isKeyrungError, KeyrungError } from '../core/errors.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import { copyPlain } from '../core/plain-value.js'
import type { Json } from '../core/plain-value.js'
import type { Principal } from '../core/principal.js'
import type { Admission } from './admission.js'
import type { AskedInput } from './approvals/content.js'
import type { ApprovalView } from './approvals/view.js'
import type { ServiceContext } from './context.js'
import { toJson } from './execution/perform.js'
import { inTransaction } from './execution/transaction.js'
import { hookFailed } from './hook-failure.js'
import type { Operation, OperationContext, OperationDefinition, OperationResult } from './operation.js'
import { readDefinition } from './operations/definition.js'
import type { DefinedOperation } from './operations/definition.js'
import { parseInput } from './operations/input.js'
import { askHook, askPrecondition } from './operations/precondition.js'

/** How much of a preview is read. */
const previewBounds = { depth: 64, elements: 10_000 } as const

/** What the register of operations works with. */
export interface OperationsOptions {
  readonly context: ServiceContext
  /** Binds permissions, as `keyrung.demand` does. */
  readonly demandOf: (permissions: never, options: object) => Demand
  /** The pipeline of a call: the principal as it is now, its rights, its limits. */
  readonly admit: (principal: Principal, demand: Demand) => MaybePromise<Admission>
  /** Puts a call in front of a human. */
  readonly queue: (input: {
    readonly principal: Principal
    readonly decision: Queued
    readonly operation: string
    readonly app: string
    readonly effect: ApprovalEffect
    readonly content: AskedInput
    readonly idempotencyKey: string | null
  }) => Promise<{ readonly approval: ApprovalView }>
}

/** The named operations of one instance. */
export interface Operations {
  /** @throws KeyrungError `config_invalid`, `unknown_permission` */
  define<I>(name: string, definition: OperationDefinition<string, I>): Operation<I>
  find(name: string): DefinedOperation | undefined
}

/** Makes the register of named operations. */
export function createOperations(options: OperationsOptions): Operations {
  const { context, admit, queue } = options
  const { approvalSettings, clock, store } = context
  const known = new Map<string, DefinedOperation>()

  /** It runs at once, in the caller's own time: what it throws is the host's, and goes to the host. */
  async function runNow(operation: DefinedOperation, input: Json, principal: Principal): Promise<Json> {
    const limit = new AbortController()
    const stop = clock.after(approvalSettings.runMs, () => limit.abort())
    const call: OperationContext = { principal, approvalId: null, signal: limit.signal }
    try {
      if (operation.effect !== 'transactional') return toJson(await operation.run(input, call))
      const made = await inTransaction({ clock, store }, [], approvalSettings.runMs, (transaction) =>
        operation.run(input, { ...call, transaction }),
      )
      if (made.ok) return toJson(made.value)
      if (made.why === 'thrown') throw made.error
      throw new KeyrungError('store_unavailable', { internal: `operation ${operation.name}: ${made.why}` })
    } finally {
      stop()
    }
  }

  async function queueCall(
    operation: DefinedOperation,
    parsed: { readonly value: Json; readonly bytes: Uint8Array },
    admission: { readonly principal: Principal; readonly decision: Queued },
    idempotencyKey: string | null,
  ): Promise<OperationResult> {
    const { principal, decision } = admission
    const { name, effect } = operation
    const call = { principal, approvalId: null }
    const preview = await findPreview(operation, parsed.value, call)
    const precondition = await askPrecondition(context, operation, parsed.value, call)
    const content = { request: null, input: parsed.bytes, preview, precondition }
    try {
      const { approval } = await queue({
        ...{ principal, decision, operation: name, app: '', effect },
        ...{ content, idempotencyKey },
      })
      return { status: 'queued', approval }
    } catch (error) {
      if (!isKeyrungError(error) || error.code !== 'too_many_pending') throw error
      return { status: 'refused', code: 'too_many_pending', limits: null }
    }
  }

  async function findPreview(
    { name, preview }: DefinedOperation,
    input: Json,
    call: Omit<OperationContext, 'signal'>,
  ): Promise<Json> {
    if (preview === undefined) return null
    const what = `preview of ${name}`
    const shown = await askHook(context, what, (signal) => preview(input, { ...call, signal }))
    const { value, faults } = copyPlain(shown, previewBounds)
    if (faults.length === 0) return value
    throw hookFailed(what, `${faults[0]!.path} ${faults[0]!.message}`)
  }

  return {
    define<I>(name: string, definition: OperationDefinition<string, I>): Operation<I> {
      const canCommitWith = store.commitWith !== undefined
      const operation = readDefinition(name, definition, canCommitWith, options.demandOf)
      if (known.has(name)) {
        throw invalid('config_invalid', [{ path: 'name', message: 'is the name of another operation' }])
      }
      known.set(name, operation)
      return {
        name,
        async call(principal, input, { idempotencyKey } = {}) {
          const admission = await admit(principal, operation.demand)
          const code = admission.ok ? 'allow' : admission.code
          if (code !== 'allow' && code !== 'approval_required') {
            const limits = admission.limits
            return { status: 'refused', code: code as DenyCode | 'limited', limits }
          }
          const parsed = await parseInput(operation.input, input, approvalSettings.maxBodyBytes)
          const { principal: caller, decision } = admission as Admission & { readonly principal: Principal }
          if (decision?.effect === 'approval') {
            const key = readIdempotencyKey(idempotencyKey)
            return queueCall(operation, parsed, { principal: caller, decision }, key)
          }
          return { status: 'done', result: await runNow(operation, parsed.value, caller) }
        },
      }
    },
    find: (name) => known.get(name),
  }
}

/** A key of the caller's own: 1 to 255 visible characters of ASCII, as in the header of that name. */
function readIdempotencyKey(given: unknown): string | null {
  if (given === undefined) return null
  if (typeof given === 'string' && /^[\x21-\x7e]{1,255}$/.test(given)) return given
  throw invalid('input_invalid', [
    { path: 'idempotencyKey', message: 'must be 1 to 255 visible characters of ASCII' },
  ])
}
