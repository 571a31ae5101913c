import { defineConfig } from 'vitest/config'
import base from './vitest.config.js'

/** The suite as Stryker runs it: only what tests the core, since only the core is mutated. */
export default defineConfig({
  ...base,
  // Not merged: lists would be joined, and the whole suite run for each mutant.
  test: { ...base.test, include: ['test/core/**/*.test.ts'], coverage: { enabled: false } },
})
