import { expect, test } from 'vitest'
import { approvalActions } from '../../src/core/audit.js'
import { readText, rowsOf } from './pages.js'

test('docs/audit.md tells of every event about an approval', () => {
  const named = rowsOf('audit.md', 'approval-events').map(([action]) => action)
  expect(named).toEqual(approvalActions.map((action) => `\`${action}\``))
})

test('docs/operations.md tells of every notice', () => {
  const source = readText('src/service/notice.ts')
  const codes = [...source.slice(0, source.indexOf('message: string')).matchAll(/\| '(\w+)'/g)].map(
    ([, code]) => code,
  )
  expect(codes.length).toBeGreaterThan(10)
  const named = rowsOf('operations.md', 'notices').flatMap(([code = '']) => code.match(/\w+/g) ?? [])
  expect(named.toSorted()).toEqual(codes.toSorted())
})
