import { isKeyrungError } from '../../core/errors.js'
import type { ApprovalEffect } from '../../core/approval.js'
import { copyPlain } from '../../core/plain-value.js'
import type { Json } from '../../core/plain-value.js'
import { toUtf8 } from '../../crypto/encoding.js'
import type { DefinedOperation } from '../operations/definition.js'
import { readInput } from '../operations/precondition.js'
import type { Dispatcher, ReplayTicket, StoredRequest } from '../replay.js'
import { late, within } from '../time-limit.js'
import type { Claimed } from './claim.js'
import type { ExecutionNeeds } from './needs.js'
import { judgeAnswer, judgeSilence, unknownEnd } from './verdict.js'
import type { RunResult, Verdict } from './verdict.js'

/** How long one run may take, and how it is told that it is over. */
export interface RunLimits {
  readonly signal: AbortSignal
  /** Aborts the signal. */
  abandon(): void
}

/** How much of a result is read. */
const resultBounds = { depth: 64, elements: 100_000 } as const

/** Dispatches a stored request into the host's app, and judges what it answers; it never throws. */
export async function performReplay(
  { context, keyrung }: ExecutionNeeds,
  { record, caller }: Claimed,
  request: StoredRequest,
  dispatcher: Dispatcher,
  limits: RunLimits,
): Promise<Verdict> {
  const { runMs, maxResultBytes: maxBytes } = context.approvalSettings
  // No app shares a transaction with the store.
  const effect: ApprovalEffect = record.effect === 'idempotent' ? 'idempotent' : 'unsafe'
  const ticket: ReplayTicket = {
    ...{ keyrung: keyrung(), approvalId: record.id, principal: caller.principal },
    ...{ request, permissions: record.permissions, state: 'unused' },
  }
  const dispatched = Promise.resolve().then(() =>
    dispatcher.dispatch(request, ticket, { maxBytes, signal: limits.signal }),
  )
  const answer = await within(context.clock, runMs, dispatched).catch((): typeof late => late)
  const { state } = ticket
  if (answer !== late) return judgeAnswer(answer, state, effect)
  limits.abandon()
  // Nobody waits for it any more, so nobody may begin under it.
  if (state === 'unused') ticket.state = 'changed'
  return judgeSilence(state, effect)
}

/** Runs a named operation outside of a transaction, and judges what came of it; it never throws. */
export async function performNamed(
  { context }: ExecutionNeeds,
  { record, caller }: Claimed,
  bytes: Uint8Array,
  { run }: DefinedOperation,
  limits: RunLimits,
): Promise<Verdict> {
  const { runMs, maxResultBytes } = context.approvalSettings
  const call = { principal: caller.principal, approvalId: record.id, signal: limits.signal }
  const running = Promise.resolve().then(() => run(readInput(bytes), call))
  try {
    const value = await within(context.clock, runMs, running)
    if (value !== late) {
      const result = keepJson(toJson(value), maxResultBytes)
      return { end: 'succeed', outcome: 'done', resultStatus: null, result }
    }
    limits.abandon()
    return { end: unknownEnd(record.effect), outcome: 'no_answer', resultStatus: null, result: null }
  } catch (error) {
    return judgeThrown(error, record.effect, maxResultBytes)
  }
}

/**
 * Judges what an operation threw: only keyrung's own `operation_refused` says that nothing was done. Never throws, even if
 * reading the error does.
 */
export function judgeThrown(error: unknown, effect: ApprovalEffect, maxBytes: number): Verdict {
  const refusal = readRefusal(error)
  if (refusal !== undefined) {
    const result = keepJson(toJson(refusal), maxBytes)
    return { end: 'fail', outcome: 'refused_by_handler', resultStatus: null, result }
  }
  return { end: unknownEnd(effect), outcome: 'handler_failed', resultStatus: null, result: null }
}

/** Returns the public members of an `operation_refused`; undefined for any other error. */
function readRefusal(error: unknown): unknown {
  try {
    if (!isKeyrungError(error) || error.code !== 'operation_refused') return undefined
    const { code, message, faults } = error.toJSON()
    return { code, message, faults }
  } catch {
    return undefined
  }
}

/** What a run answered as JSON; what is none becomes null, as the run is done and cannot be refused any more. */
export function toJson(value: unknown): Json {
  return value === undefined ? null : copyPlain(value, resultBounds).value
}

/** JSON as it is kept: its text's first so many bytes. */
export function keepJson(value: Json, maxBytes: number): RunResult {
  const bytes = toUtf8(JSON.stringify(value))
  const isTruncated = bytes.length > maxBytes
  return {
    contentType: 'application/json',
    body: isTruncated ? bytes.subarray(0, maxBytes) : bytes,
    isTruncated,
  }
}
