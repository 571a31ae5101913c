import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { findWeakness } from '../../src/crypto/weak-secret.js'
import { toUtf8 } from '../../src/crypto/encoding.js'
import { createKeyrung } from '../../src/service/create-keyrung.js'
import { memoryStore } from '../../src/stores/memory.js'
import { catalog } from '../service/sample.js'

const weaknessOf = (secret: string | Uint8Array): string | undefined =>
  typeof secret === 'string' ? findWeakness(toUtf8(secret), secret) : findWeakness(secret, null)

const sequence = 'abcdefghijklmnopqrstuvwxyz0123456789'

describe('a secret that anybody can guess', () => {
  test.each<[string, string | Uint8Array]>([
    ['one letter', 'a'.repeat(32)],
    ['blanks', ' '.repeat(64)],
    ['line ends', '\n'.repeat(40)],
    ['zeros in text', '0'.repeat(32)],
    ['zeros', new Uint8Array(32)],
    ['ones', new Uint8Array(64).fill(255)],
    ['zeros with one byte at the end', Uint8Array.of(...new Uint8Array(31), 7)],
    ['a number filled up with zeros', '42'.padStart(32, '0')],
    ['a word filled up', 'secret'.padEnd(40, '0')],
    ['a word again and again', 'changeit'.repeat(4)],
    ['a sentence again and again', 'correct horse battery '.repeat(3)],
    ['a repetition that is broken off', 'passw0rd-'.repeat(5).slice(0, 40)],
    ['digits again and again', '1234567890'.repeat(4)],
    ['letters in their order', sequence.slice(0, 34)],
    ['letters from the last to the first', [...sequence].reverse().join('')],
    ['bytes in their order', Uint8Array.from({ length: 32 }, (_, i) => i)],
    ['what the documents once showed', 'at least 32 characters only you know'],
    ['a placeholder', 'change-me-before-you-go-live-with-this!'],
    ['another placeholder', 'REPLACE_ME_WITH_A_REAL_SECRET_OF_YOURS'],
    ['how one is made', '`openssl rand -base64 32` makes one of them'],
  ])('is refused at the start: %s', (_, secret) => {
    const start = (given: unknown) =>
      createKeyrung({ catalog, store: memoryStore(), secret: given as string, keys: { prefix: 'tp' } })
    for (const [given, path] of [
      [secret, 'secret'],
      [[randomBytes(32), secret], 'secret.1'],
    ] as const) {
      expect(() => start(given)).toThrow(
        expect.objectContaining({
          code: 'config_invalid',
          faults: [{ path, message: expect.stringMatching(/so it can be guessed; make one with/) as string }],
        }),
      )
    }
  })

  test('is known by whatever part it repeats', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 24 }),
        fc.integer({ min: 32, max: 200 }),
        (unit, length) => {
          const repeated = Uint8Array.from({ length }, (_, i) => unit[i % unit.length]!)
          expect(weaknessOf(repeated)).toBeDefined()
        },
      ),
    )
  })

  test('is none that is random, in any of the usual ways of writing it', () => {
    for (let i = 0; i < 3_000; i++) {
      const bytes = randomBytes(32)
      const forms = [
        bytes.toString('hex'),
        bytes.toString('base64'),
        bytes.toString('hex', 0, 16),
        bytes.toString('base64url', 0, 24),
      ]
      expect(weaknessOf(bytes)).toBeUndefined()
      for (const form of forms) expect(weaknessOf(form), form).toBeUndefined()
    }
  })
})
