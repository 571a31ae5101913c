import type { Answer, Call } from './client.js'

/** Takes one line at a time. */
export type Print = (line: string) => void

type Fields = Readonly<Record<string, unknown>>

/** Most characters of a body that are shown. */
const shownLength = 120

/** What a secret of this host looks like. */
const secret = /trustpair_live_[0-9A-Za-z]{32}([0-9A-Za-z]{4})/g

/** What of an answer is worth a line; the first that fits is taken. */
const summaries: readonly ((body: Fields) => unknown)[] = [
  ({ code, detail, missing }) => code && `${code}: ${detail}${lacking(missing)}`,
  ({ key, secret }) => key && { ...(secret ? { secret } : {}), ...tokenFields(key as Fields) },
  ({ keys }) => keys && (keys as readonly Fields[]).map(tokenFields),
  ({ modules, offer }) => offer && `${String(modules)} offers ${offered(offer).join(', ')}`,
  ({ data, events }) => (data ?? events) && `${((data ?? events) as readonly unknown[]).length} of them`,
]

/** Shows secrets by their prefix and last four characters only. */
function mask(text: string): string {
  return text.replace(secret, 'trustpair_live_…$1')
}

/** One request in a line: what, as whom, with which body. */
export function requestLine({ method, path, body, token }: Call, user: string): string {
  // The first characters of an id are a time; the last ones tell it from others.
  const shown = path.replace(/(key|rec)_\w+(\w{4})/, '$1_…$2').padEnd(33)
  const who = (token === undefined ? user : mask(token)).padEnd(20)
  return `   → ${method.padEnd(6)} ${shown} ${who} ${short(body)}`.trimEnd()
}

/** One answer in a line: its status, and what matters of its body. */
export function answerLine({ status, body }: Answer): string {
  const fields = (body ?? {}) as Fields
  const summary = summaries.map((summarise) => summarise(fields)).find(Boolean) ?? body
  return `   ← ${status}    ${short(summary)}`.trimEnd()
}

/** The names of the permissions in an offer. */
export function offered(offer: unknown): readonly string[] {
  const groups = offer as readonly { resources: readonly { label: string }[] }[]
  return groups.flatMap(({ resources }) => resources.map(({ label }) => label))
}

function tokenFields({ name, status, scopes, secrets }: Fields): Fields {
  const [shown] = secrets as readonly { last_four: string }[]
  return { name, status, last_four: shown?.last_four, scopes }
}

function lacking(missing: unknown): string {
  const { scopes = [] } = (missing ?? {}) as { scopes?: readonly string[] }
  return scopes.length === 0 ? '' : ` It takes ${scopes.join(' ')}.`
}

function short(value: unknown): string {
  if (value === undefined) return ''
  const text = mask(typeof value === 'string' ? value : JSON.stringify(value))
  return text.length <= shownLength ? text : `${text.slice(0, shownLength - 1)}…`
}
