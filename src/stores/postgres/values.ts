import type { PostgresTypes } from './client.js'

/** The numbers of types in `pg_type.dat`, the same in every PostgreSQL. */
const bytea = 17
const int8 = 20
const int2 = 21
const int4 = 23

/** Only what a double holds exactly is a number; anything else stays a text, which no column of numbers takes. */
function readInteger(text: string): number | string {
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : text
}

/** Bytes as text (PostgreSQL 15, 8.4): in hexadecimal, or as `bytea_output = escape` has them. */
function readBytes(text: string): Uint8Array {
  if (text.startsWith('\\x')) return Buffer.from(text.slice(2), 'hex')
  const plain = text.replace(/\\(\\|[0-7]{3})/g, (_, code: string) =>
    code === '\\' ? '\\' : String.fromCharCode(Number.parseInt(code, 8)),
  )
  return Buffer.from(plain, 'latin1')
}

const fromText: Readonly<Record<number, (value: string) => unknown>> = {
  [bytea]: readBytes,
  [int8]: readInteger,
  [int2]: readInteger,
  [int4]: readInteger,
}

const asText = (value: string) => value

/**
 * How rows are read, given with every statement, so that neither the parsers that the host has set for all of its
 * clients nor a client's own change anything here.
 */
export const rowTypes: PostgresTypes = {
  getTypeParser: (oid) => fromText[oid] ?? asText,
}

/** A parameter as every version of the client sends it. */
export function toParameter(value: unknown): unknown {
  return value instanceof Uint8Array && !Buffer.isBuffer(value)
    ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    : value
}
