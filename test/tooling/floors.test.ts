import { describe, expect, test } from 'vitest'
import { projectRoot, targetOf } from './exports.js'
import { checkCycles, checkExamples, checkFloors } from './floors.js'
import { plant } from './planted.js'

describe('the project', () => {
  test('imports in src point down, or sideways within their own folder', () => {
    const finding = checkFloors(projectRoot)
    expect(finding.faults).toEqual([])
    expect(finding.files).toBeGreaterThan(20)
    expect(finding.imports).toBeGreaterThan(30)
  })

  test('no file in src reaches itself', () => {
    const finding = checkCycles(projectRoot)
    expect(finding.faults).toEqual([])
    expect(finding.imports).toBeGreaterThan(30)
  })

  test('examples import only the public names', () => {
    const finding = checkExamples(projectRoot)
    expect(finding.faults).toEqual([])
    expect(finding.imports).toBeGreaterThan(5)
  })
})

describe('the gate for floors', () => {
  const wrong: readonly (readonly [file: string, text: string, fault: string])[] = [
    ['src/core/a.ts', `import { x } from '../crypto/x.js'`, 'core may not import crypto'],
    ['src/core/a.ts', `import type { X } from '../crypto/x.js'`, 'core may not import crypto'],
    ['src/core/a.ts', `export { x } from '../crypto/x.js'`, 'core may not import crypto'],
    ['src/core/a.ts', `export type X = import('../crypto/x.js').X`, 'core may not import crypto'],
    ['src/core/a.ts', `export const x = await import('../crypto/x.js')`, 'core may not import crypto'],
    ['src/core/a.ts', `import * as z from 'zod'`, 'core imports no package'],
    ['src/crypto/a.ts', `import { x } from '../net/x.js'`, 'crypto may not import net'],
    ['src/crypto/a.ts', `import { x } from 'node:crypto'`, 'may not import node:crypto'],
    ['src/ports/a.ts', `import { x } from '../crypto/x.js'`, 'ports may not import crypto'],
    ['src/ports/a.ts', `import { x } from '../core/x.js'`, 'ports import types only'],
    ['src/service/a.ts', `import { x } from '../stores/x.js'`, 'service may not import stores'],
    ['src/stores/sql/a.ts', `import { x } from '../../service/x.js'`, 'stores may not import service'],
    ['src/http/a.ts', `import { x } from '../middleware/x.js'`, 'http may not import middleware'],
    ['src/middleware/a.ts', `import { x } from '../oauth/x.js'`, 'middleware may not import oauth'],
    ['src/admin/a.ts', `import { x } from '../testing/x.js'`, 'admin may not import testing'],
    ['src/admin/a.ts', `import { x } from '../http/index.js'`, 'imports the front door'],
    ['src/index.ts', `export { x } from './http/index.js'`, 'imports the front door'],
    ['src/core/a.ts', `import { x } from '../index.js'`, 'imports the front door'],
    ['src/admin/a.ts', `import { x } from '../../test/x.js'`, 'leaves src'],
    ['src/admin/a.ts', `import { x } from './gone.js'`, 'leads to no file'],
    ['src/stores/a.ts', `import { x } from 'fs'`, 'write node:fs'],
    ['src/service/a.ts', `const a = 'node:fs'; export const x = await import(a)`, 'computed'],
    ['src/lib/a.ts', `import { x } from '../core/x.js'`, 'src/lib has no floor'],
  ]
  const folders = 'core crypto net ports service stores http middleware oauth testing'.split(' ')
  const others = Object.fromEntries(folders.map((folder) => [`src/${folder}/x.ts`, 'export const x = 1']))

  test.each(wrong)('sees in %s: %s', (file, text, fault) => {
    const root = plant({
      ...others,
      'src/index.ts': '',
      'src/http/index.ts': '',
      'test/x.ts': '',
      [file]: text,
    })
    expect(checkFloors(root).faults).toEqual([expect.stringContaining(fault)])
  })

  test('lets down and sideways pass', () => {
    const root = plant({
      ...others,
      'src/ports/a.ts': `import type { X } from '../core/x.js'`,
      'src/stores/sqlite.ts': `import { x } from './sql/x.js'\nimport fs from 'node:fs'`,
      'src/stores/sql/x.ts': `import { y } from '../x.js'\nimport { z } from '../../core/x.js'`,
      'src/index.ts': `export { x } from './testing/x.js'`,
    })
    expect(checkFloors(root)).toMatchObject({ faults: [], imports: 6 })
  })

  test('sees a cycle made of types', () => {
    const root = plant({
      'src/core/a.ts': `import type { B } from './b.js'`,
      'src/core/b.ts': `import { type C } from './c.js'`,
      'src/core/c.ts': `export type A = import('./a.js').A`,
      'src/core/d.ts': `import './a.js'`,
    })
    expect(checkCycles(root).faults).toEqual([
      'cycle: src/core/a.ts > src/core/b.ts > src/core/c.ts > src/core/a.ts',
    ])
  })

  test('says how little there was to see', () => {
    expect(checkFloors(plant({ 'readme.md': '' }))).toEqual({ faults: [], files: 0, imports: 0 })
  })
})

describe('the gate for examples', () => {
  const wrong: readonly (readonly [text: string, fault: string])[] = [
    [`import { x } from '../../src/core/x.js'`, 'not a file of the examples'],
    [`import { x } from '../../src/index.js'`, 'not a file of the examples'],
    [`import { x } from 'keyrung/core'`, 'keyrung/core is not exported'],
    [`import { x } from './gone.js'`, 'not a file of the examples'],
  ]
  const manifest = JSON.stringify({
    name: 'keyrung',
    exports: { '.': targetOf('index') },
  })

  test.each(wrong)('sees %s', (text, fault) => {
    const root = plant({
      'package.json': manifest,
      'src/core/x.ts': '',
      'src/index.ts': '',
      'examples/one/main.ts': text,
    })
    expect(checkExamples(root).faults).toEqual([expect.stringContaining(fault)])
  })

  test('lets the public name and own files pass', () => {
    const root = plant({
      'package.json': manifest,
      'examples/one/main.ts': `import { x } from 'keyrung'\nimport './b.js'\nimport 'express'\nimport 'node:fs'`,
      'examples/one/b.ts': '',
    })
    expect(checkExamples(root)).toMatchObject({ faults: [], imports: 4 })
  })
})
