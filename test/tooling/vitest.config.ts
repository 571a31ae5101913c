import { defineConfig } from 'vitest/config'
import { LeftOutReporter } from '../servers/left-out-reporter.js'
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
    globalSetup: 'test/servers/server-desk.ts',
    // No file leaves anything behind for the next one, and to load the sources anew for each costs more than to run it.
    isolate: false,
    // Much of what the long files do is waiting for processes and servers.
    maxWorkers: 3,
    testTimeout: process.env['KEYRUNG_PROOF'] === 'full' ? 600_000 : 20_000,
    reporters: ['default', new LeftOutReporter(), ...(process.env['CI'] ? ['json'] : [])],
    outputFile: { json: 'reports/tests.json' },
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
