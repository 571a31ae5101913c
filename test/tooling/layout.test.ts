import { describe, expect, inject, test } from 'vitest'
import { projectRoot, targetOf } from './exports.js'
import { checkExports, checkShipped } from './layout.js'
import { plant } from './planted.js'

const exported = { './http': targetOf('http/index') }
const typesVersions = { '*': { http: ['./dist/cjs/http/index.d.ts'] } }
const good = {
  'package.json': JSON.stringify({
    name: 'keyrung',
    exports: { ...exported, './package.json': './package.json' },
    typesVersions,
    knip: { entry: ['src/http/index.ts', 'test/**/*.test.ts'] },
  }),
  'tsconfig.json': JSON.stringify({
    compilerOptions: { paths: { 'keyrung/http': ['./src/http/index.ts'] } },
  }),
  'src/http/index.ts': '',
  'src/http/gate.ts': '',
}

describe('exports', () => {
  test('are on disk, are known to the compiler and to knip, and leave out no front door', () => {
    const finding = checkExports(projectRoot)
    expect(finding.faults).toEqual([])
    expect(finding.entries).toBeGreaterThanOrEqual(10)
  })

  test('pass the gate when all agree', () => {
    expect(checkExports(plant(good))).toEqual({ faults: [], entries: 1 })
  })

  test.each([
    ['a file that is gone', { 'src/http/index.ts': undefined }, 'src/http/index.ts is not there'],
    ['a front door not exported', { 'src/admin/index.ts': '' }, 'src/admin/index.ts is a front door'],
    ['an alias too many', { 'tsconfig.json': alias('http', 'mcp') }, 'keyrung/mcp, which is not exported'],
    ['an alias too few', { 'tsconfig.json': alias() }, 'tsconfig.json leads to nothing'],
    [
      'older compilers led astray',
      { 'package.json': older({ http: ['./dist/http/index.d.ts'] }) },
      'typesVersions',
    ],
    ['knip looking away', { 'package.json': knip([]) }, 'knip does not start from'],
    ['knip too lenient', { 'package.json': knip(['src/http/index.ts', 'src/a.ts']) }, 'which is no export'],
  ])('fail the gate for %s', (_, change, fault) => {
    const files = Object.entries({ ...good, ...change }).filter(
      (file): file is [string, string] => file[1] !== undefined,
    )
    expect(checkExports(plant(Object.fromEntries(files))).faults).toEqual([expect.stringContaining(fault)])
  })

  const { require } = targetOf('a')
  test.each([
    ['types after default', { require, default: './dist/a.js', types: './dist/a.d.ts' }],
    ['its CommonJS build last', { types: './dist/a.d.ts', default: './dist/a.js', require }],
    ['no CommonJS build', { types: './dist/a.d.ts', default: './dist/a.js' }],
    ['types of another file', { require, types: './dist/b.d.ts', default: './dist/a.js' }],
    ['a source', { require, types: './dist/a.d.ts', default: './src/a.ts' }],
    ['a bare path', './dist/a.js'],
  ])('may not have %s', (_, target) => {
    const root = plant({ 'package.json': JSON.stringify({ name: 'keyrung', exports: { './a': target } }) })
    expect(() => checkExports(root)).toThrow('exports["./a"]')
  })

  test('may not be none', () => {
    const root = plant({ 'package.json': JSON.stringify({ name: 'keyrung', exports: {} }) })
    expect(() => checkExports(root)).toThrow('exports nothing')
  })
})

describe('the package', () => {
  const shipped = {
    'dist/http/index.js': '',
    'dist/http/index.d.ts': '',
    'dist/cjs/package.json': '',
    'dist/cjs/licenses.txt': '',
    'dist/cjs/all.js': '',
    'dist/cjs/http/index.js': '',
    'dist/cjs/http/index.d.ts': '',
    'dist/cjs/gate-ABCD1234.d.ts': '',
    'dist/http/gate.js': '',
    'dist/http/gate.js.map': '',
    'dist/gate-ABCD1234.d.ts': '',
    'docs/concepts.md': '',
    'README.md': '',
    'CHANGELOG.md': '',
    LICENSE: '',
    'package.json': '',
  }

  test('holds every source, compiled, the types of what is exported, and nothing else', () => {
    const { failure, folder } = inject('packed')
    expect(failure).toBe('')
    const finding = checkShipped(projectRoot, folder)
    expect(finding.faults).toEqual([])
    expect(finding.files).toBeGreaterThan(25)
  })

  test('passes the gate when it does', () => {
    expect(checkShipped(plant(good), plant(shipped)).faults).toEqual([])
  })

  test.each([
    'src/index.ts',
    'docs/api/index.html',
    'dist/http/gone.js',
    'dist/http/gone.js.map',
    'dist/http/gate.d.ts',
    'dist/note.txt',
    'dist/cjs/http/gate.js',
  ])('fails the gate with %s inside', (file) => {
    const finding = checkShipped(plant(good), plant({ ...shipped, [file]: '' }))
    expect(finding.faults).toEqual([`${file} has no place in the package`])
  })

  test.each(['dist/http/index.d.ts', 'dist/http/gate.js', 'dist/cjs/http/index.js', 'LICENSE'])(
    'fails the gate without %s',
    (file) => {
      const { [file]: _, ...rest } = shipped as Record<string, string>
      expect(checkShipped(plant(good), plant(rest)).faults).toEqual([expect.stringContaining(file)])
    },
  )
})

function alias(...names: readonly string[]): string {
  const paths = Object.fromEntries(names.map((name) => [`keyrung/${name}`, [`./src/${name}/index.ts`]]))
  return JSON.stringify({ compilerOptions: { paths } })
}

function older(types: Readonly<Record<string, readonly string[]>>): string {
  return JSON.stringify({ ...JSON.parse(good['package.json']), typesVersions: { '*': types } })
}

function knip(entry: readonly string[]): string {
  return JSON.stringify({ ...(JSON.parse(good['package.json']) as object), knip: { entry } })
}
