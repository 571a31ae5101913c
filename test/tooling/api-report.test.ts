import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { reportFolder, reportName, reportedEntries, writeApiReports } from './api-report.js'
import { projectRoot } from './exports.js'

const actual = join(projectRoot, 'reports/api')

beforeAll(() => {
  writeApiReports(actual)
})

test.each(reportedEntries)(
  'the API of %s is the one on record; after an intended change: npm run api',
  (specifier) => {
    const now = readFileSync(join(actual, reportName(specifier)), 'utf8')
    expect(now).toContain('export function ')
    expect(now).toBe(readFileSync(join(reportFolder, reportName(specifier)), 'utf8'))
  },
)

test.each(reportedEntries)('%s or the root exports every type that its API speaks of', (specifier) => {
  const root = readFileSync(join(actual, reportName('keyrung')), 'utf8')
  const now = readFileSync(join(actual, reportName(specifier)), 'utf8')
  const forgotten = [...now.matchAll(/ae-forgotten-export\) The symbol "(\w+)"/g)].map((match) => match[1]!)
  const missing = forgotten.filter((name) => !new RegExp(`^export [^(:]*\\b${name}\\b`, 'm').test(root))
  expect(missing).toEqual([])
})

test.each(reportedEntries)('everything that %s exports has its docstring', (specifier) => {
  const now = readFileSync(join(actual, reportName(specifier)), 'utf8')
  const bare = [...now.matchAll(/@public \(undocumented\)\n(.*)/g)].map((match) => match[1])
  expect(bare).toEqual([])
})
