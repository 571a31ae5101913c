import { isKeyrungError, KeyrungError } from '../../core/errors.js'
import { isPromise } from '../../core/maybe-promise.js'
import type { MaybePromise } from '../../core/maybe-promise.js'
import type { Change, CommitResult } from '../../ports/change.js'
import type { ServiceContext } from '../context.js'
import { errorWord, late, within } from '../time-limit.js'

/** How a transaction with something of the host's in it came out. */
export type TransactionResult<T> =
  | { readonly ok: true; readonly value: T }
  /** The host's part threw: nothing of it was done. */
  | { readonly ok: false; readonly why: 'thrown'; readonly error: unknown }
  /** It took too long: nothing of it was done. */
  | { readonly ok: false; readonly why: 'late' }
  /** It went on beside the transaction it was to be in: nobody knows what it has done. */
  | { readonly ok: false; readonly why: 'detached' }
  /** The changes could not be made, so nothing was begun. */
  | { readonly ok: false; readonly why: 'lost'; readonly loss: Extract<CommitResult, { ok: false }> }

/**
 * Runs something of the host's in the store's own transaction, together with changes: all of it or nothing.
 *
 * @throws KeyrungError `store_unavailable` where the store could not say how it came out, `transaction_open`
 */
export async function inTransaction<T>(
  { clock, store }: Pick<ServiceContext, 'clock' | 'store'>,
  changes: readonly Change[],
  limitMs: number,
  run: (transaction: unknown) => MaybePromise<T>,
): Promise<TransactionResult<T>> {
  let failure: Extract<TransactionResult<T>, { ok: false }> | undefined

  /** What is thrown here only undoes the transaction; why is told aside, as a store may throw what it likes. */
  function undo(why: typeof failure & object): never {
    failure = why
    throw why.why === 'thrown' ? why.error : new Error(`keyrung: ${why.why}`)
  }

  function begin(transaction: unknown): MaybePromise<T> {
    let answer: MaybePromise<T>
    try {
      answer = run(transaction)
    } catch (error) {
      return undo({ ok: false, why: 'thrown', error })
    }
    if (!isPromise(answer)) return answer
    if (store.synchronous) {
      void answer.catch(() => undefined)
      return undo({ ok: false, why: 'detached' })
    }
    return within(clock, limitMs, answer).then(
      (value) => (value === late ? undo({ ok: false, why: 'late' }) : value),
      (error: unknown) => undo({ ok: false, why: 'thrown', error }),
    )
  }

  try {
    const made = await store.commitWith!(changes, begin)
    return made.ok ? made : { ok: false, why: 'lost', loss: made }
  } catch (error) {
    if (failure !== undefined) return failure
    if (isKeyrungError(error)) throw error
    throw new KeyrungError('store_unavailable', {
      internal: `store commitWith: ${errorWord(error)}`,
      cause: error,
    })
  }
}
