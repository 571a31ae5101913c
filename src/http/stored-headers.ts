import { formatMediaType, parseMediaType } from '../core/media-type.js'
import { isCredentialHeader } from '../service/approval-settings.js'
import type { ApprovalSettings } from '../service/approval-settings.js'
import type { GateBody, GateRequest } from './gate-request.js'

/**
 * What is stored of a request that waits for an approval unless the host names more: what says how its body is to be
 * read and what it is about. What differs between two attempts at the same thing, such as a trace id, is not among it.
 */
const usual = [
  ...['accept', 'accept-language', 'content-encoding', 'content-language', 'content-type', 'host'],
  ...[
    'idempotency-key',
    'if-match',
    'if-modified-since',
    'if-none-match',
    'if-unmodified-since',
    'user-agent',
  ],
]

/** How a message is framed; that is done anew when it is sent again. */
export const framingHeaders: ReadonlySet<string> = new Set([
  ...['connection', 'content-length', 'expect', 'http2-settings', 'keep-alive', 'proxy-connection', 'te'],
  ...['trailer', 'transfer-encoding', 'upgrade'],
])

type Settings = Pick<ApprovalSettings, 'headers' | 'credentialHeader'>

/** Lists the names of what is stored, each once, by their first letters. */
export function storedNames(settings: Settings): readonly string[] {
  const names = new Set([...usual, ...settings.headers.map((name) => name.toLowerCase())])
  return [...names].filter((name) => !framingHeaders.has(name) && !isCredentialHeader(name, settings)).sort()
}

/** The headers that are stored of a request, each value as it was sent. */
export function storedHeaders(
  request: GateRequest,
  names: readonly string[],
  { bytes, isRewritten }: GateBody,
): readonly (readonly [name: string, value: string])[] {
  const headers = names.flatMap((name) => request.headers(name).map((value) => [name, value] as const))
  // To parsers an empty body is another thing than none.
  const isFramed = ['content-length', 'transfer-encoding'].some((name) => request.headers(name).length > 0)
  if (bytes.length === 0 && isFramed) headers.push(['content-length', '0'])
  return isRewritten ? headers.flatMap(ofRewritten) : headers
}

/** What a parser was given was unpacked and decoded, and is written down plain, in UTF-8. */
function ofRewritten([name, value]: readonly [string, string]): readonly (readonly [string, string])[] {
  if (name === 'content-encoding') return []
  if (name !== 'content-type') return [[name, value]]
  const type = parseMediaType(value)
  if (!type?.parameters.has('charset')) return [[name, value]]
  const parameters = new Map([...type.parameters, ['charset', 'utf-8'] as const])
  return [[name, formatMediaType({ ...type, parameters })]]
}
