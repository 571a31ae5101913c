import { isKeyrungError } from '../core/errors.js'
import { isPromise } from '../core/maybe-promise.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import type { Clock } from '../ports/clock.js'

/** How a call to something of the host's ended; `why` is one word that can be shown to an operator. */
export type Attempt<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly why: string; readonly cause?: unknown }

/** What comes instead of an answer that took too long. */
export const late = Symbol('late')

/**
 * Waits for an answer no longer than `limitMs`; rejects as it does. What is given up on goes on unseen.
 */
export function within<T>(clock: Clock, limitMs: number, answer: Promise<T>): Promise<T | typeof late> {
  return new Promise((resolve, reject) => {
    const stop = clock.after(limitMs, () => resolve(late))
    answer.then(
      (value) => {
        stop()
        resolve(value)
      },
      (error: unknown) => {
        stop()
        reject(error as Error)
      },
    )
  })
}

/**
 * Calls something of the host's and waits for it no longer than `limitMs`; it never throws.
 *
 * What is given up on goes on unseen: its later answer or rejection is ignored. An answer that is there at
 * once costs no timer.
 */
export async function attempt<T>(
  clock: Clock,
  limitMs: number,
  call: () => MaybePromise<T>,
): Promise<Attempt<T>> {
  try {
    const answer = call()
    if (!isPromise(answer)) return { ok: true, value: answer }
    const value = await within(clock, limitMs, answer)
    return value === late ? { ok: false, why: 'timeout' } : { ok: true, value }
  } catch (error) {
    return { ok: false, why: errorWord(error), cause: error }
  }
}

/**
 * One word for anything that was thrown: a code of keyrung's or of the system's (`ENOSPC`), else the error's
 * name. Messages are never used, as they may quote what must not be shown.
 */
export function errorWord(error: unknown): string {
  try {
    if (isKeyrungError(error)) return error.code
    if (!(error instanceof Error)) return 'Error'
    const code = (error as { readonly code?: unknown }).code
    if (typeof code === 'string' && /^[A-Z][A-Z_]{1,39}$/.test(code)) return code
    return /^[A-Z][A-Za-z]{0,39}$/.test(error.name) ? error.name : 'Error'
  } catch {
    return 'Error'
  }
}
