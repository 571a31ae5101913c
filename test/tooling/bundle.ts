import { build } from 'esbuild'

/** What a bundle of a user's import may hold. */
export interface BundleRule {
  readonly name: string
  /** What the user writes. */
  readonly code: string
  /** Minified, not compressed. */
  readonly maxBytes: number
  /** The only packages that may be inside. */
  readonly packages: readonly string[]
  /** The only modules of Node that may be asked for. */
  readonly node: readonly string[]
  /** Texts that may stand nowhere in it. */
  readonly text: readonly string[]
}

/** Bundles a rule's code as a user would, and tells what is wrong with the result. */
export async function checkBundle(
  rule: BundleRule,
  folder: string,
): Promise<{ readonly faults: readonly string[]; readonly bytes: number; readonly inputs: number }> {
  const result = await build({
    stdin: { contents: rule.code, resolveDir: folder, loader: 'js' },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'neutral',
    target: 'es2022',
    mainFields: ['module', 'main'],
    external: ['node:*'],
    metafile: true,
    write: false,
    logLevel: 'silent',
  })
  const output = result.outputFiles[0]!
  const [meta] = Object.values(result.metafile.outputs)
  const inside = Object.entries(meta!.inputs).filter(([, input]) => input.bytesInOutput > 0)
  const faults: string[] = []
  for (const found of meta!.imports) if (!rule.node.includes(found.path)) faults.push(`imports ${found.path}`)
  for (const name of new Set(inside.map(([path]) => packageOf(path))))
    if (name !== undefined && name !== 'keyrung' && !rule.packages.includes(name))
      faults.push(`holds ${name}`)
  for (const text of rule.text) if (output.text.includes(text)) faults.push(`holds the text ${text}`)
  const bytes = output.contents.byteLength
  if (bytes > rule.maxBytes) faults.push(`has ${bytes} bytes, more than ${rule.maxBytes}`)
  return { faults, bytes, inputs: inside.length }
}

/** The package that a bundled file belongs to. */
function packageOf(path: string): string | undefined {
  return /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]
}
