import * as z from 'zod/mini'
import { invalid, isKeyrungError } from '../core/errors.js'
import { readFields } from '../service/keys/fields.js'

/** A field that the service it goes to says all about. */
export const passedOn = z.optional(z.unknown())

/**
 * Reads a body or a query through a schema.
 *
 * @throws `input_invalid` with every fault
 */
export function readWire<S extends z.ZodMiniObject>(schema: S, input: unknown): z.output<S> {
  const { value, faults } = readFields(schema, input)
  if (!value) throw invalid('input_invalid', faults)
  return value
}

/**
 * The same for a body whose fields a service reads too: what the service finds wrong with the sound ones is told
 * along with the rest.
 */
export async function readWireFor<S extends z.ZodMiniObject>(
  schema: S,
  input: unknown,
  names: WireNames,
  read: (sound: Record<string, unknown>) => unknown,
): Promise<z.output<S>> {
  const { given, value, faults } = readFields(schema, input)
  if (value) return value
  const unsound = new Set(faults.map(({ path }) => path.split('.')[0]))
  const sound = Object.fromEntries([...given].filter(([name]) => !unsound.has(name)))
  const further = await withWireNames(names, async () => void read(sound)).catch((error: unknown) => {
    if (isKeyrungError(error)) return error.faults
    throw error
  })
  throw invalid('input_invalid', [...faults, ...(further ?? [])])
}

/** Names of inputs inside, by their names on the wire. */
export type WireNames = Readonly<Record<string, string>>

/** Calls a service, and tells the faults it finds by the names that stand on the wire. */
export async function withWireNames<T>(names: WireNames, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (!isKeyrungError(error) || error.code !== 'input_invalid') throw error
    const wireName = new Map(Object.entries(names).map(([wire, inside]) => [inside, wire]))
    throw invalid(
      'input_invalid',
      error.faults.map(({ path, message }) => {
        // Only the first part is a name of keyrung's; what follows may be the caller's own.
        const [first = '', ...rest] = path.split('.')
        return {
          path: [wireName.get(first) ?? first, ...rest].join('.'),
          message: message.replace(/[a-z]+[A-Z]\w*/g, (word) => wireName.get(word) ?? word),
        }
      }),
    )
  }
}

/**
 * The version that an entity tag names (RFC 9110, 8.8.3), as `If-Match` carries it: `undefined` without one and for
 * `*`, which names none; a weak tag, as compressing proxies make it, names the same version; NaN for what is no tag of a key. The service says what is wrong with either, after it has
 * said whether there is such a key and whether keys can be edited at all.
 */
export function readVersionTag(value: string | null): number | undefined {
  return value === null || value === '*' ? undefined : Number(/^(?:W\/)?"v([1-9]\d{0,14})"$/.exec(value)?.[1])
}

/** The entity tag of a version. */
export function formatVersionTag(version: number): string {
  return `"v${version}"`
}
