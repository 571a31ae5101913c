import * as z from 'zod/mini'
import type { ServiceContext } from './context.js'
import { foreignId } from './keys/fields.js'
import { findPastedSecrets, refusePastedSecrets } from './keys/pasted-secret.js'

/** What may accompany every change, for its audit event; each at most 255 characters on one line. */
export interface ChangeOptions {
  /** The host's id of the request. */
  readonly requestId?: string | undefined
  /** The network address that the change was asked for from. */
  readonly address?: string | undefined
  /** The `User-Agent` that it was asked for with. */
  readonly userAgent?: string | undefined
}

/** Where a change was asked for, as its audit event tells it. */
export interface ChangeOrigin {
  readonly requestId: string | null
  readonly address: string | null
  readonly userAgent: string | null
}

/** The fields of options that say where a change was asked for. */
export const originFields = {
  requestId: z.optional(foreignId),
  address: z.optional(foreignId),
  userAgent: z.optional(foreignId),
}

/**
 * Takes the origin out of options that were read.
 *
 * @throws KeyrungError `input_invalid` where a secret was pasted into one of them
 */
export function originOf(context: Pick<ServiceContext, 'keyFormat'>, options: ChangeOptions): ChangeOrigin {
  const { requestId = null, address = null, userAgent = null } = options
  refusePastedSecrets(context, { requestId, address })
  // No change fails for a header that clients set themselves.
  const holdsSecret = findPastedSecrets(context, { userAgent }).length > 0
  return { requestId, address, userAgent: holdsSecret ? null : userAgent }
}
