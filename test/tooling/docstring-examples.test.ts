import { beforeAll, describe, expect, test } from 'vitest'
import { checkExamples, entryPoints, examplesIn, sourceExamples } from './docstring-examples.js'
import type { DocExample } from './docstring-examples.js'
import { projectRoot, targetOf } from './exports.js'
import { plant } from './planted.js'

/** As many as there were when this was written; a gate that sees fewer looks in the wrong place. */
const floor = 41

/** What others are made of, or what an example of another entry point shows: they need none of their own. */
const parts = [
  'keyrung covers',
  'keyrung demandOf',
  'keyrung fullGrant',
  'keyrung/http answerError',
  'keyrung/http answerRefusal',
  'keyrung/http buildProblem',
  'keyrung/http buildResponse',
  'keyrung/http formatChallenge',
  'keyrung/testing whyNot',
]

const sources = sourceExamples(projectRoot)

/** Examples with a fault each, as if they stood in files of src: what is seen of them. */
const planted: readonly [what: string, file: string, code: string, fault: string][] = [
  [
    'a method that does not exist',
    'src/service/keys.ts',
    'await keyrung.keys.remove(actor, id)',
    "'remove' does not exist",
  ],
  [
    'a misspelt scope',
    'src/service/keys.ts',
    "await keyrung.keys.create(actor, { name: 'CI', scopes: ['contacts:raed'] })",
    '"contacts:raed"\' is not assignable',
  ],
  [
    'a misspelt permission',
    'src/middleware/express.ts',
    "app.get('/contacts', guard(keyrung, 'contact:read'), listContacts)",
    '"contact:read"\' is not assignable',
  ],
  [
    'an option that does not exist',
    'src/stores/memory.ts',
    'const store = memoryStore({ now: () => 0 })',
    "'now' does not exist",
  ],
  [
    'an option that is missing',
    'src/sinks/console.ts',
    'createKeyrung({ catalog, store, secret })',
    "'keys' is missing",
  ],
  ['a name of another entry', 'src/core/catalog.ts', 'app.use(mount(handler))', "Cannot find name 'mount'"],
  ['a name that only tests know', 'src/core/catalog.ts', 'describe(catalog)', "Cannot find name 'describe'"],
  [
    'a subpath that does not exist',
    'src/stores/memory.ts',
    "import { memoryStore } from 'keyrung/stores/memory'",
    'keyrung/stores/memory is no entry of the package',
  ],
  [
    'a name that an entry does not export',
    'src/stores/memory.ts',
    "import { sqliteStore } from 'keyrung'",
    "no exported member 'sqliteStore'",
  ],
  [
    'a path into the sources',
    'src/core/id.ts',
    "import { newId } from './id.js'",
    './id.js is no entry of the package',
  ],
  ['what is no TypeScript', 'src/core/catalog.ts', 'const catalog = )', 'Expression expected'],
]

let faults: readonly string[] = []

// All in one program: making one takes as long as everything else here.
beforeAll(() => {
  const lines = planted.map(([, file, code], index): DocExample => {
    return { file, line: 10_000 + index, subject: '', code }
  })
  faults = checkExamples(projectRoot, [...sources, ...lines])
})

describe('the examples in docstrings', () => {
  test(`are seen, ${floor} or more of them`, () => {
    expect(sources.length).toBeGreaterThanOrEqual(floor)
  })

  test('compile against the public entries', () => {
    expect(faults.filter((fault) => !/^[^:]+:1\d{4}: /.test(fault))).toEqual([])
  })

  test('are there for every main entry point', () => {
    const points = entryPoints(projectRoot)
    const without = [...points].filter(([, shown]) => !shown).map(([name]) => name)
    expect(without.toSorted()).toEqual(parts)
    expect([...points.keys()]).toEqual(
      expect.arrayContaining([
        'keyrung createKeyrung',
        'keyrung defineCatalog',
        'keyrung ladder',
        'keyrung KeyrungError',
        'keyrung memoryStore',
        'keyrung/http createGate',
        'keyrung/express guard',
        'keyrung/koa mount',
        'keyrung/admin createAdmin',
        'keyrung/stores/sqlite sqliteStore',
        'keyrung/stores/postgres postgresStore',
        'keyrung/stores/mysql mysqlStore',
        'keyrung/stores/redis redisLimits',
        'keyrung/sinks/jsonl jsonLinesSink',
        'keyrung/testing storeSuite',
      ]),
    )
  })
})

describe('the gate for examples', () => {
  test.each(planted.map(([what, file, , fault], index) => ({ what, file, fault, line: 10_000 + index })))(
    'sees $what, with file and line',
    ({ file, fault, line }) => {
      expect(faults.filter((text) => text.startsWith(`${file}:${line}: `)).join('\n')).toContain(fault)
    },
  )

  const fence = '```'
  const source = `/** Text is none. */
const note = '@example'

export interface Keys {
  /**
   * Makes a key.
   *
   * @throws KeyrungError
   * @example
   * ${fence}ts
   * const a = 1
   *
   * if (a) {
   *   await make({ a })
   * }
   * ${fence}
   */
  create(): void
}

/**
 * @example
 * ${fence}ts
 * first()
 * ${fence}
 * @example
 * ${fence}ts
 * second()
 * ${fence}
 */
export const make = (): void => undefined

/** @example third() */
export function bare(): void {}

/**
 * @example
 * ${fence}js
 * fourth()
 * ${fence}
 */
export class Other {}
`

  test('finds every example of members, variables, functions and classes, as it is written', () => {
    expect(examplesIn(plant({ 'src/a.ts': source }), ['src/a.ts'])).toEqual([
      {
        file: 'src/a.ts',
        line: 11,
        subject: 'create',
        code: 'const a = 1\n\nif (a) {\n  await make({ a })\n}',
      },
      { file: 'src/a.ts', line: 24, subject: 'make', code: 'first()' },
      { file: 'src/a.ts', line: 28, subject: 'make', code: 'second()' },
      { file: 'src/a.ts', line: 33, subject: 'bare', code: undefined },
      { file: 'src/a.ts', line: 37, subject: 'Other', code: undefined },
    ])
  })

  test('wants each example in a fence of its own, and nothing beside it', () => {
    const bare: DocExample = { file: 'src/a.ts', line: 3, subject: 'a', code: undefined }
    expect(checkExamples(projectRoot, [bare])).toEqual([
      'src/a.ts:3: an @example is one fence of ts, and nothing else',
    ])
  })

  test('knows of each entry point whether it has an example', () => {
    const root = plant({
      'package.json': JSON.stringify({
        name: 'keyrung',
        exports: { '.': targetOf('index') },
      }),
      'src/index.ts': "export { make, bare as plain } from './a.js'\nexport type { Keys } from './a.js'\n",
      'src/a.ts': `/**\n * @example\n * ${fence}ts\n * make()\n * ${fence}\n */
export function make(): void {}\nexport function bare(): void {}\nexport interface Keys {}\n`,
    })
    expect([...entryPoints(root)]).toEqual([
      ['keyrung make', true],
      ['keyrung plain', false],
    ])
  })
})
