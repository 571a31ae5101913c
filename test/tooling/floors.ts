import { builtinModules } from 'node:module'
import { publicEntries } from './exports.js'
import { importsOf, sourcesIn, type Import } from './imports.js'

/**
 * Which folders of src a folder may import, besides itself: lower floors only, and on the second and third
 * floor not all of them. Type-only imports count like any other.
 */
const below: Readonly<Record<string, readonly string[]>> = (() => {
  const third = ['core', 'crypto', 'net', 'ports', 'service', 'stores', 'sinks']
  const fifth = [...third, 'http']
  const sixth = [...fifth, 'middleware', 'oauth', 'mcp']
  return {
    core: [],
    crypto: ['core'],
    net: ['core'],
    ports: ['core'],
    service: ['core', 'crypto', 'net', 'ports'],
    stores: ['core', 'crypto', 'ports'],
    sinks: ['core', 'crypto', 'ports'],
    http: third,
    middleware: fifth,
    oauth: fifth,
    mcp: fifth,
    admin: sixth,
    testing: sixth,
    cli: sixth,
  }
})()

/** What a gate found, and how much it looked at. */
export interface Finding {
  readonly faults: readonly string[]
  readonly files: number
  readonly imports: number
}

/** Checks that imports in src point down, or sideways within their own folder. */
export function checkFloors(root: string): Finding {
  const files = sourcesIn(root, 'src')
  const imports = files.flatMap((file) => importsOf(root, file))
  return { faults: imports.flatMap(floorFaults), files: files.length, imports: imports.length }
}

function floorFaults(found: Import): readonly string[] {
  const at = `${found.file}:${found.line}`
  const from = folderOf(found.file)
  if (from !== '' && below[from] === undefined) return [`${at}: src/${from} has no floor`]
  if (!found.specifier.startsWith('.')) return packageFaults(found, from)
  if (found.target === undefined) return [`${at}: ${found.specifier} leads to no file`]
  if (!found.target.startsWith('src/')) return [`${at}: leaves src for ${found.target}`]
  if (found.target.endsWith('/index.ts')) return [`${at}: imports the front door ${found.target}`]
  if (from === '') return []
  const to = folderOf(found.target)
  if (to !== from && !below[from]!.includes(to)) return [`${at}: ${from} may not import ${to || 'src'}`]
  if (from === 'ports' && to === 'core' && !found.typeOnly) return [`${at}: ports import types only`]
  return []
}

/** Folders that may use Node; of the sinks only the one that writes files. */
const nodeFolders = new Set(['middleware', 'stores', 'testing', 'cli'])

function packageFaults(found: Import, from: string): readonly string[] {
  const at = `${found.file}:${found.line}`
  if (found.specifier === '(computed)') return [`${at}: a computed import cannot be checked`]
  if (from === 'core' || from === 'ports') return [`${at}: ${from} imports no package (${found.specifier})`]
  const isNode = found.specifier.startsWith('node:') || builtinModules.includes(found.specifier)
  if (isNode && !nodeFolders.has(from) && found.file !== 'src/sinks/jsonl.ts')
    return [`${at}: ${from || 'src'} is portable and may not import ${found.specifier}`]
  if (isNode && !found.specifier.startsWith('node:')) return [`${at}: write node:${found.specifier}`]
  return []
}

/** The folder right below src; `''` for a file in src itself. */
function folderOf(file: string): string {
  return /^src\/([^/]+)\//.exec(file)?.[1] ?? ''
}

/** Checks that no file of src reaches itself through its imports; each cycle is told once. */
export function checkCycles(root: string): Finding {
  const files = sourcesIn(root, 'src')
  const imports = files.flatMap((file) => importsOf(root, file))
  const next = new Map(files.map((file) => [file, new Set<string>()]))
  for (const found of imports) if (found.target !== undefined) next.get(found.file)?.add(found.target)

  const faults = new Set<string>()
  const done = new Set<string>()
  const visit = (file: string, trail: readonly string[]): void => {
    const start = trail.indexOf(file)
    if (start >= 0) faults.add(`cycle: ${[...trail.slice(start), file].join(' > ')}`)
    if (start >= 0 || done.has(file)) return
    for (const target of next.get(file) ?? []) visit(target, [...trail, file])
    done.add(file)
  }
  for (const file of files) visit(file, [])
  return { faults: [...faults], files: files.length, imports: imports.length }
}

/** Checks that examples use the package as its users do: by its public names only. */
export function checkExamples(root: string): Finding {
  const files = sourcesIn(root, 'examples')
  const imports = files.flatMap((file) => importsOf(root, file))
  const known = new Set(publicEntries(root).map((entry) => entry.specifier))
  const faults = imports.flatMap((found) => {
    const at = `${found.file}:${found.line}`
    if (found.specifier === '(computed)') return [`${at}: a computed import cannot be checked`]
    if (found.specifier.startsWith('.'))
      return found.target?.startsWith('examples/')
        ? []
        : [`${at}: ${found.specifier} is not a file of the examples`]
    const isOurs = found.specifier === 'keyrung' || found.specifier.startsWith('keyrung/')
    return isOurs && !known.has(found.specifier) ? [`${at}: ${found.specifier} is not exported`] : []
  })
  return { faults, files: files.length, imports: imports.length }
}
