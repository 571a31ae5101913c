import { isKeyrungError } from '../../core/errors.js'
import type { ErrorCode } from '../../core/errors.js'
import type { MaybePromise } from '../../core/maybe-promise.js'

/** A value as text that is the same for equal values, whatever the order of their fields. */
function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_, part: unknown) => {
      if (part === undefined) return '(undefined)'
      if (part instanceof Map) return { map: [...part].sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)) }
      if (typeof part !== 'object' || part === null || Array.isArray(part)) return part
      return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
    }) ?? '(undefined)'
  )
}

/** Fails with what was seen unless it holds. */
export function expectThat(holds: boolean, what: string): void {
  if (!holds) throw new Error(`Expected ${what}.`)
}

/** Fails unless two values are equal in all their parts. */
export function expectEqual(actual: unknown, wanted: unknown, what: string): void {
  const [seen, asked] = [canonical(actual), canonical(wanted)]
  if (seen !== asked) throw new Error(`${what}: expected ${asked}, and saw ${seen}.`)
}

/** Fails unless a call throws, or rejects with, an error of this code. */
export async function expectError(
  code: ErrorCode,
  call: () => MaybePromise<unknown>,
  what: string,
): Promise<void> {
  try {
    await call()
  } catch (error) {
    const seen = isKeyrungError(error) ? error.code : String(error)
    if (seen !== code) throw new Error(`${what}: expected ${code}, and saw ${seen}.`, { cause: error })
    return
  }
  throw new Error(`${what}: expected ${code}, and nothing was thrown.`)
}
