import type { ApprovalEffect, ApprovalOutcome } from '../../core/approval.js'
import type { ReplayAnswer, ReplayTicket } from '../replay.js'

/** What is kept of what a run answered, at most as long as the host keeps it. */
export interface RunResult {
  readonly contentType: string | null
  readonly body: Uint8Array
  readonly isTruncated: boolean
}

/** What came of a run, before it is written. */
export type Verdict =
  | {
      /**
       * `succeed` and `fail`: it is known; `lose`: it is not, and a human has to look; `again`: it is not, but it may be
       * run once more.
       */
      readonly end: 'succeed' | 'fail' | 'lose' | 'again'
      readonly outcome: ApprovalOutcome
      /** The status of the answer, for a replay. */
      readonly resultStatus: number | null
      readonly result: RunResult | null
    }
  /** Nothing ran, as what it was meant for has changed. */
  | { readonly end: 'outdate'; readonly outcome: ApprovalOutcome }

/** How often an operation that may be repeated is begun before a human has to look. */
export const mostRuns = 5

/** How a run ends of which nobody knows what it did: what may be repeated is, everything else waits for a human. */
export function unknownEnd(effect: ApprovalEffect): 'lose' | 'again' {
  return effect === 'unsafe' ? 'lose' : 'again'
}

/** What is answered where there is no such route, or none with that method (RFC 9110, 15.5.5 and 15.5.6). */
const notThere: ReadonlySet<number> = new Set([404, 405])

/**
 * Judges what an app answered to a dispatched request. Before the guard was reached, 404 and 405 say that the route has
 * gone, and all other 3xx and 4xx that nothing was done; everything else leaves open who answered, and what that one did.
 */
export function judgeAnswer(
  { status, ...result }: ReplayAnswer,
  state: ReplayTicket['state'],
  effect: ApprovalEffect,
): Verdict {
  if (state === 'body_changed') return { end: 'outdate', outcome: 'body_changed' }
  if (state === 'changed' || (state === 'unused' && notThere.has(status))) {
    return { end: 'outdate', outcome: 'route_changed' }
  }
  const kept = { resultStatus: status, result }
  if (status >= 300 && status <= 499) return { end: 'fail', outcome: 'refused_by_handler', ...kept }
  const isSuccess = status >= 200 && status <= 299
  if (state === 'unused') {
    return { end: 'lose', outcome: isSuccess ? 'route_changed' : 'handler_failed', ...kept }
  }
  if (isSuccess) return { end: 'succeed', outcome: 'done', ...kept }
  return { end: unknownEnd(effect), outcome: 'handler_failed', ...kept }
}

/** Judges that an app gave no answer. */
export function judgeSilence(state: ReplayTicket['state'], effect: ApprovalEffect): Verdict {
  if (state === 'body_changed') return { end: 'outdate', outcome: 'body_changed' }
  if (state === 'changed') return { end: 'outdate', outcome: 'route_changed' }
  const end = state === 'unused' ? 'lose' : unknownEnd(effect)
  return { end, outcome: 'no_answer', resultStatus: null, result: null }
}
