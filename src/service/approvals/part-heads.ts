import { parseMediaType } from '../../core/media-type.js'
import { toLatin1 } from './masked-parts.js'

/**
 * Finds what makes parsers read the parts of a multipart body otherwise than as bytes in UTF-8 (RFC 7578, 4.4 to 4.7), in
 * words that go on from "the request"; null: nothing does.
 */
export function findPartFault(body: Uint8Array, boundary: string | undefined): string | null {
  if (!boundary) return null
  // Wherever a parser might see a part begin.
  const [, ...parts] = toLatin1(body).split(`--${boundary}`)
  const isAscii = body.every((byte) => byte < 0x80)
  for (const part of parts) {
    const head = part.split('\r\n\r\n', 1)[0]!.replace(/\r?\n[ \t]+/g, ' ')
    if (/name\s*=\s*"?_charset_/i.test(head)) return 'one of its parts names a charset for the others'
    for (const [, name = '', value = ''] of head.matchAll(/^[ \t]*([^\s:]+)[ \t]*:[ \t]*(.*?)[ \t\r]*$/gm)) {
      const fault = faultOf(name.toLowerCase(), value, isAscii)
      if (fault !== null) return fault
    }
  }
  return null
}

function faultOf(name: string, value: string, isAscii: boolean): string | null {
  if (name === 'content-transfer-encoding' && !/^(?:7bit|8bit|binary)$/i.test(value)) {
    return 'one of its parts is encoded'
  }
  if (name !== 'content-type') return null
  const type = parseMediaType(value)
  if (type === null) return 'the content type of one of its parts is malformed'
  if (type.essence.startsWith('multipart/')) return 'one of its parts has parts itself'
  const charset = type.parameters.get('charset') ?? 'utf-8'
  const isUtf8 = /^utf-?8$/i.test(charset) || (isAscii && /^us-ascii$/i.test(charset))
  return isUtf8 ? null : 'one of its parts is in another charset than UTF-8'
}
