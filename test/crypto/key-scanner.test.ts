import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createKeyFormat } from '../../src/crypto/key-format.js'
import { keyScannerRules } from '../../src/crypto/key-scanner.js'
import { systemEntropy } from '../../src/crypto/random.js'

const format = createKeyFormat({ prefix: 'tp', environments: ['live', 'test'] })
const rules = keyScannerRules(format)
const live = format.mint('live', systemEntropy)
const trial = format.mint('test', systemEntropy)

/** Files by name; those that must be found hold a key. */
const planted: Record<string, string> = {
  '.env': `KEYRUNG_KEY=${live}\n`,
  'deploy.yaml': `env:\n  token: "${trial}"\n`,
  'notebook.json': `{"source": "login\\n${live}\\n"}`,
  'link.txt': `https://example.com/?key%3D${live}%26page=2`,
  'header.http': `Authorization: Bearer ${live}`,
  'end.txt': live,
}
const harmless: Record<string, string> = {
  'one-more.txt': `KEY=${live}x\n`,
  'one-less.txt': `KEY=${live.slice(0, -1)}\n`,
  'other-prefix.txt': `KEY=${live.replace('tp_', 'zz_')}\n`,
  'other-environment.txt': `KEY=${live.replace('live', 'prod')}\n`,
  'capitals.txt': `KEY=${live.toUpperCase()}\n`,
  'prose.md': 'Keys look like `tp_live_…` and `tp_test_<random>`.\n',
}

describe('the regular expression', () => {
  test.each(Object.entries(planted))('finds exactly the key in %s', (_, text) => {
    expect([live, trial]).toContain(text.match(rules.regex)?.join())
  })

  test.each(Object.entries(harmless))('finds nothing in %s', (_, text) => {
    expect(text.match(rules.regex)).toBeNull()
  })

  test('finds all keys of a text', () => {
    expect(`${live},${trial} ${live}`.match(rules.regex)).toEqual([live, trial, live])
  })
})

describe('the rule for gitleaks', () => {
  // gitleaks is a Go program that cannot be installed here; what its rule says is checked instead.
  const source = /^regex = '''(.*)'''$/m.exec(rules.gitleaks)?.[1]

  test('holds the same expression', () => {
    expect(source).toBe(rules.regex.source)
  })

  test('uses nothing that RE2 lacks: no lookaround, back-reference, possessive or atomic group', () => {
    expect(source).not.toMatch(/\(\?(?!:)|\\[1-9k]|[*+?}]\+/)
    // Only these constructs are in it, all of them in the RE2 syntax.
    expect(source).toMatch(/^[a-z0-9]+_\(\?:[a-z0-9|]+\)_\[0-9A-Za-z\]\{36\}\\b$/)
  })

  test('is one TOML table with an id, a description and a keyword for each environment, in small letters', () => {
    expect(rules.gitleaks.split('\n')).toEqual([
      '[[rules]]',
      'id = "tp-api-key"',
      'description = "API key (tp_…)"',
      `regex = '''${rules.regex.source}'''`,
      'keywords = ["tp_live_", "tp_test_"]',
      '',
    ])
  })
})

describe('secretlint with the ready rule', () => {
  const root = fileURLToPath(new URL('../../', import.meta.url))
  let folder = ''
  let found: { filePath: string; messages: { message: string }[] }[] = []

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'keyrung-secretlint-'))
    const files = join(folder, 'files')
    await mkdir(files)
    await writeFile(join(folder, '.secretlintrc.json'), JSON.stringify(rules.secretlint))
    for (const [name, text] of Object.entries({ ...planted, ...harmless }))
      await writeFile(join(files, name), text)
    // secretlint reads only below its working folder, and looks for its rules from there.
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
    const output = await new Promise<string>((resolve, reject) => {
      const program = join(root, 'node_modules/.bin/secretlint')
      const options = ['--format', 'json', '--no-maskSecrets', 'files/**/*', 'files/.env']
      execFile(process.execPath, [program, ...options], { cwd: folder }, (error, stdout, stderr) => {
        // Findings are exit status 1; anything else is secretlint itself failing.
        if (error?.code === 1) resolve(stdout)
        else reject(new Error(`secretlint ended with ${error?.code ?? 0}: ${stderr}`))
      })
    })
    found = JSON.parse(output) as typeof found
  }, 60_000)

  afterAll(() => rm(folder, { recursive: true, force: true }))

  const findingsIn = (name: string) =>
    found.find((file) => file.filePath.endsWith(`/${name}`))?.messages ?? []

  test.each(Object.keys(planted))('finds the key planted in %s', (name) => {
    expect(findingsIn(name)).toHaveLength(1)
    expect([live, trial].map((key) => `found matching tp API key: ${key}`)).toContain(
      findingsIn(name)[0]!.message,
    )
  })

  test.each(Object.keys(harmless))('finds nothing in %s', (name) => {
    expect(findingsIn(name)).toEqual([])
  })

  test('has looked at every file', () => {
    expect(found).toHaveLength(Object.keys(planted).length + Object.keys(harmless).length)
  })
})
