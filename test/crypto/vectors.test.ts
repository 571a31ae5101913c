import { createHash, createHmac, hkdfSync, scryptSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { crc32 } from '../../src/crypto/checksum.js'
import { createDigester, digestBytes } from '../../src/crypto/digest.js'
import { base62Alphabet, toHex } from '../../src/crypto/encoding.js'
import { readHostSecrets } from '../../src/crypto/host-secret.js'
import { createKeyFormat } from '../../src/crypto/key-format.js'
import { createPeppers } from '../../src/crypto/pepper.js'

interface Vectors {
  alphabet: string
  keys: {
    prefix: string
    environment: string
    random: string
    crc32: number
    secret: string
    sha256: string
    pepper: string
    hmac: string
  }[]
  hostSecrets: { secret: string; id: string; check: string; pepper: string }[]
}

const vectors = JSON.parse(readFileSync(new URL('vectors/keys.json', import.meta.url), 'utf8')) as Vectors

test('the vectors are there', () => {
  expect(vectors.keys.length).toBeGreaterThanOrEqual(7)
  expect(vectors.hostSecrets.length).toBeGreaterThanOrEqual(2)
  expect(vectors.alphabet).toBe(base62Alphabet)
})

describe.each(vectors.keys)('$secret', (vector) => {
  const { prefix, environment, random, secret } = vector
  const format = createKeyFormat({ prefix, environments: [environment] })
  const pepper = Buffer.from(vector.pepper, 'hex')

  test('is written and recognised', () => {
    expect(format.format(environment, random)).toBe(secret)
    expect(format.parse(secret)).toBe(environment)
  })

  test('has this checksum over everything before it', () => {
    const body = `${prefix}_${environment}_${random}`
    expect(secret.slice(0, -6)).toBe(body)
    expect(crc32(body)).toBe(vector.crc32)
    const decoded = [...secret.slice(-6)].reduce(
      (value, letter) => value * 62 + vectors.alphabet.indexOf(letter),
      0,
    )
    expect(decoded).toBe(vector.crc32)
  })

  test('has these digests, by Node’s own streams and by ours, native and portable', () => {
    expect(createHash('sha256').update(secret).digest('hex')).toBe(vector.sha256)
    expect(createHmac('sha256', pepper).update(secret).digest('hex')).toBe(vector.hmac)
    for (const hash of [undefined, null]) {
      expect(toHex(digestBytes(createDigester(null, hash)(secret)))).toBe(vector.sha256)
      expect(toHex(digestBytes(createDigester(pepper, hash)(secret)))).toBe(vector.hmac)
    }
  })
})

describe.each(vectors.hostSecrets)('host secret $id', (vector) => {
  const [secret] = readHostSecrets(vector.secret)

  test('has this id and check value', () => {
    expect(secret!.id).toBe(vector.id)
    expect(secret!.checkValue()).toBe(vector.check)
    const label = 'keyrung/1/stretch'
    const key = Buffer.from(hkdfSync('sha256', vector.secret, '', label, 32))
    const stretched = scryptSync(key, label, 64, { N: 8_192, r: 8, p: 1 })
    expect(stretched.toString('hex', 0, 4)).toBe(vector.id)
    expect(stretched.toString('base64url', 32)).toBe(vector.check)
  })

  test('gives this pepper', () => {
    const derived = hkdfSync('sha256', vector.secret, '', 'keyrung/1/key-digest', 32)
    expect(Buffer.from(derived).toString('hex')).toBe(vector.pepper)
    expect(toHex(secret!.derive('keyDigest'))).toBe(vector.pepper)
  })

  test('digests the vectors made with its pepper', () => {
    const made = vectors.keys.filter((key) => key.pepper === vector.pepper)
    expect(made.length).toBeGreaterThan(0)
    const { current } = createPeppers([secret!])
    for (const key of made) expect(toHex(digestBytes(current.digest(key.secret)))).toBe(key.hmac)
  })
})
