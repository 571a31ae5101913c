import { expect, test } from 'vitest'
import { errorTexts } from '../../src/core/errors.js'
import type { ErrorCode } from '../../src/core/errors.js'
import { formatChallenge } from '../../src/http/challenge.js'
import { problemKinds } from '../../src/http/problem.js'

import { rowsOf } from './pages.js'

test('docs/http.md tells of every code its status, challenge, title and text', () => {
  const codes = Object.keys(errorTexts) as ErrorCode[]
  expect(codes.length).toBeGreaterThan(30)
  expect(rowsOf('http.md', 'codes')).toEqual(
    codes.map((code) => {
      const { status, title } = problemKinds[code]
      const challenge = formatChallenge(code, 'api')
      const error = /error="(\w+)"/.exec(challenge ?? '')?.[1]
      const told = challenge === undefined ? '' : error === undefined ? 'no error' : `\`${error}\``
      return [`\`${code}\``, String(status), told, title, errorTexts[code]]
    }),
  )
})
