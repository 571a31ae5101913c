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

/** The parts of package.json that the tooling reads. */
export interface Manifest {
  readonly name: string
  readonly exports: Record<string, string | { readonly types: string; readonly default: string }>
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
    if (typeof target === 'string') throw new Error(`exports["${subpath}"] must name types and default`)
    const name = /^\.\/dist\/(.+)\.js$/.exec(target.default)?.[1]
    if (name === undefined) throw new Error(`exports["${subpath}"].default must be ./dist/….js`)
    if (target.types !== `./dist/${name}.d.ts`)
      throw new Error(`exports["${subpath}"].types must be ./dist/${name}.d.ts`)
    if (Object.keys(target).join() !== 'types,default')
      throw new Error(`exports["${subpath}"] must hold types, then default, and nothing else`)
    entries.push({ specifier: manifest.name + subpath.slice(1), name, source: `src/${name}.ts` })
  }
  if (entries.length === 0) throw new Error('package.json exports nothing')
  return entries
}

/** The entries whose source is not on disk. */
export function missingSources(root: string = projectRoot): readonly PublicEntry[] {
  return publicEntries(root).filter((entry) => !existsSync(resolve(root, entry.source)))
}
