import * as z from 'zod/mini'
import { KeyrungError } from '../core/errors.js'
import { longestWaitSeconds, parseWait } from '../http/prefer.js'
import { LimitedError } from '../service/limited-error.js'
import type { Call } from './call.js'

/** How long a caller would have its answer put off. */
export interface Wait {
  /** In milliseconds; `undefined`: it does not say. */
  readonly waitMs: number | undefined
  /** What says that its preference is heeded (RFC 7240, 3), where it is. */
  readonly headers: Readonly<Record<string, string>>
}

/** A field of a body that says how long to wait. */
export const waitField = z.optional(
  z.custom<number>(
    (value) =>
      Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= longestWaitSeconds,
    { error: `must be whole seconds, at most ${longestWaitSeconds}` },
  ),
)

/** Reads how long to wait: a body's `wait_seconds` counts before `Prefer: wait=N`, of which at most a minute is heeded. */
export function readWait(request: Request, waitSeconds?: number): Wait {
  if (waitSeconds !== undefined) return { waitMs: waitSeconds * 1_000, headers: {} }
  const preferred = request.headers.get('prefer')
  const seconds = preferred === null ? null : parseWait([preferred])
  if (seconds === null) return { waitMs: undefined, headers: {} }
  return { waitMs: seconds * 1_000, headers: { 'preference-applied': `wait=${seconds}` } }
}

/**
 * Charges a key for a call that waits, as for any request.
 *
 * @throws KeyrungError why the key is no longer accepted, `limited` as a {@link LimitedError}, `limits_unavailable`
 */
export async function chargeWait({ keyrung, actor }: Call, waitMs: number | undefined): Promise<void> {
  if (actor.type !== 'principal' || waitMs === 0) return
  const admission = await keyrung.admitFurther(actor.principal, keyrung.demand([]), 0)
  if (admission.ok) return
  throw admission.code === 'limited' ? new LimitedError(admission.limits) : new KeyrungError(admission.code)
}
