import { hmac } from '@noble/hashes/hmac.js'
import { sha256 as portableSha256 } from '@noble/hashes/sha2.js'
import { toUtf8 } from './encoding.js'
import { platform } from './platform.js'
import type { Platform } from './platform.js'

/** Node's one-shot hash (`crypto.hash`), as far as it is used here. */
export type NativeHash = (algorithm: 'sha256', data: string | Uint8Array, encoding: 'binary') => string

/** Bytes of a digest, and characters of it as text. */
export const digestLength = 32

/** SHA-256 and its block of 64 bytes (FIPS 180-4, 1); pads of HMAC (RFC 2104, 2). */
const blockLength = 64
const innerPad = 0x36
const outerPad = 0x5c

/** A key's secret is far shorter; longer texts are digested just as well, only slower. */
const longestFast = 128

/** SHA-256 of the three letters `abc` (FIPS 180-4, example B.1), one character a byte. */
const digestOfAbc =
  '\xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41\x40\xde\x5d\xae\x22\x23\xb0\x03\x61\xa3\x96\x17\x7a\x9c\xb4\x10\xff\x61\xf2\x00\x15\xad'

/**
 * Finds the runtime's own one-shot hash, several times faster than one in JavaScript; `null`
 * where it is missing or, as some stand-ins do, answers something else.
 */
export function findNativeHash(process: Platform['process']): NativeHash | null {
  try {
    const module = process?.getBuiltinModule?.('node:crypto') as { hash?: NativeHash } | undefined
    const hash = module?.hash
    return hash?.('sha256', 'abc', 'binary') === digestOfAbc ? hash : null
  } catch {
    return null
  }
}

const nativeHash = findNativeHash(platform.process)

/** Turns a digest as text into the 32 bytes that a store keeps; `into` is filled and answered. */
export function digestBytes(digest: string, into: Uint8Array = new Uint8Array(digestLength)): Uint8Array {
  for (let i = 0; i < digestLength; i++) into[i] = digest.charCodeAt(i)
  return into
}

/** Turns the bytes of a digest into its text, one character a byte. */
export function digestText(bytes: Uint8Array): string {
  // Not put together letter by letter: as the key of a map it should be one flat text.
  return String.fromCharCode.apply(null, bytes as unknown as number[])
}

/** Takes several digests apart that stand one behind the other in one text. */
export function splitDigests(text: string): readonly string[] {
  return Array.from({ length: text.length / digestLength }, (_, i) =>
    text.slice(i * digestLength, (i + 1) * digestLength),
  )
}

/** SHA-256 of bytes, or of a text in UTF-8. */
export function sha256(data: string | Uint8Array, hash: NativeHash | null = nativeHash): Uint8Array {
  if (hash) return digestBytes(hash('sha256', data, 'binary'))
  return portableSha256(typeof data === 'string' ? toUtf8(data) : data)
}

/**
 * Makes the function that turns a secret into its digest: SHA-256, or HMAC-SHA-256 (RFC 2104) under a pepper.
 *
 * The digest is a text of 32 characters, one a byte: the shortest that a `Map` can be keyed by, and the
 * fastest to make. It is not for display; stores keep `digestBytes` of it.
 *
 * @param pepperKey the key of the HMAC, or `null` for plain SHA-256
 * @param hash the runtime's own hash; `null` takes the portable one
 */
export function createDigester(
  pepperKey: Uint8Array | null,
  hash: NativeHash | null = nativeHash,
): (text: string) => string {
  if (!hash) return createPortableDigester(pepperKey)
  return pepperKey ? createNativeHmac(pepperKey, hash) : (text) => hash('sha256', text, 'binary')
}

/** The same digests in JavaScript. */
function createPortableDigester(pepperKey: Uint8Array | null): (text: string) => string {
  if (!pepperKey) return (text) => digestText(portableSha256(toUtf8(text)))
  const keyed = hmac.create(portableSha256, pepperKey)
  return (text) => digestText(keyed.clone().update(toUtf8(text)).digest())
}

/**
 * HMAC as two one-shot hashes over buffers that are filled once with the padded key: half the time of
 * `createHmac`. Nothing is awaited in between, so one pair of buffers serves every call.
 */
function createNativeHmac(key: Uint8Array, hash: NativeHash): (text: string) => string {
  const padded = new Uint8Array(blockLength)
  padded.set(key.length > blockLength ? sha256(key, hash) : key)
  const inner = new Uint8Array(blockLength + longestFast)
  const outer = new Uint8Array(blockLength + digestLength)
  for (let i = 0; i < blockLength; i++) {
    inner[i] = padded[i]! ^ innerPad
    outer[i] = padded[i]! ^ outerPad
  }
  const messages = Array.from({ length: longestFast + 1 }, (_, length) =>
    inner.subarray(0, blockLength + length),
  )

  function finish(message: Uint8Array): string {
    const digest = hash('sha256', message, 'binary')
    for (let i = 0; i < digestLength; i++) outer[blockLength + i] = digest.charCodeAt(i)
    return hash('sha256', outer, 'binary')
  }

  function digestAnyText(text: string): string {
    const bytes = toUtf8(text)
    const message = new Uint8Array(blockLength + bytes.length)
    message.set(inner.subarray(0, blockLength))
    message.set(bytes, blockLength)
    return finish(message)
  }

  return (text) => {
    const { length } = text
    if (length > longestFast) return digestAnyText(text)
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i)
      if (code > 127) return digestAnyText(text)
      inner[blockLength + i] = code
    }
    return finish(messages[length]!)
  }
}
