import { isKeyrungError } from '../../core/errors.js'
import type { KeyrungError } from '../../core/errors.js'
import type { Json } from '../../core/plain-value.js'
import type { Principal } from '../../core/principal.js'
import { fromUtf8 } from '../../crypto/encoding.js'
import type { MaybePromise } from '../../core/maybe-promise.js'
import type { ServiceContext } from '../context.js'
import type { OperationContext } from '../operation.js'
import { hookFailed, kindOf } from '../hook-failure.js'
import { errorWord, late, within } from '../time-limit.js'
import type { DefinedOperation } from './definition.js'

/** How long `preview` and `precondition` may take, in milliseconds. */
const hookLimitMs = 10_000

/** What was stored of a named operation, and on whose behalf. */
export interface StoredCall {
  /** Canonical JSON in UTF-8. */
  readonly input: Uint8Array
  readonly precondition: string | null
  readonly principal: Principal
  readonly approvalId: string | null
}

/** The input that `bytes` stand for, as `run` gets it. */
export function readInput(bytes: Uint8Array): Json {
  return JSON.parse(fromUtf8(bytes)!) as Json
}

/**
 * Says whether what a queued operation is about is no longer as it was when it was queued.
 *
 * @throws KeyrungError `hook_failed` where the host could not say
 */
export async function hasMoved(
  context: Pick<ServiceContext, 'clock'>,
  operation: DefinedOperation,
  stored: StoredCall,
): Promise<boolean> {
  const { principal, approvalId } = stored
  return (
    (await askPrecondition(context, operation, readInput(stored.input), { principal, approvalId })) !==
    stored.precondition
  )
}

/**
 * Asks what an operation is about; null where it does not say.
 *
 * @throws KeyrungError `hook_failed`, and what the host throws of keyrung's own
 */
export async function askPrecondition(
  context: Pick<ServiceContext, 'clock'>,
  { name, precondition }: DefinedOperation,
  input: Json,
  call: Omit<OperationContext, 'signal'>,
): Promise<string | null> {
  if (precondition === undefined) return null
  const answer = await askHook(context, `precondition of ${name}`, (signal) =>
    precondition(input, { ...call, signal }),
  )
  if (typeof answer === 'string') return answer
  throw hookFailed(`precondition of ${name}`, `answered ${kindOf(answer)}, must be a text`)
}

/** Calls a function of the host's that only looks; what it throws of keyrung's own goes through. */
export async function askHook<T>(
  { clock }: Pick<ServiceContext, 'clock'>,
  what: string,
  ask: (signal: AbortSignal) => MaybePromise<T>,
): Promise<T> {
  const limit = new AbortController()
  let failure: KeyrungError
  try {
    const answer = await within(
      clock,
      hookLimitMs,
      Promise.resolve().then(() => ask(limit.signal)),
    )
    if (answer !== late) return answer
    limit.abort()
    failure = hookFailed(what, 'timeout')
  } catch (error) {
    if (isKeyrungError(error)) throw error
    failure = hookFailed(what, errorWord(error), error)
  }
  throw failure
}
