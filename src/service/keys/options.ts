import * as z from 'zod/mini'
import { invalid, KeyrungError } from '../../core/errors.js'
import { originFields, originOf } from '../change-origin.js'
import type { ChangeOptions, ChangeOrigin } from '../change-origin.js'
import type { ServiceContext } from '../context.js'
import { foreignId, grace, objectOf, readFields, reason, version } from './fields.js'
import { refusePastedSecrets } from './pasted-secret.js'

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

/** Where a change was asked for, and why, as its audit event tells it. */
export interface Note {
  readonly origin: ChangeOrigin
  readonly reason: string | null
}

const changeOptions = objectOf(originFields)
const createOptions = objectOf({ ...originFields, idempotencyKey: z.optional(foreignId) })
const editOptions = objectOf({ ...originFields, version: z.optional(version) })
const noteInput = objectOf({ reason: z.optional(reason) })

const usualGraceMs = 86_400_000

/** @throws KeyrungError `input_invalid` */
export function readCreateOptions(
  context: Needs,
  options: unknown,
): Pick<Note, 'origin'> & { idempotencyKey: string | null } {
  const { idempotencyKey = null, ...rest } = read(createOptions, options)
  return { origin: originOf(context, rest), idempotencyKey }
}

/** @throws KeyrungError `version_required` without a version, `input_invalid` */
export function readEditOptions(
  context: Needs,
  options: unknown,
): Pick<Note, 'origin'> & { version: number } {
  const { version, ...rest } = read(editOptions, options)
  const origin = originOf(context, rest)
  if (version === undefined) {
    throw new KeyrungError('version_required', {
      message: 'Say which version you are changing: pass { version }, as the key was read.',
    })
  }
  return { origin, version }
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
  const origin = originOf(context, read(changeOptions, options))
  const note = { reason: given.reason || null }
  refusePastedSecrets(context, note)
  return { origin, ...note }
}

function read<S extends z.ZodMiniObject>(schema: S, input: unknown): z.output<S> {
  const { value, faults } = readFields(schema, input === undefined ? {} : input)
  if (!value) throw invalid('input_invalid', faults)
  return value
}
