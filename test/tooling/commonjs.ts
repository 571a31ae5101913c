import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { build } from 'esbuild'
import { projectRoot, publicEntries } from './exports.js'

/** Packages that only have an ESM build, which Jest in CommonJS cannot load: the CommonJS build holds them. */
const held = ['@noble/hashes', 'canonicalize', 'jose', 'kysely']

const out = join(projectRoot, 'dist/cjs')

/**
 * Writes the CommonJS build beside the ESM one: one program for all subpaths, so that all of them have one
 * `KeyrungError`, with a small file per subpath that starts only its part.
 *
 * Node itself never loads it: since 20.19 its `require` takes the ESM build, by the condition `module-sync`.
 */
async function main(): Promise<void> {
  rmSync(out, { recursive: true, force: true })
  const entries = publicEntries()
  const starters = entries.map(({ name, source }) => `exports['${name}'] = () => require('./${source}')`)
  await build({
    stdin: { contents: starters.join('\n'), resolveDir: projectRoot, loader: 'js' },
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    outfile: join(out, 'all.js'),
    plugins: [
      {
        name: 'held',
        setup: (setup) => {
          setup.onResolve({ filter: /^[^.]/ }, ({ path, kind }) => {
            if (kind === 'entry-point') return undefined
            return held.some((name) => path === name || path.startsWith(`${name}/`))
              ? undefined
              : { path, external: true }
          })
        },
      },
    ],
  })
  write('package.json', '{ "type": "commonjs" }\n')
  write('licenses.txt', held.map(licenseOf).join('\n'))
  for (const { name } of entries) {
    const all = relative(dirname(name), 'all.js')
    const path = all.startsWith('.') ? all : `./${all}`
    write(`${name}.js`, `module.exports = require('${path}')['${name}']()\n`)
  }
  for (const file of declarations()) cpSync(join(projectRoot, 'dist', file), join(out, file))
}

function write(file: string, text: string): void {
  mkdirSync(dirname(join(out, file)), { recursive: true })
  writeFileSync(join(out, file), text)
}

function declarations(): readonly string[] {
  const files = readdirSync(join(projectRoot, 'dist'), { recursive: true, encoding: 'utf8' })
  return files.filter((file) => file.endsWith('.d.ts') && !file.startsWith('cjs'))
}

function licenseOf(name: string): string {
  const folder = join(projectRoot, 'node_modules', name)
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry))
  if (file === undefined) throw new Error(`${name} has no file of its license`)
  return `${name}\n\n${readFileSync(join(folder, file), 'utf8')}`
}

await main()
