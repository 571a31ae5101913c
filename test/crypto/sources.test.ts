import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const folder = new URL('../../src/crypto/', import.meta.url)
const sources = readdirSync(folder).map((name) => ({
  name,
  text: readFileSync(new URL(name, folder), 'utf8'),
}))

test('there are sources to look at', () => {
  expect(sources.length).toBeGreaterThanOrEqual(10)
})

test.each(sources)(
  '$name takes no randomness but the cryptographic one, no clock, and nothing of Node by import',
  ({ text }) => {
    expect(text).not.toMatch(/Math\.random|Date\.now|new Date|performance\./)
    expect(text).not.toMatch(/from '(?:node:)?(?:crypto|buffer|zlib|util)'/)
    expect(text).not.toMatch(/\bBuffer\b/)
  },
)
