import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { missingSources, publicEntries, readManifest } from './exports.js'
import { sourcesIn } from './imports.js'

/** Checks the exports of package.json against the files on disk, the type aliases and knip's entries, both ways. */
export function checkExports(root: string): { readonly faults: readonly string[]; readonly entries: number } {
  const entries = publicEntries(root)
  const sources = new Set(entries.map((entry) => entry.source))
  const faults = missingSources(root).map((entry) => `${entry.specifier}: ${entry.source} is not there`)

  for (const file of sourcesIn(root, 'src'))
    if (file.endsWith('/index.ts') && !sources.has(file))
      faults.push(`${file} is a front door that nothing exports`)

  const { paths } = readJson<{ compilerOptions: { paths: Record<string, readonly string[]> } }>(
    root,
    'tsconfig.json',
  ).compilerOptions
  for (const entry of entries)
    if (paths[entry.specifier]?.join() !== `./${entry.source}`)
      faults.push(`${entry.specifier}: tsconfig.json leads to ${paths[entry.specifier]?.join() ?? 'nothing'}`)
  for (const specifier of Object.keys(paths))
    if (!entries.some((entry) => entry.specifier === specifier))
      faults.push(`tsconfig.json knows ${specifier}, which is not exported`)

  // A compiler that does not read exports finds the types by these.
  const { main, types, typesVersions } = readManifest(root)
  const older = { '.': types, ...typesVersions?.['*'] } as Record<
    string,
    string | readonly string[] | undefined
  >
  for (const { specifier, name } of entries) {
    const place = specifier.split('/').slice(1).join('/') || '.'
    if (String(older[place]) !== `./dist/cjs/${name}.d.ts`)
      faults.push(`${specifier}: typesVersions leads to ${String(older[place])}`)
    if (place === '.' && main !== `./dist/cjs/${name}.js`) faults.push(`main leads to ${main ?? 'nothing'}`)
  }

  const watched = new Set(readJson<{ knip: { entry: readonly string[] } }>(root, 'package.json').knip.entry)
  for (const source of sources) if (!watched.has(source)) faults.push(`knip does not start from ${source}`)
  for (const entry of watched)
    if (entry.startsWith('src/') && !sources.has(entry))
      faults.push(`knip starts from ${entry}, which is no export`)
  return { faults, entries: entries.length }
}

/** Checks an unpacked package against exports and sources: all that there should be is there, and nothing else. */
export function checkShipped(
  root: string,
  folder: string,
): { readonly faults: readonly string[]; readonly files: number } {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
  const programs = sourcesIn(root, 'src').map((file) => file.replace(/^src\/(.+)\.ts$/, 'dist/$1.js'))
  const types = publicEntries(root).map(({ name }) => `dist/${name}.d.ts`)
  const commonJs = publicEntries(root).flatMap(({ name }) => [`dist/cjs/${name}.js`, `dist/cjs/${name}.d.ts`])
  for (const file of ['all.js', 'licenses.txt', 'package.json']) commonJs.push(`dist/cjs/${file}`)
  const wanted = new Set([
    ...programs,
    ...types,
    ...commonJs,
    'README.md',
    'CHANGELOG.md',
    'LICENSE',
    'package.json',
  ])
  const faults = [...wanted].filter((file) => !files.includes(file)).map((file) => `${file} is missing`)

  for (const file of files) {
    const isDocument = file.startsWith('docs/') && !file.startsWith('docs/api/')
    const isMap = file.endsWith('.js.map') && wanted.has(file.slice(0, -'.map'.length))
    if (!wanted.has(file) && !isDocument && !isMap && !isSharedTypes(file))
      faults.push(`${file} has no place in the package`)
  }
  return { faults, files: files.length }
}

/** What the declarations of several entries share carries a hash in its name and lies right in dist, and in dist/cjs. */
function isSharedTypes(file: string): boolean {
  return /^dist\/(cjs\/)?[\w.-]+-[\w-]{8}\.d\.ts$/.test(file)
}

function readJson<T>(root: string, file: string): T {
  return JSON.parse(readFileSync(join(root, file), 'utf8')) as T
}
