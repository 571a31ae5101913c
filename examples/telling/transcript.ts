import type { Answer, Call } from './client.js'

/** The fields of a body. */
export type Fields = Readonly<Record<string, unknown>>

/** What of a body is worth a line; nothing where it is not such a body. */
export type Summary = (body: Fields) => unknown

/** How a host's requests and answers look in a line. */
export interface TranscriptLayout {
  /** How many characters a path, a caller and a body get. */
  readonly widths: { readonly path: number; readonly caller: number; readonly body: number }
  /** Asked before those that fit every host; the first that has something to say is taken. */
  readonly summaries?: readonly Summary[]
}

/** What a key's secret looks like, whatever the host's prefix: all but its beginning and its last characters are hidden. */
const secret = /([a-z]+_(?:live|test)_)[0-9A-Za-z]{32}([0-9A-Za-z]{4})/g

/** An access token: it begins with a JSON header in base64url. */
const token = /\beyJ[\w-]+\.[\w-]+\.[\w-]+([\w-]{4})/g

/** A digest in full is of no use to a reader. */
const digest = /\b([0-9a-f]{8})[0-9a-f]{56}\b/g

const everyHost: readonly Summary[] = [
  ({ key, secret }) => key && { ...(secret ? { secret } : {}), ...keyFields(key as Fields) },
  ({ data, events }) => (data ?? events) && `${((data ?? events) as readonly unknown[]).length} of them`,
]

/** The first characters of an id are a time; the last ones tell it from others. */
export function shortenIds(text: string): string {
  return text.replace(/(key|rec|apr)_\w+(\w{4})/, '$1_…$2')
}

/** Puts requests and answers into lines, without any secret. */
export class Transcript {
  readonly #layout: TranscriptLayout
  readonly #summaries: readonly Summary[]

  constructor(layout: TranscriptLayout) {
    this.#layout = layout
    this.#summaries = [problem, ...(layout.summaries ?? []), ...everyHost]
  }

  /** One request in a line: what, as whom, with which body. */
  request({ method, path, body, key }: Call, user: string): string {
    const { widths } = this.#layout
    const shown = shortenIds(path).padEnd(widths.path)
    const caller = (key === undefined ? user : mask(key)).padEnd(widths.caller)
    return `→ ${method.padEnd(6)} ${shown} ${caller} ${this.#short(body)}`.trimEnd()
  }

  /** One answer in a line: its status, and what matters of its body. */
  answer({ status, body }: Answer): string {
    const fields = (body ?? {}) as Fields
    const summary = this.#summaries.map((summarise) => summarise(fields)).find(Boolean) ?? body
    return `← ${status}    ${this.#short(summary)}`.trimEnd()
  }

  #short(value: unknown): string {
    if (value === undefined) return ''
    const text = mask(typeof value === 'string' ? value : JSON.stringify(value))
    const { body } = this.#layout.widths
    return text.length <= body ? text : `${text.slice(0, body - 1)}…`
  }
}

function problem({ code, detail, missing }: Fields): unknown {
  return code && `${String(code)}: ${String(detail)}${lacking(missing)}`
}

function lacking(missing: unknown): string {
  const { scopes = [] } = (missing ?? {}) as { scopes?: readonly string[] }
  return scopes.length === 0 ? '' : ` It takes ${scopes.join(' ')}.`
}

function keyFields({ name, status, mode, scopes }: Fields): Fields {
  return { name, status, ...(mode === 'full' ? { mode } : { scopes }) }
}

function mask(text: string): string {
  return text.replace(secret, '$1…$2').replace(token, 'eyJ…$1').replace(digest, '$1…')
}
