import { hkdfSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { toHex } from '../../src/crypto/encoding.js'
import { readHostSecrets } from '../../src/crypto/host-secret.js'
import { findNativeScrypt, stretch, stretchBy } from '../../src/crypto/stretch.js'
import { createKeyrung } from '../../src/service/create-keyrung.js'
import { memoryStore } from '../../src/stores/memory.js'
import { catalog, hostSecret } from '../service/sample.js'

const key = Uint8Array.from({ length: 32 }, (_, i) => i * 7)

describe('a stretched key', () => {
  test('is the same by native and by portable means', () => {
    const native = findNativeScrypt(process)
    expect(native).not.toBeNull()
    expect(toHex(stretchBy(native, key))).toBe(toHex(stretchBy(null, key)))
    expect(toHex(stretch(key))).toBe(toHex(stretchBy(native, key)))
  })

  test.each([
    ['nothing', undefined],
    ['no modules', {}],
    ['a module without it', { getBuiltinModule: () => ({}) }],
    [
      'one that answers something else',
      { getBuiltinModule: () => ({ scryptSync: () => new Uint8Array(64) }) },
    ],
    [
      'one that throws',
      {
        getBuiltinModule: () => ({
          scryptSync: () => {
            throw new Error('no')
          },
        }),
      },
    ],
  ])('is made without the runtime where that has %s', (_, process) => {
    expect(findNativeScrypt(process)).toBeNull()
  })
})

test('nothing that a store keeps of a host secret can be had by one HKDF of a guess', async () => {
  const store = { ...memoryStore(), durable: true }
  const keyrung = createKeyrung({ catalog, store, secret: hostSecret, keys: { prefix: 'tp' } })
  await keyrung.ready({ migrate: true })
  const kept = JSON.stringify([await store.findSettings(''), readHostSecrets(hostSecret)[0]!.id])
  for (const use of [
    'check',
    'secret-id',
    'stretch',
    'key-digest',
    'content',
    'webhook',
    'signing-keys',
    'fingerprint',
  ]) {
    const derived = Buffer.from(hkdfSync('sha256', hostSecret, '', `keyrung/1/${use}`, 32))
    for (const form of ['hex', 'base64url'] as const) {
      expect(kept).not.toContain(derived.toString(form))
      expect(kept).not.toContain(derived.toString(form, 0, 4))
    }
  }
})
