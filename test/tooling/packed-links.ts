import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Checks that every link of a package's pages leads to a file that is packed too, or is absolute. */
export function checkPackedLinks(folder: string): {
  readonly faults: readonly string[]
  readonly links: number
} {
  const pages = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.md'),
  )
  const links = pages.flatMap((page) => linksOf(folder, page).map((target) => ({ page, target })))
  const faults = links
    .filter(({ page, target }) => !existsSync(join(folder, dirname(page), target)))
    .map(({ page, target }) => `${page}: leads to ${target}, which is not packed`)
  return { faults, links: links.length }
}

/** What a page leads to by a path, outside of code; without anchors. */
function linksOf(folder: string, page: string): readonly string[] {
  const text = readFileSync(join(folder, page), 'utf8').replaceAll(/^```[^]*?^```$/gm, '')
  return [...text.matchAll(/\]\((?![a-z][a-z0-9+.-]*:|#)([^)#\s]+)/g)].map(([, path]) => path!)
}
