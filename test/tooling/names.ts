import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { sourcesIn } from './imports.js'

/** Names that say nothing of what is inside. */
const empty = /^(utils?|helpers?|common|shared|misc|types)$/

/** The most lines a file of src may have. */
const longest = 300

/** Checks the files of src, examples and test for their names, and those of src for their length. */
export function checkNames(root: string): { readonly faults: readonly string[]; readonly files: number } {
  const sources = sourcesIn(root, 'src')
  const files = [...sources, ...sourcesIn(root, 'examples'), ...sourcesIn(root, 'test')]
  const faults: string[] = []
  for (const file of files) {
    // A test may carry the kind of it between dots: evaluate.laws.test.ts.
    const path = file.startsWith('src/') ? file.slice(0, -'.ts'.length) : file.replaceAll('.', '/')
    for (const part of path.split('/')) {
      if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(part)) faults.push(`${file}: ${part} is not in kebab-case`)
      if (empty.test(part)) faults.push(`${file}: ${part} says nothing of what is inside`)
    }
    if (basename(file) === 'index.ts' && file.startsWith('test/'))
      faults.push(`${file}: tests have no front door`)
  }
  for (const file of sources) {
    const lines = readFileSync(join(root, file), 'utf8').split('\n').length - 1
    if (lines > longest) faults.push(`${file}: ${lines} lines, more than ${longest}`)
  }
  return { faults, files: files.length }
}
