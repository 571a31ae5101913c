import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { projectRoot } from './exports.js'
import { checkHygiene } from './hygiene.js'
import { plant } from './planted.js'
import { run } from './run.js'

test('the project has no strangers at its top, no surplus dependency and no word of a machine', () => {
  const listed = run('git', [
    '-c',
    'safe.directory=*',
    'ls-files',
    '--cached',
    '--others',
    '--exclude-standard',
  ])
  expect(listed.ok, listed.output).toBe(true)
  const tracked = listed.output.split('\n').filter((file) => existsSync(join(projectRoot, file)))
  const finding = checkHygiene(projectRoot, tracked)
  expect(finding.faults).toEqual([])
  expect(finding.files).toBeGreaterThan(60)
})

describe('the gate sees', () => {
  const home = ['', 'home', 'someone', 'x'].join('/')
  const host = ['https:', '', ['registry', 'example', 'org'].join('.'), 'zod'].join('/')
  test.each<[what: string, file: string, text: string, fault: string]>([
    ['a stranger', 'vitest.config.ts', '', 'has no place at the top'],
    ['a path of a machine', 'src/a.ts', `const x = '${home}'`, 'src/a.ts:1: names'],
    ['a registry', 'docs/a.md', `\nfrom ${host}`, 'docs/a.md:2: names'],
    ['a dependency', 'package.json', '{ "dependencies": { "lodash": "1" } }', 'lodash may not be'],
    ['a peer', 'package.json', '{ "peerDependencies": { "kysely": "1" } }', 'kysely must be optional'],
    [
      'an origin',
      'package-lock.json',
      '{ "packages": { "node_modules/a": { "resolved": "x" } } }',
      'came from',
    ],
    [
      'a platform that was dropped',
      'package-lock.json',
      '{ "packages": { "node_modules/a": { "optionalDependencies": { "a-darwin": "1" } } } }',
      'a-darwin, for node_modules/a, is missing',
    ],
  ])('%s', (_, file, text, fault) => {
    const root = plant({ 'package.json': '{}', 'package-lock.json': '{ "packages": {} }', [file]: text })
    expect(checkHygiene(root, [file]).faults).toEqual([expect.stringContaining(fault)])
  })

  test('nothing in an ordinary project, whose routes may look like paths', () => {
    const lock = {
      packages: {
        'node_modules/a': { optionalDependencies: { 'a-darwin': '1' } },
        'node_modules/a/node_modules/a-darwin': {},
      },
    }
    const root = plant({
      'package.json': '{ "dependencies": { "zod": "1" } }',
      'package-lock.json': JSON.stringify(lock),
      'src/a.ts': `get('/users/1', 'https://api.example.org/home')`,
    })
    expect(checkHygiene(root, ['src/a.ts', 'package.json'])).toEqual({ faults: [], files: 2 })
  })
})
