import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The project's own folder. */
export const projectRoot = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/$/, '')

/** One public entry of the package: what a user imports, what is shipped, what it is built from. */
export interface PublicEntry {
  /** As a user writes it: `keyrung/http`. */
  readonly specifier: string
  /** The build's name for it: `http/index`, which becomes `dist/http/index.js` and its `.d.ts`. */
  readonly name: string
  /** Relative to the root: `src/http/index.ts`. */
  readonly source: string
}

/** Where one subpath leads: an ESM build, and a CommonJS one for loaders that cannot `require` the first. */
interface ExportTarget {
  readonly require: { readonly types: string; readonly 'module-sync': string; readonly default: string }
  readonly types: string
  readonly default: string
}

/** The parts of package.json that the tooling reads. */
export interface Manifest {
  readonly name: string
  readonly exports: Record<string, string | ExportTarget>
  readonly main?: string
  readonly types?: string
  readonly typesVersions?: { readonly '*': Record<string, readonly string[]> }
  readonly files: readonly string[]
  readonly scripts: Record<string, string>
  readonly dependencies: Record<string, string>
  readonly peerDependencies: Record<string, string>
}

/** Reads package.json of a project. */
export function readManifest(root: string = projectRoot): Manifest {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
}

/**
 * The public entries as `exports` in package.json names them; everything else (build, aliases, docs, gates)
 * is derived from this list, so that there is one place to change.
 *
 * @throws Error when an export has not the one shape that the build makes
 */
export function publicEntries(root: string = projectRoot): readonly PublicEntry[] {
  const manifest = readManifest(root)
  const entries: PublicEntry[] = []
  for (const [subpath, target] of Object.entries(manifest.exports)) {
    if (subpath === './package.json') continue
    const name = typeof target === 'string' ? undefined : /^\.\/dist\/(.+)\.js$/.exec(target.default)?.[1]
    // Conditions are read in their order, so that it counts as well.
    if (name === undefined || JSON.stringify(target) !== JSON.stringify(targetOf(name)))
      throw new Error(`exports["${subpath}"] must be ${JSON.stringify(targetOf(name ?? '…'))}, in this order`)
    entries.push({ specifier: manifest.name + subpath.slice(1), name, source: `src/${name}.ts` })
  }
  if (entries.length === 0) throw new Error('package.json exports nothing')
  return entries
}

/** Tells where a subpath leads that is built under this name. */
export function targetOf(name: string): ExportTarget {
  return {
    require: {
      types: `./dist/cjs/${name}.d.ts`,
      'module-sync': `./dist/${name}.js`,
      default: `./dist/cjs/${name}.js`,
    },
    types: `./dist/${name}.d.ts`,
    default: `./dist/${name}.js`,
  }
}

/** The entries whose source is not on disk. */
export function missingSources(root: string = projectRoot): readonly PublicEntry[] {
  return publicEntries(root).filter((entry) => !existsSync(resolve(root, entry.source)))
}
