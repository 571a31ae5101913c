import { afterEach, expect, test, vi } from 'vitest'
import { systemEntropy } from '../../src/crypto/random.js'
import { createSealer } from '../../src/crypto/sealer.js'

afterEach(() => {
  vi.unstubAllGlobals()
})

test.each([
  ['a sealer', () => createSealer([], systemEntropy)],
  ['randomness', () => systemEntropy(1_000)],
])('%s says which Node is needed where there is no Web Cryptography', (_, make) => {
  vi.stubGlobal('crypto', undefined)
  expect(make).toThrow('keyrung needs Node 20.19 or later')
})
