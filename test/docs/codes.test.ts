import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { errorTexts } from '../../src/core/errors.js'
import type { ErrorCode } from '../../src/core/errors.js'
import { formatChallenge } from '../../src/http/challenge.js'
import { problemKinds } from '../../src/http/problem.js'

const page = readFileSync(fileURLToPath(new URL('../../docs/http.md', import.meta.url)), 'utf8')

/** The rows between the marks, as cells, without the head and the rule below it. */
const rows = page
  .slice(page.indexOf('<!-- codes -->'), page.indexOf('<!-- /codes -->'))
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .slice(2)
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )

test('docs/http.md tells of every code its status, challenge, title and text', () => {
  const codes = Object.keys(errorTexts) as ErrorCode[]
  expect(codes.length).toBeGreaterThan(30)
  expect(rows).toEqual(
    codes.map((code) => {
      const { status, title } = problemKinds[code]
      const challenge = formatChallenge(code, 'api')
      const error = /error="(\w+)"/.exec(challenge ?? '')?.[1]
      const told = challenge === undefined ? '' : error === undefined ? 'no error' : `\`${error}\``
      return [`\`${code}\``, String(status), told, title, errorTexts[code]]
    }),
  )
})
