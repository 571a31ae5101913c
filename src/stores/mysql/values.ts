import type { Query, SqlValue } from '../sql/query.js'
import type { MysqlField } from './client.js'

/**
 * A parameter as a driver takes it. Texts go as their bytes: bytes belong to no character set, so that neither the
 * connection's nor the server's is ever applied to them.
 */
export function toParameter(value: SqlValue): number | Buffer | null {
  if (typeof value === 'string') return Buffer.from(value, 'utf8')
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  return value
}

function toLiteral(value: SqlValue): string {
  const parameter = toParameter(value)
  if (parameter instanceof Buffer) return `X'${parameter.toString('hex')}'`
  if (parameter !== null && !Number.isSafeInteger(parameter)) throw new TypeError('no whole number')
  return String(parameter)
}

/**
 * A statement with its parameters within, for what is not prepared. Bytes and whole numbers need no escaping, so no
 * `sql_mode`, character set or formatter of the host's has a say.
 */
export function spellOut({ text, values }: Query): string {
  if (values.length === 0) return text
  let next = 0
  // Names are in backticks and have no question mark in them, and there are no texts in statements with parameters.
  return text.replace(/\?/g, () => toLiteral(values[next++]!))
}

function toText(bytes: Uint8Array): string | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
  // The replacement character stands for what is no UTF-8, unless it was written.
  return text.includes('\ufffd') && !Buffer.from(text, 'utf8').equals(bytes) ? undefined : text
}

/**
 * Reads one value of a row, whatever the pool's settings are: this is asked in place of the host's own `typeCast`,
 * texts and digests are read from their bytes, and whole numbers taken in any form that settings can give them.
 */
export function readValue(field: MysqlField, next: () => unknown): unknown {
  switch (field.type) {
    // BINARY is what digests are kept in, and nothing else.
    case 'STRING':
      return field.buffer()
    case 'VAR_STRING':
    case 'VARCHAR':
    case 'TINY_BLOB':
    case 'BLOB':
    case 'MEDIUM_BLOB':
    case 'LONG_BLOB': {
      const bytes = field.buffer()
      return bytes && toText(bytes)
    }
    default: {
      const value = next()
      return typeof value === 'string' ? Number(value) : value
    }
  }
}
