import { describe, expect, it } from 'vitest'
import { storeSuite } from '../../src/testing/store-suite.js'
import { inMemory, onFile } from './sqlite-files.js'

const cases = storeSuite()
const canRun = (needs: (typeof cases)[number]['needs']) => !needs || needs === 'clock' || needs === 'sharing'

describe.each(['wal', 'delete'] as const)('sqliteStore on a file in %s mode keeps every promise', (mode) => {
  for (const { name, run } of cases) it(name, () => run(() => onFile(mode)))
})

describe('sqliteStore in memory keeps every promise that can be asked of it', () => {
  for (const { name, needs, run } of cases) if (canRun(needs)) it(name, () => run(inMemory))

  it('leaves out only what needs a file', () => {
    const left = cases.filter(({ needs }) => !canRun(needs)).map(({ needs }) => needs)
    expect([...new Set(left)]).toEqual(['instances', 'reopening'])
  })
})
