import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { projectRoot } from './exports.js'
import { plant } from './planted.js'
import { runTool } from './run.js'
import { checkSnippets, fencesOf, regionOf, writeSnippets } from './snippets.js'

const snippets = checkSnippets(projectRoot)

describe('the documents', () => {
  test('show TypeScript only as it stands in the examples', () => {
    expect(snippets.faults).toEqual([])
    expect(fencesOf(projectRoot, 'README.md').length).toBeGreaterThan(0)
    expect(snippets.fences).toBeGreaterThan(3)
  })

  // The compiler sees them as a part of the project; here they also run, to their end, in a folder of their own.
  test('have at least one example to run', () => {
    expect(snippets.sources.length).toBeGreaterThan(0)
  })

  test.each(snippets.sources)('%s runs to its end', (source) => {
    const done = runExample(join(projectRoot, source))
    expect(done.ok, done.output).toBe(true)
  })
})

function runExample(file: string): ReturnType<typeof runTool> {
  const root = plant({ 'package.json': '{ "type": "module" }' })
  return runTool('tsx', ['--tsconfig', join(projectRoot, 'examples/tsconfig.json'), file], {
    cwd: root,
    env: { PORT: '0', DATA_DIR: join(root, 'data'), KEYRUNG_SECRET: 'a secret for a snippet, long enough' },
    timeoutMs: 60_000,
  })
}

describe('the gate for snippets', () => {
  const source = `const before = 1
function main() {
  //#region guard
  const a = before

  if (a) {
    main()
  }
  //#endregion guard
}
`
  const region = 'const a = before\n\nif (a) {\n  main()\n}'
  const fence = (info: string, text: string): string => `# Title\n\n\`\`\`${info}\n${text}\n\`\`\`\n\nend\n`
  const files = { 'examples/snippets/a.ts': source }

  test('takes a region without its indentation', () => {
    expect(regionOf(plant(files), 'examples/snippets/a.ts', 'guard')).toBe(region)
  })

  test.each([
    ['a fence without source', fence('ts', 'x'), 'must name its source='],
    ['a fence in another spelling', fence('typescript title=x', 'x'), 'must name its source='],
    ['a changed region', fence('ts source=examples/snippets/a.ts#guard', 'x'), 'differs from'],
    ['a region that is gone', fence('ts source=examples/snippets/a.ts#b', 'x'), 'has no region b'],
    ['a file that is gone', fence('ts source=examples/snippets/b.ts', 'x'), 'is not there'],
    ['a source outside the examples', fence('ts source=src/index.ts', 'x'), 'is no example'],
  ])('sees %s', (_, text, fault) => {
    const root = plant({ ...files, 'docs/deep/a.md': text })
    expect(checkSnippets(root).faults).toEqual([expect.stringContaining(fault)])
  })

  test('lets equal regions and other languages pass, and leaves the reference alone', () => {
    const root = plant({
      ...files,
      'README.md': fence('ts source=examples/snippets/a.ts#guard', region),
      'docs/a.md': fence('sh', 'npm start'),
      'docs/api/a.md': fence('ts', 'x'),
    })
    expect(checkSnippets(root)).toEqual({ faults: [], fences: 1, sources: ['examples/snippets/a.ts'] })
  })

  test('mends what differs, and only that', () => {
    const info = 'ts source=examples/snippets/a.ts#guard'
    const empty = fence(info, 'x').replace('\nx\n', '\n')
    const root = plant({
      ...files,
      'README.md': fence(info, 'old\nolder') + empty + fence(info, ''),
      'docs/a.md': fence(info, region),
    })
    expect(writeSnippets(root)).toEqual(['README.md'])
    expect(readFileSync(join(root, 'README.md'), 'utf8')).toBe(fence(info, region).repeat(3))
    expect(checkSnippets(root)).toMatchObject({ faults: [], fences: 4 })
  })

  test('sees an example that throws', () => {
    const root = plant({ 'examples/snippets/a.ts': `throw new Error('as planted')` })
    expect(runExample(join(root, 'examples/snippets/a.ts'))).toMatchObject({
      ok: false,
      output: expect.stringContaining('as planted') as string,
    })
  })
})
