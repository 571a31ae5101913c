import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))

const documents = [
  'README.md',
  'CHANGELOG.md',
  ...readdirSync(join(root, 'docs'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
]

interface Link {
  readonly target: string
  readonly anchor: string
}

/** What a page leads to within the project, outside of code. */
function linksOf(document: string): readonly Link[] {
  const text = readFileSync(join(root, document), 'utf8').replaceAll(/^```[^]*?^```$/gm, '')
  return [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g)].map(([, path, anchor]) => ({
    target: path ? relative(root, join(root, dirname(document), path)) : document,
    anchor: anchor ?? '',
  }))
}

/** The anchors of a page's headings, as the usual renderers make them. */
function anchorsOf(document: string): readonly string[] {
  const headings = readFileSync(join(root, document), 'utf8').match(/^#{1,4} .+$/gm) ?? []
  return headings.map((line) =>
    line
      .replace(/^#+ /, '')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

describe.each(documents)('%s', (document) => {
  test('leads nowhere that is not there', () => {
    const broken = linksOf(document).filter(({ target, anchor }) => {
      if (!existsSync(join(root, target))) return true
      return anchor !== '' && !anchorsOf(target).includes(anchor)
    })
    expect(broken).toEqual([])
  })

  test('names tests, sources and examples that are there', () => {
    const text = readFileSync(join(root, document), 'utf8')
    const named = [...text.matchAll(/`((?:test|src|examples)\/[\w./-]+)`/g)].map(([, path]) => path!)
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([])
  })
})

test('there are documents, links and tests to look at', () => {
  const links = documents.flatMap(linksOf)
  expect(documents.length).toBeGreaterThan(8)
  expect(links.length).toBeGreaterThan(20)
  const model = readFileSync(join(root, 'docs/security-model.md'), 'utf8')
  const shown = new Set(model.match(/`test\/[\w./-]+\.test\.ts`/g))
  expect(shown.size).toBeGreaterThan(30)
  for (const name of shown) expect(statSync(join(root, name.slice(1, -1))).size).toBeGreaterThan(0)
})
