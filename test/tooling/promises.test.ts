import { expect, test } from 'vitest'
import { join } from 'node:path'
import { projectRoot } from './exports.js'
import { plant } from './planted.js'
import { checkPromises } from './promises.js'

test('no promise is left alone', () => {
  const finding = checkPromises(projectRoot, join(projectRoot, 'tsconfig.json'))
  expect(finding.faults).toEqual([])
  expect(finding.statements).toBeGreaterThan(200)
})

test('the gate sees a promise and a value that may be one, and takes void for an intention', () => {
  const root = plant({
    'tsconfig.json':
      '{ "compilerOptions": { "target": "ES2022", "strict": true, "types": [] }, "include": ["src"] }',
    'src/a.ts': `
      declare function later(): Promise<void>
      declare function maybe(): number | Promise<number>
      declare function now(): number
      later()
      maybe()
      later().then(() => 1)
      now()
      void later()
      await later()
      let kept; kept = later()
      let joined: Promise<void> | undefined; joined ??= later()
      later().catch(() => 1)
      later().then(() => 1, () => 2)
      export { kept, joined }`,
    'src/a.test.ts': `
      declare function maybe(): number | Promise<number>
      declare function later(): Promise<void>
      maybe()
      later()
      export {}`,
  })
  const finding = checkPromises(root, join(root, 'tsconfig.json'))
  expect(finding.faults.map((fault) => fault.split(': ')[0])).toEqual([
    'src/a.test.ts:5',
    'src/a.ts:5',
    'src/a.ts:6',
    'src/a.ts:7',
  ])
})
