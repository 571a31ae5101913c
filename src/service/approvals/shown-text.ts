import { escapeHidden } from '../../core/plain-text.js'
import type { Json } from '../../core/plain-value.js'
import type { KeyFormat } from '../../crypto/key-format.js'
import { mask } from './masked-fields.js'
import { fromLatin1, toLatin1 } from './masked-parts.js'

/** What a decider is shown of texts that a caller sent. */
export interface ShownText {
  /** Masks whole keys of this application in bytes, wherever they stand, percent-encoded and escaped ones too. */
  bytes(body: Uint8Array): Uint8Array
  /** Masks keys in a text, and shows what is invisible in it as `\u202e`. */
  text(text: string): string
  /** The same for all names and texts of a value. */
  value(value: Json): Json
}

/** Shows texts as they are: for whoever sent them. */
export const asSent: ShownText = { bytes: (body) => body, text: (text) => text, value: (value) => value }

/** Shows texts for people who decide about them. */
export function shownText(format: KeyFormat): ShownText {
  const pattern = writtenKey(format)
  const head = format.prefix.length + 1

  function maskKeys(text: string): string {
    if (text.length < head) return text
    const form = new RegExp(pattern, 'g')
    let shown = ''
    let at = 0
    for (let found = form.exec(text); found !== null; found = form.exec(text)) {
      if (format.parse(decode(found[0])) === undefined) {
        form.lastIndex = found.index + 1
        continue
      }
      shown += text.slice(at, found.index) + mask
      at = form.lastIndex
    }
    return at === 0 ? text : shown + text.slice(at)
  }

  function text(given: string): string {
    return escapeHidden(maskKeys(given))
  }

  function bytes(body: Uint8Array): Uint8Array {
    const read = toLatin1(body)
    const shown = maskKeys(read)
    return shown === read ? body : fromLatin1(shown)
  }

  function value(given: Json): Json {
    if (typeof given === 'string') return text(given)
    if (typeof given !== 'object' || given === null) return given
    if (Array.isArray(given)) return given.map(value)
    const members = Object.entries(given).map(([name, member]) => [text(name), value(member as Json)])
    return Object.fromEntries(members) as Json
  }

  return { bytes, text, value }
}

/** Finds keys, each of whose characters may be written as it is, as `%5F`, as `\u005f`, and encoded several times over. */
function writtenKey({ prefix, environments }: KeyFormat): string {
  const heads = environments.map((environment) => [...`${prefix}_${environment}_`].map(written).join(''))
  const tailLength = 36
  const unit = `(?:[0-9A-Za-z]|%(?:25)*[3-7][0-9A-Fa-f]|\\\\+u00[3-7][0-9A-Fa-f])`
  return `(?:${heads.join('|')})${unit}{${tailLength}}`
}

function written(character: string): string {
  const code = character.charCodeAt(0).toString(16)
  const hex = code.replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`)
  return `(?:${character}|%(?:25)*${hex}|\\\\+u00${hex})`
}

function decode(text: string): string {
  return text.replace(/(?:%(?:25)*|\\+u00)([3-7][0-9A-Fa-f])/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
}
