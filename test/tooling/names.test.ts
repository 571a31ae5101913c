import { expect, test } from 'vitest'
import { projectRoot } from './exports.js'
import { checkNames } from './names.js'
import { plant } from './planted.js'

test('files are kebab-case nouns that say what is inside, and short', () => {
  const finding = checkNames(projectRoot)
  expect(finding.faults).toEqual([])
  expect(finding.files).toBeGreaterThan(40)
})

test.each([
  ['src/core/utils.ts', 'says nothing'],
  ['src/helpers/key.ts', 'says nothing'],
  ['src/core/types.ts', 'says nothing'],
  ['src/core/KeyRecord.ts', 'kebab-case'],
  ['examples/one/my_main.ts', 'kebab-case'],
  ['test/core/common.test.ts', 'says nothing'],
  ['test/core/index.ts', 'front door'],
])('the gate sees %s', (file, fault) => {
  expect(checkNames(plant({ [file]: '' })).faults).toEqual([expect.stringContaining(fault)])
})

test('the gate sees a file of 301 lines', () => {
  const root = plant({ 'src/core/a.ts': '\n'.repeat(301), 'src/core/b.ts': '\n'.repeat(300) })
  expect(checkNames(root).faults).toEqual(['src/core/a.ts: 301 lines, more than 300'])
})
