import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { projectRoot, readManifest } from './exports.js'
import { plant } from './planted.js'
import { run, runTool } from './run.js'

describe('the verbs', () => {
  // What a contributor runs by hand is a gate as well.
  test.each(['typecheck', 'lint', 'format:check', 'docs'])('npm run %s finds no fault', (verb) => {
    const done = run('npm', ['run', '--silent', verb])
    expect(done.ok, done.output).toBe(true)
  })

  test('are all there', () => {
    const verbs = 'build typecheck lint format test coverage bench proof docs start start:trustpair check api'
    expect(Object.keys(readManifest().scripts)).toEqual(expect.arrayContaining(verbs.split(' ')))
  })
})

describe('the check of types', () => {
  const settings = ['tsconfig.json', 'test/tooling/tsconfig.core.json', 'test/tooling/tsconfig.portable.json']
  const copied = Object.fromEntries(
    settings.map((file) => [file, readFileSync(join(projectRoot, file), 'utf8')]),
  )
  const compile = (
    pass: 'core' | 'portable',
    files: Readonly<Record<string, string>>,
  ): ReturnType<typeof run> => {
    const root = plant({ 'package.json': '{ "type": "module" }', ...copied, ...files })
    return runTool('tsc', ['-p', `test/tooling/tsconfig.${pass}.json`], { cwd: root })
  }

  test('knows neither Node nor the Web in the core', () => {
    const done = compile('core', {
      'src/core/a.ts': 'export const x = process.pid',
      'src/core/b.ts': `export const x = new URL('a:b')`,
      'src/core/c.ts': 'export const x = setTimeout(() => 0, 1)',
      'src/core/d.ts': 'console.log(1)\nexport {}',
      'src/core/e.ts': 'export const x = [1].at(-1)',
    })
    expect(done.ok).toBe(false)
    const names = [...done.output.matchAll(/^(\S+)\(.*Cannot find name '(\w+)'/gm)].map((match) =>
      match.slice(1, 3),
    )
    expect(names).toEqual([
      ['src/core/a.ts', 'process'],
      ['src/core/b.ts', 'URL'],
      ['src/core/c.ts', 'setTimeout'],
      ['src/core/d.ts', 'console'],
    ])
  })

  test('knows the Web, but not Node, in the portable part', () => {
    const done = compile('portable', {
      'src/http/a.ts': 'export const x = Buffer.alloc(1)',
      'src/service/b.ts': 'export const x = process.pid',
      'src/http/c.ts': `export const x = new Request(new URL('a:b'))`,
      'src/stores/d.ts': 'export const x = process.pid',
    })
    expect(done.ok).toBe(false)
    const names = [...done.output.matchAll(/^(\S+)\(.*Cannot find name '(\w+)'/gm)].map((match) =>
      match.slice(1, 3),
    )
    expect(names).toEqual([
      ['src/http/a.ts', 'Buffer'],
      ['src/service/b.ts', 'process'],
    ])
  })
})

describe('the linter and the formatter see', () => {
  function lint(files: Record<string, string>) {
    const config = readFileSync(join(projectRoot, '.oxlintrc.json'), 'utf8')
    return runTool(
      'oxlint',
      ['--config', '.oxlintrc.json', '--type-aware', '--deny-warnings', '--format=unix'],
      {
        cwd: plant({ ...files, '.oxlintrc.json': config }),
        env: { OXLINT_TSGOLINT_PATH: join(projectRoot, 'node_modules/.bin/tsgolint') },
      },
    )
  }

  test('a comparison that converts', () => {
    const done = lint({ 'src/a.ts': 'export const same = (a: unknown, b: unknown): boolean => a == b\n' })
    expect(done.ok).toBe(false)
    expect(done.output).toContain('eqeqeq')
  })

  test('a promise that nobody waits for, and let a voided one pass', () => {
    const done = lint({
      'tsconfig.json': '{ "compilerOptions": { "target": "ES2022", "strict": true, "types": [] } }',
      'src/a.ts': `declare function later(): Promise<void>
declare function maybe(): number | Promise<number>
declare function take(call: () => void): void
later()
maybe()
take(async () => {
  await later()
})
void later()
await later()
later().catch(() => 1)
export const done = true
`,
    })
    expect(done.ok).toBe(false)
    const lines = [...done.output.matchAll(/a\.ts:(\d+):/g)].map((match) => Number(match[1]))
    expect(lines.toSorted((a, b) => a - b)).toEqual([4, 5, 6])
  })

  test('a semicolon', () => {
    const prettier = JSON.stringify({
      prettier: (readManifest() as unknown as { prettier: object }).prettier,
    })
    const root = plant({ 'package.json': prettier, 'src/a.ts': 'export const x = 1;\n' })
    const done = runTool('prettier', ['--check', 'src'], { cwd: root })
    expect(done.ok).toBe(false)
    expect(done.output).toContain('src/a.ts')
  })
})
