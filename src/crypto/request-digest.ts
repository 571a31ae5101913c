import { sha256 } from './digest.js'
import { toHex, toUtf8 } from './encoding.js'

/** All that an approver confirms, and that runs: whoever asks, by what way, for what. */
export interface DigestedOperation {
  /** Random for each approval, and known to nobody who is told the digest: what is masked cannot be guessed by it. */
  readonly salt: string
  readonly workspaceId: string
  readonly environment: string
  /** The asking key and those it was made by, as the record has them. */
  readonly lineage: string
  /** Who acts, as the record has it. */
  readonly chain: string
  /** What an access token had of the key; null: there was none. */
  readonly tokenScopes: string | null
  /** Where it is asked from, and so what a replay says to come from; null: it is not known. */
  readonly address: string | null
  readonly kind: string
  readonly app: string
  readonly operation: string
  readonly permissions: string
  readonly effect: string
  /** Null for what is no request. */
  readonly request: {
    readonly method: string
    readonly target: string
    readonly pattern: string | null
    readonly scheme: string
    /** In the order sent; the body's content type and encoding are among them. */
    readonly headers: readonly (readonly [name: string, value: string])[]
    readonly isRewritten: boolean
  } | null
  /** The request's body, or the operation's input as canonical JSON (RFC 8785). */
  readonly body: Uint8Array
  /** What the operation says it would do, as canonical JSON; null: it says nothing. */
  readonly preview: string | null
  /** What the operation said of its target when it was queued. */
  readonly precondition: string | null
}

/** A value of the envelope: text, bytes, nothing, a truth, or a list of these. */
type Part = string | Uint8Array | null | boolean | readonly Part[]

/** Raised when a field is added or changes its meaning, so that no digest is ever taken for one of another form. */
const version = 'keyrung approval 2'

/** What stands before each value, so that a text is never taken for bytes, a list or nothing. */
const kinds = { nothing: 0, text: 1, bytes: 2, list: 3, no: 4, yes: 5 } as const

/**
 * The SHA-256 of an operation's envelope, in 64 hexadecimal digits.
 *
 * Each value has its kind and its length in bytes (32 bits, big-endian) before it, a list its number of values, so
 * that no two operations have the same envelope. The body stands in it by its own SHA-256.
 */
export function digestOperation(operation: DigestedOperation): string {
  const { request } = operation
  return toHex(
    sha256(
      encode([
        version,
        operation.salt,
        operation.workspaceId,
        operation.environment,
        operation.lineage,
        operation.chain,
        operation.tokenScopes,
        operation.address,
        operation.kind,
        operation.app,
        operation.operation,
        operation.permissions,
        operation.effect,
        request && [
          request.method,
          request.target,
          request.pattern,
          request.scheme,
          request.headers.map(([name, value]) => [name, value]),
          request.isRewritten,
        ],
        sha256(operation.body),
        operation.preview,
        operation.precondition,
      ]),
    ),
  )
}

/** The SHA-256 over several texts as one list, in 64 hexadecimal digits: no two lists share it. */
export function digestTexts(texts: readonly string[]): string {
  return toHex(sha256(encode(texts)))
}

/** The bytes of a value: its kind, its length, and itself. */
function encode(part: Part): Uint8Array {
  const pieces: Uint8Array[] = []
  let length = 0

  function write(bytes: Uint8Array): void {
    pieces.push(bytes)
    length += bytes.length
  }

  function head(kind: number, size: number): void {
    write(Uint8Array.of(kind, size >>> 24, (size >>> 16) & 255, (size >>> 8) & 255, size & 255))
  }

  function add(value: Part): void {
    if (value === null) head(kinds.nothing, 0)
    else if (typeof value === 'boolean') head(value ? kinds.yes : kinds.no, 0)
    else if (typeof value === 'string') {
      const bytes = toUtf8(value)
      head(kinds.text, bytes.length)
      write(bytes)
    } else if (value instanceof Uint8Array) {
      head(kinds.bytes, value.length)
      write(value)
    } else {
      head(kinds.list, value.length)
      for (const one of value) add(one)
    }
  }

  add(part)
  const whole = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}
