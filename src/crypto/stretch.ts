import { scrypt } from '@noble/hashes/scrypt.js'
import { createBounded } from '../core/bounded.js'
import { fromBase64url, toBase64url, toHex, toUtf8 } from './encoding.js'
import { platform } from './platform.js'
import type { Platform } from './platform.js'

/** The cost (RFC 7914, 2): 8 MiB, and some 20 ms on a usual machine. */
const cost = { N: 8_192, r: 8, p: 1 } as const
const salt = toUtf8('keyrung/1/stretch')
const length = 64

/** Node's own scrypt, as far as it is used here. */
type NativeScrypt = (
  password: Uint8Array,
  salt: Uint8Array,
  length: number,
  cost: { readonly N: number; readonly r: number; readonly p: number },
) => Uint8Array

/** The first bytes of scrypt of nothing (RFC 7914, 12). */
const scryptOfNothing = '77d6576238657b20'

/** Finds the runtime's own scrypt; `null` where it is missing or answers something else. */
export function findNativeScrypt(process: Platform['process']): NativeScrypt | null {
  try {
    const module = process?.getBuiltinModule?.('node:crypto') as { scryptSync?: NativeScrypt } | undefined
    const native = module?.scryptSync
    const nothing = new Uint8Array(0)
    const answer = native?.(nothing, nothing, 64, { N: 16, r: 1, p: 1 })
    return answer && toHex(answer.subarray(0, 8)) === scryptOfNothing ? native! : null
  } catch {
    return null
  }
}

const nativeScrypt = findNativeScrypt(platform.process)

/** Stretches a key, by the runtime's own means or by portable ones. */
export function stretchBy(native: NativeScrypt | null, key: Uint8Array): Uint8Array {
  return native ? native(key, salt, length, cost) : scrypt(key, salt, { ...cost, dkLen: length })
}

/** Several keyrungs of one process have the same secret. */
const stretched = createBounded(64, (key) => stretchBy(nativeScrypt, fromBase64url(key)!))

/** Makes 64 bytes of a key that are dear to compute, so that whoever sees them cannot try many keys. */
export function stretch(key: Uint8Array): Uint8Array {
  return stretched(toBase64url(key))
}
