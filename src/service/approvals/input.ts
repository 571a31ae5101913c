import * as z from 'zod/mini'
import { approvalStatuses } from '../../core/approval.js'
import { invalid } from '../../core/errors.js'
import { isId } from '../../core/id.js'
import { isDuration, isInstant } from '../../core/time.js'
import { originFields, originOf } from '../change-origin.js'
import type { ChangeOrigin } from '../change-origin.js'
import type { ServiceContext } from '../context.js'
import { parseCursor } from '../cursor.js'
import { countUpTo, foreignId, objectOf, oneOf, readFields, reason } from '../keys/fields.js'
import { refusePastedSecrets } from '../keys/pasted-secret.js'
import type { Patience } from './found.js'

type Needs = Pick<ServiceContext, 'keyFormat'>

/** The longest that a call may wait, in milliseconds. */
const longestWaitMs = 60_000
const mostListed = 200

const isDigest = (value: unknown): boolean => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
const isSignal = (value: unknown): boolean =>
  typeof (value as AbortSignal | null)?.aborted === 'boolean' &&
  typeof (value as AbortSignal).addEventListener === 'function'
const isWait = (value: unknown): boolean => isDuration(value, longestWaitMs)
const isCursor = (value: unknown): boolean => positionOf(value) !== undefined
const isKeyId = (value: unknown): boolean => isId('key', value)
const isResource = (value: unknown): boolean => typeof value === 'string' && /^[^\0]{1,200}$/u.test(value)

const digest = z.custom<string>(isDigest, { error: 'must be the digest that was shown: 64 digits' })
const wait = z.custom<number>(isWait, {
  error: `must be whole milliseconds, at most ${longestWaitMs}`,
})
const told = reason.check(({ value, issues }) => {
  if (value === '') issues.push({ code: 'custom', input: value, message: 'must not be empty' })
})

const changeOptions = objectOf(originFields)
const signal = z.custom<AbortSignal>(isSignal, { error: 'must be an AbortSignal' })
const patience = { waitMs: z.optional(wait), signal: z.optional(signal) }
const waitOptions = objectOf({ ...originFields, ...patience })
const approval = objectOf({ digest, reason: z.optional(reason) })
const rejection = objectOf({ reason: told })
const resolution = objectOf({
  as: oneOf<'succeeded' | 'failed' | 'again'>(['succeeded', 'failed', 'again']),
  reason: z.optional(reason),
})
const tracking = objectOf(patience)
const waking = objectOf({ workspaceId: z.optional(foreignId) })
const queueing = objectOf({ idempotencyKey: z.optional(foreignId), ...originFields })
const listing = objectOf({
  status: z.optional(oneOf(approvalStatuses)),
  keyId: z.optional(z.custom<string>(isKeyId, { error: "must be a key's id" })),
  resource: z.optional(z.custom<string>(isResource, { error: "must be a resource's name" })),
  createdBefore: z.optional(z.custom<number>(isInstant, { error: 'must be whole milliseconds since 1970' })),
  cursor: z.optional(z.custom<string>(isCursor, { error: 'must be the `next` of another page' })),
  limit: z.optional(countUpTo(mostListed)),
})

/** @throws KeyrungError `input_invalid` */
export function readApproval(context: Needs, input: unknown) {
  return withoutSecrets(context, read(approval, input))
}

/** @throws KeyrungError `input_invalid` */
export function readRejection(context: Needs, input: unknown): { readonly reason: string } {
  const given = read(rejection, input)
  refusePastedSecrets(context, given)
  return given
}

/** @throws KeyrungError `input_invalid` */
export function readResolution(context: Needs, input: unknown) {
  return withoutSecrets(context, read(resolution, input))
}

/** @throws KeyrungError `input_invalid` */
export function readChangeOptions(context: Needs, options: unknown): { readonly origin: ChangeOrigin } {
  return { origin: originOf(context, read(changeOptions, options)) }
}

/** @throws KeyrungError `input_invalid` */
export function readWaitOptions(
  context: Needs & Pick<ServiceContext, 'approvalSettings'>,
  options: unknown,
): { readonly origin: ChangeOrigin } & Patience {
  const { waitMs = context.approvalSettings.waitMs, signal, ...rest } = read(waitOptions, options)
  return { origin: originOf(context, rest), waitMs, signal }
}

/** @throws KeyrungError `input_invalid` */
export function readTracking(options: unknown): Patience {
  const { waitMs = 0, signal } = read(tracking, options)
  return { waitMs, signal }
}

/** @throws KeyrungError `input_invalid` */
export function readWaking(options: unknown): { readonly workspaceId?: string | undefined } {
  return read(waking, options)
}

/** @throws KeyrungError `input_invalid` */
export function readQueueOptions(
  context: Needs,
  options: unknown,
): { readonly idempotencyKey: string | null; readonly origin: ChangeOrigin } {
  const { idempotencyKey = null, ...rest } = read(queueing, options)
  return { idempotencyKey, origin: originOf(context, rest) }
}

/** @throws KeyrungError `input_invalid` */
export function readListing(input: unknown) {
  return read(listing, input)
}

/** The id behind which a cursor goes on. */
export function positionOf(cursor: unknown): string | undefined {
  const position = parseCursor(cursor)
  return position?.length === 1 && isId('apr', position[0]) ? position[0] : undefined
}

function withoutSecrets<T extends { readonly reason?: string | undefined }>(
  context: Needs,
  given: T,
): Omit<T, 'reason'> & { readonly reason: string | null } {
  const reason = given.reason || null
  refusePastedSecrets(context, { reason })
  return { ...given, reason }
}

function read<S extends z.ZodMiniObject>(schema: S, input: unknown): z.output<S> {
  const { value, faults } = readFields(schema, input === undefined ? {} : input)
  if (!value) throw invalid('input_invalid', faults)
  return value
}
