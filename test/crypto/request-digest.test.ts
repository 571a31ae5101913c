import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toUtf8 } from '../../src/crypto/encoding.js'
import { digestOperation, digestTexts } from '../../src/crypto/request-digest.js'
import type { DigestedOperation } from '../../src/crypto/request-digest.js'

interface Vector {
  readonly name: string
  /** The body in UTF-8. */
  readonly operation: Omit<DigestedOperation, 'body'> & { readonly body: string }
  readonly digest: string
}

const file = new URL('./vectors/request-digest.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8')) as readonly Vector[]

const text = fc.string({ unit: 'binary', maxLength: 6 })
const nullable = fc.option(text, { nil: null })
const anyOperation: fc.Arbitrary<DigestedOperation> = fc.record({
  ...{
    salt: text,
    workspaceId: text,
    environment: text,
    lineage: text,
    chain: text,
    tokenScopes: nullable,
    address: nullable,
    kind: text,
    app: text,
    operation: text,
  },
  ...{ permissions: text, effect: text, preview: nullable, precondition: nullable },
  request: fc.option(
    fc.record({
      ...{ method: text, target: text, pattern: nullable, scheme: text, isRewritten: fc.boolean() },
      headers: fc.array(fc.tuple(text, text), { maxLength: 3 }),
    }),
    { nil: null },
  ),
  body: fc.uint8Array({ maxLength: 6 }),
})

describe('the digest of what is asked for', () => {
  test.each(vectors.map((vector) => [vector.name, vector] as const))('is as published: %s', (_, vector) => {
    const { body, ...rest } = vector.operation
    expect(digestOperation({ ...rest, body: toUtf8(body) })).toBe(vector.digest)
  })

  test('is the same for the same, and another for anything else', () => {
    const wellFormed = (one: DigestedOperation) => !/\p{Surrogate}/u.test(JSON.stringify(one))
    fc.assert(
      fc.property(anyOperation.filter(wellFormed), anyOperation.filter(wellFormed), (one, other) => {
        const isSame = JSON.stringify(one) === JSON.stringify(other)
        expect(digestOperation(one) === digestOperation(other)).toBe(isSame)
        expect(digestOperation(structuredClone(one))).toBe(digestOperation(one))
      }),
      { numRuns: 300 },
    )
  })

  const fields = [
    'salt',
    'workspaceId',
    'environment',
    'lineage',
    'chain',
    'kind',
    'app',
    'operation',
    'permissions',
    'effect',
  ] as const
  test('changes whenever bytes move from one field to the next', () => {
    fc.assert(
      fc.property(
        anyOperation,
        fc.integer({ min: 0, max: fields.length - 2 }),
        fc.string({ minLength: 1, maxLength: 4 }),
        (operation, i, moved) => {
          const [from, to] = [fields[i]!, fields[i + 1]!]
          const before = { ...operation, [from]: operation[from] + moved }
          const after = { ...operation, [to]: moved + operation[to] }
          expect(digestOperation(before)).not.toBe(digestOperation(after))
        },
      ),
    )
  })

  test('tells headers from one another: split, joined, swapped, dropped', () => {
    const request = {
      method: 'POST',
      target: '/',
      pattern: null,
      scheme: 'https',
      isRewritten: false,
    } as const
    const base = { ...vectors[0]!.operation, body: new Uint8Array() }
    const of = (headers: readonly (readonly [string, string])[]) =>
      digestOperation({ ...base, request: { ...request, headers } })
    const digests = [
      of([]),
      of([['', '']]),
      of([['a', 'b']]),
      of([['ab', '']]),
      of([['', 'ab']]),
      of([
        ['a', 'bc'],
        ['d', 'e'],
      ]),
      of([
        ['a', 'b'],
        ['cd', 'e'],
      ]),
      of([
        ['d', 'e'],
        ['a', 'bc'],
      ]),
      of([['a', 'bcde']]),
    ]
    expect(new Set(digests).size).toBe(digests.length)
  })

  test('tells nothing from an empty text, and text from a list of it', () => {
    const base = { ...vectors[0]!.operation, body: new Uint8Array() }
    expect(digestOperation({ ...base, preview: '' })).not.toBe(digestOperation({ ...base, preview: null }))
    expect(digestTexts([''])).not.toBe(digestTexts([]))
    expect(digestTexts(['a', 'b'])).not.toBe(digestTexts(['ab']))
  })
})
