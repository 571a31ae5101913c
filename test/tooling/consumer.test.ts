import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { beforeAll, describe, expect, inject, test } from 'vitest'
import { commonJsConsumer, consumerConfig, installPacked, jestConsumer, typedConsumer } from './consumer.js'
import { publicEntries } from './exports.js'
import { plant } from './planted.js'
import { run, runTool } from './run.js'

const { failure, folder } = inject('packed')
const specifiers = publicEntries().map((entry) => entry.specifier)

/** Entries that need Node; the others compile where only the Web's types are known. */
const onNode = new Set([
  'keyrung/express',
  'keyrung/koa',
  'keyrung/stores/sqlite',
  'keyrung/sinks/jsonl',
  'keyrung/testing',
])

beforeAll(() => {
  expect(failure).toBe('')
})

describe('a CommonJS host', () => {
  test('requires every subpath, and meets one KeyrungError in all of them', () => {
    const root = plant({ 'package.json': '{ "type": "commonjs" }', 'main.js': commonJsConsumer(specifiers) })
    installPacked(root, folder)
    const done = run(process.execPath, ['--no-warnings', 'main.js'], { cwd: root, timeoutMs: 60_000 })
    expect(done.ok, done.output).toBe(true)
    const seen = JSON.parse(done.output.split('\n').at(-1)!) as Record<string, readonly string[]>
    expect(seen['subpaths']).toEqual(specifiers)
    expect(seen['strangers']).toEqual([])
    const throwing = new Set(seen['throwing']!.map((place) => place.split(' ')[0]))
    expect(throwing.size, 'subpaths whose errors were seen').toBeGreaterThanOrEqual(4)
  })

  test('would notice a second KeyrungError', () => {
    const root = plant({
      'main.js': commonJsConsumer(['keyrung', 'other']),
      'node_modules/other/package.json': '{ "name": "other", "type": "module", "exports": "./index.js" }',
      'node_modules/other/index.js': `
        class KeyrungError extends Error { name = 'KeyrungError' }
        export function refuse() { throw new KeyrungError() }`,
    })
    installPacked(root, folder)
    const done = run(process.execPath, ['--no-warnings', 'main.js'], { cwd: root, timeoutMs: 60_000 })
    expect(done.output).toContain('"strangers":["other refuse"]')
  })

  test('would notice that it cannot require a module that awaits at its top', () => {
    const root = plant({ 'main.js': commonJsConsumer(['keyrung']) })
    installPacked(root, folder)
    const entry = join(root, 'node_modules/keyrung/dist/index.js')
    writeFileSync(entry, `${readFileSync(entry, 'utf8')}\nawait Promise.resolve()\n`)
    const done = run(process.execPath, ['--no-warnings', 'main.js'], { cwd: root, timeoutMs: 60_000 })
    expect(done.ok).toBe(false)
    expect(done.output).toContain('ERR_REQUIRE_ASYNC_MODULE')
  })
})

describe('Jest in CommonJS, which cannot load an ESM build,', () => {
  const peers = ['@jest/globals', '@types/node', 'undici-types', 'typescript', 'ts-jest']
  const jest = (files: Readonly<Record<string, string>>, config: object): ReturnType<typeof run> => {
    const root = plant({
      'package.json': JSON.stringify({ type: 'commonjs', jest: { testEnvironment: 'node', ...config } }),
      ...files,
    })
    installPacked(root, folder, peers)
    return runTool('jest', ['--ci', '--runInBand'], { cwd: root })
  }

  test('tests a host in JavaScript', () => {
    const source = ts.transpileModule(jestConsumer(specifiers), {
      compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
    })
    const done = jest({ 'main.test.js': source.outputText }, {})
    expect(done.output).toContain('1 passed')
    expect(done.ok, done.output).toBe(true)
  })

  test.each(['node10', 'node16'] as const)('tests a host in TypeScript with %s, by ts-jest', (resolution) => {
    const files = {
      'main.test.ts': jestConsumer(specifiers),
      'tsconfig.json': consumerConfig(resolution, ['node']).replace('main.ts', 'main.test.ts'),
    }
    const done = jest(files, { preset: 'ts-jest' })
    expect(done.output).toContain('1 passed')
    expect(done.ok, done.output).toBe(true)
  })
})

describe('a TypeScript host', () => {
  const types = ['@types/node', 'undici-types']
  const compile = (
    files: Readonly<Record<string, string>>,
    extra: readonly string[],
    type: 'module' | 'commonjs' = 'module',
  ): ReturnType<typeof run> => {
    const root = plant({ 'package.json': JSON.stringify({ type }), ...files })
    installPacked(root, folder, extra)
    return runTool('tsc', ['-p', '.'], { cwd: root })
  }

  test.each(['nodenext', 'bundler'] as const)('compiles against every subpath with %s', (resolution) => {
    const files = {
      'main.ts': typedConsumer(specifiers),
      'tsconfig.json': consumerConfig(resolution, ['node']),
    }
    const done = compile(files, types)
    expect(done.ok, done.output).toBe(true)
  })

  test.each(['nodenext', 'node16', 'node10'] as const)(
    'compiles to CommonJS against every subpath with %s',
    (resolution) => {
      const files = {
        'main.ts': typedConsumer(specifiers),
        'tsconfig.json': consumerConfig(resolution, ['node']),
      }
      const done = compile(files, types, 'commonjs')
      expect(done.ok, done.output).toBe(true)
    },
  )

  test('compiles against the portable subpaths without the types of Node', () => {
    const portable = specifiers.filter((specifier) => !onNode.has(specifier))
    expect(portable.length).toBeGreaterThanOrEqual(5)
    const files = { 'main.ts': typedConsumer(portable), 'tsconfig.json': consumerConfig('nodenext', []) }
    const done = compile(files, [])
    expect(done.ok, done.output).toBe(true)
  })

  test('would notice a subpath without types', () => {
    const files = {
      'main.ts': typedConsumer([...specifiers, 'keyrung/nowhere']),
      'tsconfig.json': consumerConfig('nodenext', ['node']),
    }
    expect(compile(files, types).output).toContain(`'keyrung/nowhere'`)
  })
})
