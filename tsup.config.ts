import { defineConfig } from 'tsup'
import { missingSources, publicEntries } from './test/tooling/exports.js'
import { sourcesIn } from './test/tooling/imports.js'

const missing = missingSources()
if (missing.length > 0)
  throw new Error(
    `package.json exports what is not there: ${missing.map((entry) => entry.source).join(', ')}`,
  )

const named = (sources: readonly string[]): Record<string, string> =>
  Object.fromEntries(sources.map((source) => [source.replace(/^src\/(.+)\.ts$/, '$1'), source]))

export default defineConfig({
  // A file for a file. Every subpath then sees the same KeyrungError, and a bundler leaves out what is not used:
  // the catalogue alone is 11 kB this way, and 50 kB with an address parser and a validator out of a bundle.
  entry: named(sourcesIn('.', 'src')),
  bundle: false,
  splitting: false,
  format: 'esm',
  dts: {
    entry: named(publicEntries().map((entry) => entry.source)),
    // tsup sets `baseUrl`, which TypeScript 6 calls deprecated.
    compilerOptions: { ignoreDeprecations: '6.0' },
  },
  target: 'node20',
  platform: 'node',
  // Written `node:fs`, shipped `node:fs`: other runtimes need the prefix.
  removeNodeProtocol: false,
  sourcemap: true,
  clean: true,
})
