import { canonicalJson } from '../../crypto/canonical-json.js'
import { invalid, isKeyrungError, KeyrungError } from '../../core/errors.js'
import type { Fault } from '../../core/errors.js'
import { copyPlain } from '../../core/plain-value.js'
import type { Json } from '../../core/plain-value.js'
import { toUtf8 } from '../../crypto/encoding.js'
import type { StandardSchema } from '../operation.js'
import { hookFailed } from '../hook-failure.js'
import { errorWord } from '../time-limit.js'

/** How much of an input is read. */
const bounds = { depth: 64, elements: 50_000 } as const

/** The most faults that are told, and the longest of their texts. */
const mostFaults = 20
const longestText = 200

/** An input that was accepted, in the one form in which it is shown, stored and run. */
export interface ParsedInput {
  readonly value: Json
  /** RFC 8785, in UTF-8. */
  readonly bytes: Uint8Array
}

/**
 * Has a schema judge an input; what it makes of it is brought into canonical form (RFC 8785) and read back, so that what
 * runs at once, what is shown and what runs later are the same.
 *
 * @throws KeyrungError `input_invalid` with the schema's issues, `body_too_large`, `hook_failed` where the schema throws
 */
export async function parseInput(
  schema: StandardSchema,
  input: unknown,
  maxBytes: number,
): Promise<ParsedInput> {
  const judged = await judge(schema, input)
  if (judged.issues !== undefined) throw invalid('input_invalid', readIssues(judged.issues))
  const { value, faults } = copyPlain(judged.value, bounds)
  if (faults.length > 0) throw invalid('input_invalid', faults.slice(0, mostFaults))
  if (hasLoneSurrogate(value)) {
    throw invalid('input_invalid', [{ path: '', message: 'holds half a surrogate pair' }])
  }
  const text = canonicalJson(value)
  const bytes = toUtf8(text)
  if (bytes.length > maxBytes) throw new KeyrungError('body_too_large')
  return { value: JSON.parse(text) as Json, bytes }
}

type Judged = Awaited<ReturnType<StandardSchema['~standard']['validate']>>

async function judge(schema: StandardSchema, input: unknown): Promise<Judged> {
  try {
    return await schema['~standard'].validate(input)
  } catch (error) {
    if (isKeyrungError(error)) throw error
    throw hookFailed("an operation's schema", errorWord(error), error)
  }
}

type Issues = Extract<Judged, { issues: readonly unknown[] }>['issues']

function readIssues(issues: Issues): readonly Fault[] {
  return issues.slice(0, mostFaults).map(({ message, path = [] }) => ({
    path: path
      .map((part) => String(typeof part === 'object' ? part.key : part))
      .join('.')
      .slice(0, longestText),
    message: String(message).slice(0, longestText),
  }))
}

function hasLoneSurrogate(value: Json): boolean {
  let found = false
  JSON.stringify(value, (name, member: unknown) => {
    if (/\p{Cs}/u.test(name) || (typeof member === 'string' && /\p{Cs}/u.test(member))) found = true
    return member
  })
  return found
}
