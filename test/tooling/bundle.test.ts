import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import { checkBundle, type BundleRule } from './bundle.js'
import { installPacked } from './consumer.js'
import { projectRoot } from './exports.js'
import { plant } from './planted.js'

const { failure, folder } = inject('packed')
const rules = JSON.parse(
  readFileSync(join(projectRoot, 'test/tooling/bundles.json'), 'utf8'),
) as readonly BundleRule[]

describe('a bundle of', () => {
  test.each(rules)('$name holds no stranger and stays small', async (rule) => {
    expect(failure).toBe('')
    const root = plant({ 'package.json': '{}' })
    installPacked(root, folder)
    const finding = await checkBundle(rule, root)
    console.log(`${rule.name}: ${finding.bytes} of ${rule.maxBytes} bytes, ${finding.inputs} files`)
    expect(finding.faults).toEqual([])
    expect(finding.inputs).toBeGreaterThan(0)
    // A ceiling that is far above says nothing.
    expect(finding.bytes).toBeGreaterThan(rule.maxBytes / 3)
  })
})

describe('the gate for bundles sees', () => {
  const rule: BundleRule = {
    name: 'planted',
    code: `export * from 'keyrung'`,
    maxBytes: 1000,
    packages: ['zod'],
    node: ['node:stream'],
    text: ['secret'],
  }
  const holding = (text: string): string =>
    plant({
      'node_modules/keyrung/package.json': '{ "name": "keyrung", "type": "module", "exports": "./index.js" }',
      'node_modules/keyrung/index.js': text,
      'node_modules/express/package.json': '{ "name": "express", "type": "module", "exports": "./index.js" }',
      'node_modules/express/index.js': 'export const app = 1',
      'node_modules/zod/package.json': '{ "name": "zod", "type": "module", "exports": "./index.js" }',
      'node_modules/zod/index.js': 'export const z = 1',
    })

  test.each([
    ['another package', `export { app } from 'express'`, 'holds express'],
    ['a module of Node', `import fs from 'node:fs'\nexport const x = fs.readFileSync`, 'imports node:fs'],
    ['a forbidden text', `export const x = 'secret'`, 'holds the text secret'],
    ['too many bytes', `export const x = '${'x'.repeat(1000)}'`, 'more than 1000'],
  ])('%s', async (_, text, fault) => {
    const { faults } = await checkBundle(rule, holding(text))
    expect(faults).toEqual([expect.stringContaining(fault)])
  })

  test('nothing in a bundle with what it may hold', async () => {
    const finding = await checkBundle(
      rule,
      holding(`export { z } from 'zod'\nexport { Readable } from 'node:stream'`),
    )
    expect(finding).toMatchObject({ faults: [], inputs: 2 })
  })
})
