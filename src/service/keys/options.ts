import * as z from 'zod/mini'
import { invalid, KeyrungError } from '../../core/errors.js'
import type { ServiceContext } from '../context.js'
import { foreignId, grace, objectOf, readFields, reason, version } from './fields.js'
import { refusePastedSecrets } from './pasted-secret.js'

/** What may accompany every change. */
export interface ChangeOptions {
  /** The host's id of the request, for the audit event: at most 255 characters on one line. */
  readonly requestId?: string | undefined
}

/** What may accompany a creation. */
export interface CreateOptions extends ChangeOptions {
  /**
   * Makes the creation repeatable for 24 hours: the same input under the same id makes no second key.
   * At most 255 characters on one line.
   */
  readonly idempotencyKey?: string | undefined
}

/** What has to accompany an edit. */
export interface EditOptions extends ChangeOptions {
  /** The version the key was read at. */
  readonly version: number
}

/** Why something is done. */
export interface Reason {
  /** For the audit event, and for those who see the key: at most 500 characters on one line. */
  readonly reason?: string | undefined
}

/** How a rotation goes. */
export interface RotateInput extends Reason {
  /**
   * How long the old secret stays valid, in milliseconds: 24 hours unless said otherwise (or the host's
   * `maxGraceMs` if that is shorter); 0 ends it at once, which is the choice after a leak.
   */
  readonly graceMs?: number | undefined
}

type Needs = Pick<ServiceContext, 'keyFormat' | 'keySettings'>

/** Who asked for a change, and why, as its audit event tells it. */
export interface Note {
  readonly requestId: string | null
  readonly reason: string | null
}

const changeOptions = objectOf({ requestId: z.optional(foreignId) })
const createOptions = objectOf({ requestId: z.optional(foreignId), idempotencyKey: z.optional(foreignId) })
const editOptions = objectOf({ requestId: z.optional(foreignId), version: z.optional(version) })
const noteInput = objectOf({ reason: z.optional(reason) })

const usualGraceMs = 86_400_000

/** @throws KeyrungError `input_invalid` */
export function readCreateOptions(
  context: Needs,
  options: unknown,
): Pick<Note, 'requestId'> & { idempotencyKey: string | null } {
  const { requestId = null, idempotencyKey = null } = read(createOptions, options)
  refusePastedSecrets(context, { requestId })
  return { requestId, idempotencyKey }
}

/** @throws KeyrungError `version_required` without a version, `input_invalid` */
export function readEditOptions(
  context: Needs,
  options: unknown,
): Pick<Note, 'requestId'> & { version: number } {
  const { requestId = null, version } = read(editOptions, options)
  refusePastedSecrets(context, { requestId })
  if (version === undefined) {
    throw new KeyrungError('version_required', {
      message: 'Say which version you are changing: pass { version }, as the key was read.',
    })
  }
  return { requestId, version }
}

/** @throws KeyrungError `input_invalid` */
export function readNote(context: Needs, input: unknown, options: unknown): Note {
  return noteOf(context, read(noteInput, input), options)
}

/** @throws KeyrungError `input_invalid` */
export function readRotation(
  context: Needs,
  input: unknown,
  options: unknown,
): Note & { readonly graceMs: number } {
  const { maxGraceMs } = context.keySettings
  const schema = objectOf({ reason: z.optional(reason), graceMs: z.optional(grace(maxGraceMs)) })
  const { graceMs = Math.min(usualGraceMs, maxGraceMs), ...note } = read(schema, input)
  return { graceMs, ...noteOf(context, note, options) }
}

function noteOf(context: Needs, given: { reason?: string | undefined }, options: unknown): Note {
  const { requestId = null } = read(changeOptions, options)
  const note = { requestId, reason: given.reason || null }
  refusePastedSecrets(context, { ...note })
  return note
}

function read<S extends z.ZodMiniObject>(schema: S, input: unknown): z.output<S> {
  const { value, faults } = readFields(schema, input === undefined ? {} : input)
  if (!value) throw invalid('input_invalid', faults)
  return value
}
