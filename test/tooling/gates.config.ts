import { defineConfig } from 'vitest/config'
import { projectRoot } from './exports.js'

/** The gates: what CI demands of the project besides its tests. One build and one pack serve them all. */
export default defineConfig({
  root: projectRoot,
  test: {
    include: ['test/tooling/**/*.test.ts'],
    globalSetup: 'test/tooling/packed.ts',
    // Most of them wait for a tool that uses one core.
    maxWorkers: 3,
    testTimeout: 300_000,
    hookTimeout: 300_000,
    reporters: process.env['CI'] ? ['verbose', ['json', { outputFile: 'reports/gates.json' }]] : ['verbose'],
  },
})
