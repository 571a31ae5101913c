import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { admin, createWorld, dayMs, host, makeKey, outcome, refusal } from './fixture.js'
import type { World } from './fixture.js'

const create = (world: World, input: unknown) => world.keys.create(admin, input as never)

async function faultsOf(world: World, input: unknown): Promise<Record<string, string>> {
  const { faults } = await refusal(create(world, input), 'input_invalid')
  return Object.fromEntries(faults.map(({ path, message }) => [path, message]))
}

describe('the input of a new key', () => {
  it('is refused with all its faults at once, each with its path', async () => {
    const world = await createWorld()
    const faults = await faultsOf(world, {
      name: '',
      mode: 'partial',
      environment: 'prod',
      scopes: ['contacts:read', 'contact:read', 7],
      expiresAt: Math.floor(world.clock.now() / 1000),
      notBefore: '2026-01-01',
      addressRules: ['192.0.2.0/24', '192.0.2.1/24', 'home'],
      metadata: { a: { b: { c: { d: {} } } } },
      ownerId: '',
      workspaceId: 'other',
      createdBy: 'user:eve',
    })
    expect(Object.keys(faults).sort()).toEqual(
      [
        'addressRules.1',
        'addressRules.2',
        'createdBy',
        'environment',
        'expiresAt',
        'metadata.a.b.c.d',
        'mode',
        'name',
        'notBefore',
        'ownerId',
        'scopes.1',
        'scopes.2',
        'workspaceId',
      ].sort(),
    )
    expect(await world.events()).toEqual([])
  })

  it('has no field that the server owns, and none that nobody knows', async () => {
    const world = await createWorld()
    const good = { name: 'k', scopes: ['users:read'] }
    const { key } = await makeKey(world)
    const owned = [
      ...Object.keys(key).filter(
        (name) =>
          ![
            'name',
            'environment',
            'mode',
            'scopes',
            'expiresAt',
            'notBefore',
            'addressRules',
            'metadata',
            'ownerId',
            'limits',
            'webhook',
          ].includes(name),
      ),
      ...['digest', 'hostSecretId', 'secret', 'nameSearch', 'constructor', 'toString', 'userId'],
    ]
    expect(owned).toContain('version')
    for (const name of owned) {
      expect(await faultsOf(world, { ...good, [name]: 'x' })).toEqual({
        [name]: 'is not a field that can be set',
      })
    }
    const polluted: unknown = JSON.parse('{"name":"k","scopes":["users:read"],"__proto__":{"mode":"full"}}')
    expect(Object.keys(await faultsOf(world, polluted))).toEqual(['__proto__'])
    const edit = (input: object) => world.keys.edit(admin, key.id, input, { version: 1 })
    for (const name of [...owned, 'environment']) await refusal(edit({ [name]: 'x' }), 'input_invalid')
    expect(await world.keys.get(admin, key.id)).toEqual(key)
  })

  it('reads only what the object itself has', async () => {
    const world = await createWorld()
    const inherited = Object.create({ mode: 'full', name: 'k' }) as object
    expect(Object.keys(await faultsOf(world, inherited)).sort()).toEqual(['name', 'scopes'])
  })

  it('needs scopes or full access, not both, and not nothing', async () => {
    const world = await createWorld()
    for (const bad of [
      {},
      { mode: 'custom' },
      { scopes: [] },
      { mode: 'custom', scopes: [] },
      { mode: 'full', scopes: [] },
      { mode: 'full', scopes: ['users:read'] },
      { scopes: 'users:read' },
      { scopes: { 0: 'users:read', length: 1 } },
      { scopes: ['users:read '] },
      { scopes: ['USERS:READ'] },
      { scopes: ['users:*'] },
      { scopes: ['*'] },
      { scopes: ['users:read contacts:read'] },
      { scopes: ['__proto__:read'] },
      { scopes: Array.from({ length: 2_000 }, () => 'users:read') },
    ]) {
      const paths = Object.keys(await faultsOf(world, { name: 'k', ...bad }))
      expect(paths.every((path) => path === 'scopes' || path.startsWith('scopes.'))).toBe(true)
    }
  })

  it.each([
    ['empty', '', false],
    ['blank', ' \t\n ', false],
    ['one character', 'x', true],
    ['100 characters', 'x'.repeat(100), true],
    ['100 characters of two units', '💥'.repeat(100), true],
    ['101 characters', 'x'.repeat(101), false],
    ['101 characters of two units', '💥'.repeat(101), false],
    ['a megabyte', 'x'.repeat(1_000_000), false],
    ['a line break', 'a\nb', false],
    ['NUL', 'a\0b', false],
    ['DEL', 'a\x7fb', false],
    ['NEL', 'a\x85b', false],
    ['an escape sequence', '\x1b[31mred', false],
    ['a line separator', 'a\u2028b', false],
    ['a paragraph separator', 'a\u2029b', false],
    ['an override of the direction', 'a\u202eb', false],
    ['an isolate', 'a\u2067b', false],
    ['half a pair', 'a\ud83d', false],
    ['another script', '开发 ключ مفتاح', true],
    ['a family in one glyph', '👩‍👩‍👧', true],
    ['markup, which is the console’s to escape', '<script>"&\'', true],
  ])('takes a name of %s or not', async (_, name, isGood) => {
    const world = await createWorld()
    expect(await outcome(create(world, { name, mode: 'full' }))).toBe(isGood ? 'ok' : 'input_invalid')
  })

  it('is held against the host’s own rule for names', async () => {
    const asked: string[] = []
    const answers: unknown[] = [true, 'is taken', false, '', 7, undefined]
    const checkName = (name: string, workspaceId: string): true | string => {
      asked.push(`${workspaceId}/${name}`)
      return answers.shift() as true
    }
    const world = await createWorld({ settings: { checkName } })
    const { key } = await makeKey(world)
    expect(await faultsOf(world, { name: ' b ', mode: 'full' })).toEqual({ name: 'is taken' })
    for (let i = 0; i < 2; i++) {
      expect(await faultsOf(world, { name: 'c', mode: 'full' })).toEqual({ name: 'is not accepted here' })
    }
    for (const kind of ['number', 'undefined']) {
      const { internal } = await refusal(makeKey(world, { name: 'c' }), 'hook_failed')
      expect(internal).toBe(`checkName: answered ${kind}, must be true or a text`)
    }
    expect(asked.slice(0, 2)).toEqual(['ws/CI', 'ws/b'])
    // A name that stays is not judged again.
    await world.keys.edit(admin, key.id, { name: 'CI', metadata: { a: 1 } }, { version: 1 })
    expect(asked).toHaveLength(6)
  })

  it('cannot be judged while the host’s rule for names throws or hangs', async () => {
    const throwing = await createWorld({
      settings: {
        checkName: () => {
          throw new Error('db down')
        },
      },
    })
    await refusal(makeKey(throwing), 'hook_failed')
    const hanging = await createWorld({ settings: { checkName: () => new Promise(() => undefined) } })
    const call = makeKey(hanging)
    const refused = refusal(call, 'hook_failed')
    await hanging.clock.advance(60_000)
    await refused
    expect(await hanging.events()).toEqual([])
  })

  it.each([
    ['seconds', 1_767_225_600],
    ['text', '1767225600000'],
    ['a date', new Date(1_800_000_000_000)],
    ['NaN', NaN],
    ['Infinity', Infinity],
    ['half a millisecond', 1_800_000_000_000.5],
    ['a list', [1_800_000_000_000]],
    ['a bigint', 1_800_000_000_000n],
    ['beyond what a date can hold', 8_640_000_000_000_001],
  ])('takes no %s for an instant', async (_, value) => {
    const world = await createWorld()
    for (const field of ['expiresAt', 'notBefore']) {
      expect(Object.keys(await faultsOf(world, { name: 'k', mode: 'full', [field]: value }))).toEqual([field])
    }
  })

  it('has an expiry in the future, after its beginning', async () => {
    const world = await createWorld()
    const now = world.clock.now()
    const judge = (times: object) => outcome(create(world, { name: 'k', mode: 'full', ...times }))
    expect(await judge({ expiresAt: now })).toBe('input_invalid')
    expect(await judge({ expiresAt: now + 1 })).toBe('ok')
    expect(await judge({ expiresAt: now + 1, notBefore: now + 1 })).toBe('input_invalid')
    expect(await judge({ expiresAt: now + 2, notBefore: now + 1 })).toBe('ok')
    expect(await judge({ notBefore: now - dayMs })).toBe('ok')
  })

  it('bounds metadata: 4 KiB, 4 levels, 50 members and elements, plain JSON only', async () => {
    const world = await createWorld()
    const judge = (metadata: unknown) => outcome(create(world, { name: 'k', mode: 'full', metadata }))
    const cycle: Record<string, unknown> = {}
    cycle['self'] = cycle
    const fits = { text: 'x'.repeat(4_096 - '{"text":""}'.length) }
    for (const good of [
      {},
      { a: { b: { c: {} } } },
      { list: Array.from({ length: 49 }, () => 0) },
      fits,
      { 'a key': null, deep: [[[true]]] },
      Object.assign(Object.create(null) as object, { a: 1 }),
      { left: undefined },
    ]) {
      expect(await judge(good)).toBe('ok')
    }
    for (const bad of [
      null,
      [],
      'text',
      7,
      cycle,
      { a: { b: { c: { d: {} } } } },
      { list: Array.from({ length: 50 }, () => 0) },
      { list: Array.from({ length: 100_000 }, () => 0) },
      { text: `${fits.text}x` },
      { text: 'ä'.repeat(2_100) },
      { a: new Date() },
      { a: new Map() },
      { a: () => 1 },
      { a: Symbol('s') },
      { a: 1n },
      { a: NaN },
      { a: Infinity },
      { a: [undefined] },
      new Date(),
      new (class Custom {
        a = 1
      })(),
      JSON.parse('{"__proto__":{"polluted":true}}'),
      JSON.parse('{"a":{"__proto__":1}}'),
    ]) {
      expect(await judge(bad)).toBe('input_invalid')
    }
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  it('keeps metadata as it was, whatever happens to the object handed in', async () => {
    const world = await createWorld()
    const metadata = { list: [1, { deep: 'a' }] }
    const { key } = await makeKey(world, { metadata })
    metadata.list.push(2)
    expect((await world.keys.get(admin, key.id)).metadata).toEqual({ list: [1, { deep: 'a' }] })
  })
})

/** Values that are made to break whoever touches them. */
const boom = (): never => {
  throw new TypeError('boom')
}
const revoked = (): object => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}
const cyclic = (): object => {
  const list: unknown[] = []
  list.push({ list })
  return list
}
// Made within the property: some cannot even be looked at.
const hostile = fc.oneof(
  fc
    .anything({
      withNullPrototype: true,
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSparseArray: true,
    })
    .map((value) => () => value),
  fc.jsonValue().map((value) => () => value),
  fc.constantFrom<() => unknown>(
    revoked,
    cyclic,
    () => new Proxy({}, { ownKeys: boom }),
    () => new Proxy([], { get: boom }),
    () =>
      new Proxy(['users:read'], {
        getPrototypeOf: boom,
        get: (target, key) => (key === 'length' ? 2 ** 40 : Reflect.get(target, key)),
      }),
    () => ({
      get a() {
        return boom()
      },
    }),
    () => Object.defineProperty([], 0, { get: boom, enumerable: true }),
    () => ({ toString: boom, valueOf: boom, toJSON: boom, [Symbol.toPrimitive]: boom }),
    () => JSON.parse('{"__proto__":{"a":1},"constructor":{"prototype":{}}}') as unknown,
    () => 'x'.repeat(100_000),
    () => Symbol('name'),
    () => boom,
  ),
)

const fieldNames = [
  'name',
  'mode',
  'environment',
  'scopes',
  'expiresAt',
  'notBefore',
  'addressRules',
  'metadata',
  'ownerId',
  '__proto__',
  'version',
  'x\ny',
]

const hostileInput = fc.oneof(
  hostile,
  fc
    .array(fc.tuple(fc.constantFrom(...fieldNames), hostile))
    .map((members) => () => Object.fromEntries(members.map(([name, make]) => [name, make()]))),
)

describe('whatever comes in', () => {
  it('is taken or refused as input, never thrown over, and leaves nothing when it is refused', async () => {
    const world = await createWorld()
    const { key } = await makeKey(world)
    await fc.assert(
      fc.asyncProperty(hostileInput, hostileInput, async (makeInput, makeOptions) => {
        const [input, options] = [makeInput(), makeOptions()]
        const seen = ['ok', 'input_invalid', 'version_required', 'conflict', 'not_found']
        const before = (await world.events()).length
        const codes = [
          await outcome(world.keys.create(host, input as never)),
          await outcome(world.keys.create(host, input as never, options as never)),
          await outcome(world.keys.edit(host, key.id, input as never, options as never)),
          await outcome(world.keys.edit(host, key.id, input as never, { version: 1 })),
          await outcome(world.keys.rotate(host, 'key_x', input as never, options as never)),
          await outcome(world.keys.revoke(host, options as never, input as never, options as never)),
          await outcome(world.keys.list(host, input as never)),
          await outcome(world.keys.get(host, input as never)),
        ]
        expect(codes.filter((code) => !seen.includes(code))).toEqual([])
        const made = codes.slice(0, 4).filter((code) => code === 'ok').length
        expect((await world.events()).length - before).toBeLessThanOrEqual(made)
      }),
      { numRuns: process.env['KEYRUNG_PROOF'] === 'full' ? 10_000 : 300 },
    )
    expect(({} as Record<string, unknown>)['a']).toBeUndefined()
  })

  it('stands in messages on one line only', async () => {
    const world = await createWorld()
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (name) => {
        const error = await refusal(
          create(world, { name: 'k', mode: 'full', [`_${name}`]: 1 }),
          'input_invalid',
        )
        expect(error.message).toMatch(/^[^\p{Cc}\u2028\u2029]*$/u)
      }),
      { numRuns: 100 },
    )
  })
})
