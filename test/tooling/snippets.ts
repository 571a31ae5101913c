import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { projectRoot } from './exports.js'

/** One TypeScript fence of a document. */
export interface Fence {
  readonly document: string
  /** Of the opening line, counted from one. */
  readonly line: number
  /** The file that it is a region of; undefined where the fence names none. */
  readonly source: string | undefined
  /** `''` means the whole file. */
  readonly region: string
  readonly text: string
}

/** README.md and the documents below docs, without the generated reference. */
export function documentsOf(root: string): readonly string[] {
  const docs = join(root, 'docs')
  const below = existsSync(docs)
    ? readdirSync(docs, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
        .map((entry) => relative(root, join(entry.parentPath, entry.name)))
        .filter((file) => !file.startsWith('docs/api/'))
    : []
  return [...(existsSync(join(root, 'README.md')) ? ['README.md'] : []), ...below.toSorted()]
}

const opening = /^```(ts|typescript|tsx|mts)\b[ \t]*(.*)$/

/** The TypeScript fences of a document; other languages are not looked at. */
export function fencesOf(root: string, document: string): readonly Fence[] {
  const lines = readFileSync(join(root, document), 'utf8').split('\n')
  const fences: Fence[] = []
  for (let at = 0; at < lines.length; at++) {
    const match = opening.exec(lines[at]!)
    if (match === null) continue
    const end = lines.indexOf('```', at + 1)
    if (end < 0) throw new Error(`${document}:${at + 1}: the fence has no end`)
    const [source, region = ''] = /(?:^|\s)source=(\S+)/.exec(match[2]!)?.[1]?.split('#') ?? []
    fences.push({ document, line: at + 1, source, region, text: lines.slice(at + 1, end).join('\n') })
    at = end
  }
  return fences
}

/**
 * The text of a region of a file, between `//#region name` and `//#endregion name`, with its indentation taken
 * away; the whole file, without its markers, for `''`.
 *
 * @throws Error when the file or the region is not there
 */
export function regionOf(root: string, source: string, region: string): string {
  if (!existsSync(join(root, source))) throw new Error(`${source} is not there`)
  const lines = readFileSync(join(root, source), 'utf8').trimEnd().split('\n')
  let inside = lines
  if (region !== '') {
    const start = lines.findIndex((line) => line.trim() === `//#region ${region}`)
    const end = lines.findIndex((line) => line.trim() === `//#endregion ${region}`)
    if (start < 0 || end < start) throw new Error(`${source} has no region ${region}`)
    inside = lines.slice(start + 1, end)
  }
  const kept = inside.filter((line) => !/^\s*\/\/#(end)?region /.test(line))
  const indent = Math.min(...kept.filter((line) => line.trim() !== '').map((line) => line.search(/\S/)))
  return kept
    .map((line) => line.slice(indent))
    .join('\n')
    .trim()
}

/** Compares all fences with what they are regions of. */
export function checkSnippets(root: string): {
  readonly faults: readonly string[]
  readonly fences: number
  /** The files that snippets come from, each once. */
  readonly sources: readonly string[]
} {
  const fences = documentsOf(root).flatMap((document) => fencesOf(root, document))
  const faults: string[] = []
  const sources = new Set<string>()
  for (const fence of fences) {
    const at = `${fence.document}:${fence.line}`
    if (fence.source === undefined) faults.push(`${at}: a TypeScript fence must name its source=`)
    else if (!/^examples\/[\w/-]+\.ts$/.test(fence.source))
      faults.push(`${at}: ${fence.source} is no example`)
    else {
      sources.add(fence.source)
      const fault = compare(root, fence.source, fence)
      if (fault !== '') faults.push(`${at}: ${fault}`)
    }
  }
  return { faults, fences: fences.length, sources: [...sources].toSorted() }
}

function compare(root: string, source: string, fence: Fence): string {
  try {
    return regionOf(root, source, fence.region) === fence.text
      ? ''
      : `differs from ${source}; run npm run snippets`
  } catch (error) {
    return (error as Error).message
  }
}

/** Writes every region into its fences; returns the documents that changed. */
export function writeSnippets(root: string): readonly string[] {
  return documentsOf(root).filter((document) => {
    const path = join(root, document)
    const before = readFileSync(path, 'utf8')
    const lines = before.split('\n')
    // From the last to the first, so that the lines ahead keep their numbers.
    for (const fence of fencesOf(root, document).toReversed())
      if (fence.source !== undefined) {
        const text = regionOf(root, fence.source, fence.region)
        // Counted anew: without any text there may be one empty line, or none.
        lines.splice(fence.line, lines.indexOf('```', fence.line) - fence.line, ...text.split('\n'))
      }
    const after = lines.join('\n')
    if (after !== before) writeFileSync(path, after)
    return after !== before
  })
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const changed = process.argv.includes('--write') ? writeSnippets(projectRoot) : []
  const { faults, fences } = checkSnippets(projectRoot)
  for (const document of changed) console.log(`${document} written`)
  for (const fault of faults) console.error(fault)
  console.log(`${fences} snippets, ${faults.length} faults`)
  process.exitCode = faults.length === 0 ? 0 : 1
}
