import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, inject, test } from 'vitest'
import { projectRoot } from './exports.js'
import { plant } from './planted.js'
import { run, runTool } from './run.js'

const { failure, tarball, folder } = inject('packed')

beforeAll(() => {
  expect(failure).toBe('')
})

test('publint finds nothing to say about the package', () => {
  const done = runTool('publint', ['--strict', tarball])
  expect(done.ok, done.output).toBe(true)
  expect(done.output).toContain('All good!')
})

test('every subpath has its types, for Node and for bundlers', () => {
  const done = runTool('attw', ['--profile', 'node16', '--format', 'table-flipped', tarball])
  expect(done.ok, done.output).toBe(true)
  expect(done.output).toContain('keyrung/testing')
})

test('publint and attw see a package without its types', () => {
  const root = plant({ 'note.txt': '' })
  cpSync(folder, join(root, 'package'), { recursive: true })
  const types = join(root, 'package/dist/http/index.d.ts')
  expect(run('rm', [types]).ok).toBe(true)
  expect(run('tar', ['-czf', 'broken.tgz', 'package'], { cwd: root }).ok).toBe(true)
  const broken = join(root, 'broken.tgz')
  expect(runTool('publint', ['--strict', broken]).output).toContain('dist/http/index.d.ts')
  expect(runTool('attw', ['--profile', 'node16', '--format', 'table-flipped', broken]).ok).toBe(false)
})

test('knip finds no export, file or dependency that nobody uses', () => {
  const done = runTool('knip', ['--no-progress'], { cwd: projectRoot })
  expect(done.ok, done.output).toBe(true)
})

test('knip sees an export that nobody uses, and a file that nobody imports', () => {
  const root = plant({
    'package.json':
      '{ "name": "planted", "type": "module", "knip": { "entry": ["src/a.ts"], "project": ["src/**"] } }',
    'src/a.ts': `import { used } from './b.js'\nconsole.log(used)`,
    'src/b.ts': 'export const used = 1\nexport const unused = 2',
    'src/c.ts': 'export const lost = 3',
  })
  const done = runTool('knip', ['--no-progress'], { cwd: root })
  expect(done.ok).toBe(false)
  expect(done.output).toContain('unused')
  expect(done.output).toContain('src/c.ts')
})
