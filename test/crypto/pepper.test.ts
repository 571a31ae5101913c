import { createHash, createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { digestBytes, splitDigests } from '../../src/crypto/digest.js'
import { toHex } from '../../src/crypto/encoding.js'
import { readHostSecrets } from '../../src/crypto/host-secret.js'
import { createPeppers } from '../../src/crypto/pepper.js'

const oldSecret = 'the-old-secret-of-the-host-8rQm2XvK'
const newSecret = 'the-new-secret-of-the-host-T4wz9LpB'
const key = 'tp_live_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5000000'

test('a digest is the HMAC of the whole secret under the key derived for it', () => {
  const [secret] = readHostSecrets(oldSecret)
  const { current, all } = createPeppers([secret!])
  const expected = createHmac('sha256', secret!.derive('keyDigest')).update(key).digest('hex')
  expect(toHex(digestBytes(current.digest(key)))).toBe(expected)
  expect(current.id).toBe(secret!.id)
  expect(all).toEqual([current])
})

test('the first secret writes and all read: every candidate, the current first', () => {
  const peppers = createPeppers(readHostSecrets([newSecret, oldSecret]))
  const before = createPeppers(readHostSecrets(oldSecret))
  const candidates = peppers.candidates(key)
  expect(splitDigests(candidates)).toEqual([peppers.current.digest(key), before.current.digest(key)])
})

test('through a rotation a key stays findable: [old, new], [new, old], [new]', () => {
  const start = createPeppers(readHostSecrets(oldSecret)).current
  const both = createPeppers(readHostSecrets([oldSecret, newSecret]))
  const swapped = createPeppers(readHostSecrets([newSecret, oldSecret]))
  const end = createPeppers(readHostSecrets([newSecret]))
  expect(both.current.digest(key)).toBe(start.digest(key))
  expect(splitDigests(swapped.candidates(key))).toContain(start.digest(key))
  expect(splitDigests(both.candidates(key))).toContain(swapped.current.digest(key))
  expect(end.current.digest(key)).toBe(swapped.current.digest(key))
  expect(end.candidates(key)).toBe(end.current.digest(key))
})

test("'none' is plain SHA-256 and says so in its id", () => {
  const { current, candidates } = createPeppers('none')
  expect(current.id).toBe('none')
  expect(toHex(digestBytes(current.digest(key)))).toBe(createHash('sha256').update(key).digest('hex'))
  expect(candidates(key)).toBe(current.digest(key))
})

test('two peppers in turn do not disturb each other', () => {
  const [a, b] = createPeppers(readHostSecrets([newSecret, oldSecret])).all
  const alone = [a!.digest(key), b!.digest(key)]
  for (let i = 0; i < 5; i++) expect([a!.digest(key), b!.digest(key)]).toEqual(alone)
})
