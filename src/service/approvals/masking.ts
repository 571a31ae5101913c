import { JsonTextFault, readJsonText } from '../../core/json-text.js'
import type { JsonSpan } from '../../core/json-text.js'
import { formatPointer, matchesSteps, pointerSteps } from '../../core/json-pointer.js'
import type { ContentType } from './replayable.js'
import { bodyLimits } from './replayable.js'

/** What stands where something was. */
const mask = '***'

/** A text without what is not to be shown, and where that was, as JSON pointers (RFC 6901). */
export interface MaskedText {
  readonly text: string
  readonly masked: readonly string[]
}

/**
 * Masks the values that pointers name, in a JSON text or in a form; all else stays as it was, letter by letter.
 *
 * A JSON text that cannot be read to its end, as one that was cut, is left out altogether: what is in it cannot be told.
 */
export function maskText(text: string, kind: ContentType['kind'], pointers: readonly string[]): MaskedText {
  const patterns = pointers.map(pointerSteps)
  if (patterns.length === 0 || text === '') return { text, masked: [] }
  if (kind === 'form') return maskForm(text, patterns)
  // Some hosts read JSON whatever it is called.
  const looksLikeJson = kind === 'json' || /^[ \t\n\r]*[[{]/.test(text)
  return looksLikeJson ? maskJson(text, patterns) : { text, masked: [] }
}

type Patterns = readonly (readonly string[])[]

function maskJson(text: string, patterns: Patterns): MaskedText {
  const outermost: JsonSpan[] = []
  try {
    readJsonText(text, bodyLimits, (span) => {
      if (!patterns.some((pattern) => matchesSteps(pattern, span.path))) return
      // What stands in it has been told of before.
      while ((outermost.at(-1)?.start ?? -1) > span.start) outermost.pop()
      outermost.push(span)
    })
  } catch (error) {
    if (error instanceof JsonTextFault) return { text: '', masked: [''] }
    throw error
  }
  let shown = ''
  let at = 0
  for (const { start, end } of outermost) {
    shown += `${text.slice(at, start)}"${mask}"`
    at = end
  }
  return { text: shown + text.slice(at), masked: outermost.map(({ path }) => formatPointer(path)) }
}

function maskForm(text: string, patterns: Patterns): MaskedText {
  const masked = new Set<string>()
  const fields = text.split('&').map((field) => {
    const end = field.indexOf('=')
    const name = end < 0 ? field : field.slice(0, end)
    const steps = stepsOf(name)
    const isMasked = steps.some((path) => patterns.some((pattern) => matchesSteps(pattern, path)))
    if (!isMasked) return field
    masked.add(formatPointer(steps[0]!))
    return `${name}=${mask}`
  })
  return { text: fields.join('&'), masked: [...masked] }
}

/** A field's name as it is, and as some parsers take it apart: `card[number]`. */
function stepsOf(name: string): readonly (readonly string[])[] {
  const spaced = name.replaceAll('+', ' ')
  let plain: string
  try {
    plain = decodeURIComponent(spaced)
  } catch {
    plain = spaced
  }
  const steps = plain.split(/[[\].]+/).filter(Boolean)
  return steps.length > 1 ? [steps, [plain]] : [[plain]]
}
