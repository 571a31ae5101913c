import { KeyrungError } from '../core/errors.js'

/**
 * The few globals this floor reaches, by their structure: no type of Node or of the browser is
 * needed to compile it, and anything missing is found to be missing instead of throwing.
 */
export interface Platform {
  readonly crypto?: WebCrypto | undefined
  readonly process?: { readonly getBuiltinModule?: (name: string) => unknown }
  readonly TextEncoder: new () => { encode(text: string): Uint8Array }
  readonly TextDecoder: new (
    label: string,
    options: { fatal: boolean; ignoreBOM: boolean },
  ) => { decode(bytes: Uint8Array): string }
}

/** A key that the runtime keeps to itself. */
export interface SubtleKey {
  readonly type: string
}

interface AesGcm {
  readonly name: string
  readonly iv: Uint8Array
  readonly additionalData: Uint8Array
}

/** What is used of Web Cryptography. */
interface WebCrypto {
  getRandomValues(bytes: Uint8Array): unknown
  readonly subtle: Subtle
}

interface Subtle {
  importKey(
    format: 'raw',
    bytes: Uint8Array,
    algorithm: string,
    extractable: false,
    uses: readonly string[],
  ): Promise<SubtleKey>
  encrypt(algorithm: AesGcm, key: SubtleKey, bytes: Uint8Array): Promise<ArrayBuffer>
  decrypt(algorithm: AesGcm, key: SubtleKey, bytes: Uint8Array): Promise<ArrayBuffer>
}

/** The runtime this code found itself in. */
export const platform = globalThis as unknown as Platform

/**
 * Finds the runtime's Web Cryptography.
 *
 * @throws KeyrungError `config_invalid` where there is none
 */
export function webCrypto(): WebCrypto {
  const { crypto } = platform
  if (crypto === undefined) {
    throw new KeyrungError('config_invalid', {
      message:
        'keyrung needs Node 20.19 or later, or another runtime with Web Cryptography (globalThis.crypto).',
    })
  }
  return crypto
}
