import { formatPointer } from '../../core/json-pointer.js'
import { platform } from '../../crypto/platform.js'

/** What stands where something was. */
export const mask = '***'

/** The steps of each pointer to what is masked. */
export type Patterns = readonly (readonly string[])[]

/** A text without what is not to be shown, and where that was, as JSON pointers (RFC 6901). */
export interface MaskedText {
  readonly text: string
  readonly masked: readonly string[]
}

const lenient = new platform.TextDecoder('utf-8', { fatal: false, ignoreBOM: true })

/** Masks fields as forms and queries have them, `a=1&b[c]=2`; all else stays as it was, letter by letter. */
export function maskFields(text: string, patterns: Patterns): MaskedText {
  const masked = new Set<string>()
  const fields = text.split('&').map((field) => {
    if (field === '') return field
    const end = field.indexOf('=')
    const name = end < 0 ? field : field.slice(0, end)
    const found = findMasked([decode(name)], () => decode(field.slice(name.length + 1)), patterns)
    if (found === null) return field
    masked.add(found)
    return `${name}=${mask}`
  })
  return { text: fields.join('&'), masked: [...masked] }
}

/**
 * Says where a field is, if it is to be masked; null if it is not. It is where it is what a pointer names, where it stands
 * within that, and where it may hold it: as one element of a list, or in a JSON text.
 *
 * @param names what parsers may take its name for
 */
export function findMasked(names: readonly string[], value: () => string, patterns: Patterns): string | null {
  const path = names.flatMap(pathsOf).find((steps) => patterns.some((one) => isMasked(one, steps, value)))
  return path === undefined ? null : formatPointer(path)
}

/** Says whether a text may be JSON that is an object or a list. */
export function looksLikeJson(text: string): boolean {
  return /^[ \t\n\r]*[[{]/.test(text)
}

function isMasked(pattern: readonly string[], path: readonly string[], value: () => string): boolean {
  const shared = Math.min(pattern.length, path.length)
  for (let i = 0; i < shared; i++) if (!isStep(pattern[i]!, path[i]!)) return false
  const deeper = pattern.length - shared
  // A field that comes several times is a list.
  return deeper === 0 || (deeper === 1 && isIndex(pattern[shared]!)) || looksLikeJson(value())
}

/** `items[][iban]` does not say which of the items it is. */
function isStep(wanted: string, step: string): boolean {
  return wanted === '*' || wanted === step || (step === '' && isIndex(wanted))
}

function isIndex(step: string): boolean {
  return /^(?:\*|\d+)$/.test(step)
}

/** A field's name as some parsers take it apart, `card[number]` and `card.number`, and as it is. */
function pathsOf(name: string): readonly (readonly string[])[] {
  if (!/[[\].]/.test(name)) return [[name]]
  const plain = name.replaceAll(']', '').replace(/^\[/, '')
  return [plain.split(/[[.]/), plain.split('['), [name]]
}

/** Reads what is written for a form or a URL as parsers do, which let pass what is not written well. */
function decode(text: string): string {
  return text.replaceAll('+', ' ').replace(/(?:%[0-9a-f]{2})+/gi, (run) => {
    const bytes = run.slice(1).split('%')
    return lenient.decode(Uint8Array.from(bytes, (byte) => Number.parseInt(byte, 16)))
  })
}
