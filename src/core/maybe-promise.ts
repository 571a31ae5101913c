/** A value, or a promise of it: what can be answered at once is. */
export type MaybePromise<T> = T | Promise<T>

/**
 * Says whether an answer is still to come.
 *
 * It asks for `then`, as promises of another realm or library are not instances of this one's `Promise`.
 */
export function isPromise<T>(answer: MaybePromise<T>): answer is Promise<T> {
  return (
    typeof answer === 'object' && answer !== null && typeof (answer as { then?: unknown }).then === 'function'
  )
}
