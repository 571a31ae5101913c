import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What may lie at the top of the project. */
const topLevel = new Set(
  `.ci .editorconfig .gitattributes .gitignore .oxlintrc.json .prettierignore CHANGELOG.md LICENSE README.md docs
  examples package-lock.json package.json src test tsconfig.json tsup.config.ts`.split(/\s+/),
)

/** What users get with the package; everything else is theirs to bring. */
const dependencies = ['@noble/hashes', 'canonicalize', 'ipaddr.js', 'jose', 'zod']

/** What a subpath needs, all of it optional. */
const peers = ['kysely']

/** Paths that exist on one machine only, and names of hosts that a package came from. */
const strange = [
  /(?<![\w.-])\/(work|root|home|Users|mnt)\/\w+/,
  /\/\/[\w.-]*registry[\w-]*\.[\w.-]+|registry\.npmjs/,
  /https?:\/\/(localhost|127\.0\.0\.1):(4873|8081)/,
]

/** Checks which files a project tracks at its top, what it depends on, and that no text names a machine. */
export function checkHygiene(
  root: string,
  tracked: readonly string[],
): { readonly faults: readonly string[]; readonly files: number } {
  const tops = new Set(tracked.map((file) => file.split('/')[0]!))
  const faults = [...tops].filter((top) => !topLevel.has(top)).map((top) => `${top} has no place at the top`)
  for (const file of tracked) {
    const text = readFileSync(join(root, file), 'utf8')
    if (text.includes('\0')) continue
    text.split('\n').forEach((line, index) => {
      const found = strange.map((pattern) => pattern.exec(line)?.[0]).find((match) => match !== undefined)
      if (found !== undefined) faults.push(`${file}:${index + 1}: names ${found}`)
    })
  }
  return { faults: [...faults, ...checkManifest(root), ...checkLock(root)], files: tracked.length }
}

function checkManifest(root: string): readonly string[] {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    dependencies?: Record<string, string>
    peerDependencies?: Record<string, string>
    peerDependenciesMeta?: Record<string, { optional?: boolean }>
    optionalDependencies?: Record<string, string>
  }
  const faults: string[] = []
  for (const name of Object.keys(manifest.dependencies ?? {}))
    if (!dependencies.includes(name)) faults.push(`package.json: ${name} may not be a dependency`)
  for (const name of Object.keys(manifest.peerDependencies ?? {})) {
    if (!peers.includes(name)) faults.push(`package.json: ${name} may not be a peer dependency`)
    if (manifest.peerDependenciesMeta?.[name]?.optional !== true)
      faults.push(`package.json: the peer ${name} must be optional`)
  }
  for (const name of Object.keys(manifest.optionalDependencies ?? {}))
    faults.push(`package.json: ${name} may not be an optional dependency`)
  return faults
}

/** `npm install` may drop packages of other platforms from the lock file; `npm ci` then fails elsewhere. */
function checkLock(root: string): readonly string[] {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { resolved?: string; optionalDependencies?: Record<string, string> }>
  }
  const faults: string[] = []
  for (const [path, entry] of Object.entries(packages)) {
    if (entry.resolved !== undefined) faults.push(`package-lock.json: ${path} names where it came from`)
    for (const name of Object.keys(entry.optionalDependencies ?? {}))
      if (!reach(path, name).some((place) => place in packages))
        faults.push(`package-lock.json: ${name}, for ${path || 'the project'}, is missing`)
  }
  return faults
}

/** Where Node would look for a package from within another. */
function reach(path: string, name: string): readonly string[] {
  const places = [`${path}/node_modules/${name}`]
  for (
    let end = path.lastIndexOf('/node_modules/');
    end > 0;
    end = path.lastIndexOf('/node_modules/', end - 1)
  )
    places.push(`${path.slice(0, end)}/node_modules/${name}`)
  return [...places, `node_modules/${name}`]
}
