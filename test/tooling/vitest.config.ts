import { defineConfig } from 'vitest/config'
import { projectRoot, publicEntries } from './exports.js'

/** The suite that `npm test` runs, on the sources: no build comes before it. */
export default defineConfig({
  root: projectRoot,
  resolve: {
    alias: publicEntries().map((entry) => ({
      find: new RegExp(`^${entry.specifier}$`),
      replacement: `${projectRoot}/${entry.source}`,
    })),
  },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/tooling/**', 'test/bench/**', '**/node_modules/**'],
    testTimeout: process.env['KEYRUNG_PROOF'] === 'full' ? 600_000 : 20_000,
    reporters: process.env['CI'] ? ['default', ['json', { outputFile: 'reports/tests.json' }]] : ['default'],
    coverage: {
      enabled: Boolean(process.env['CI']),
      provider: 'v8',
      include: ['src/**/*.ts'],
      reporter: ['text-summary', 'json-summary', 'html'],
      thresholds: {
        'src/core/**': { branches: 95 },
        'src/crypto/**': { branches: 95 },
        'src/service/**': { branches: 95 },
      },
    },
  },
})
