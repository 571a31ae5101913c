import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { defineCatalog } from '../../src/core/catalog.js'
import { ladder, ladders } from '../../src/core/ladder.js'
import { formatScopes, parseScopes, readScopes } from '../../src/core/scope.js'
import { randomCatalog } from './arbitrary-catalog.js'
import { faultsOf } from './faults.js'
import { hostileStrings, hostileValues } from './hostile-values.js'

const catalog = defineCatalog({
  resources: {
    email: { ladder: ladders.communication },
    contacts: { ladder: ladders.crud },
    'contacts-archive': { ladder: ladder('read') },
    forms: { ladder: [ladders.readWrite, ladder('send-approval', 'send')] },
  },
  renamed: { people: 'contacts' },
})

const parse = (input: unknown) => parseScopes(catalog, input)
const faults = (input: unknown) => faultsOf('input_invalid', () => parse(input))

describe('parsing scopes that somebody wants', () => {
  it('makes them canonical: new names, the highest rung of each ladder, sorted by code unit', () => {
    const given = [
      'forms:send',
      'people:write',
      'email:read',
      'contacts:read',
      'forms:read',
      'contacts-archive:read',
    ]
    const scopes = ['contacts-archive:read', 'contacts:write', 'email:read', 'forms:read', 'forms:send']
    expect(parse(given)).toEqual({ scopes, text: scopes.join(' ') })
  })

  it('takes none, and the same one twice', () => {
    expect(parse([])).toEqual({ scopes: [], text: '' })
    expect(parse(['email:read', 'email:read'])).toEqual({ scopes: ['email:read'], text: 'email:read' })
  })

  it('tells every fault with its place', () => {
    expect(
      faults(['contacts:read', 'contact:read', 7, 'Contacts:read', 'contacts:writ', 'x'.repeat(200)]),
    ).toEqual([
      'scopes[1]: there is no scope "contact:read"; did you mean the resource "contacts"?',
      'scopes[2]: must be a string',
      'scopes[3]: is not written "resource:rung"',
      'scopes[4]: there is no scope "contacts:writ"; did you mean "contacts:write"?',
      'scopes[5]: is not written "resource:rung"',
    ])
  })

  it('says in the faults where the scopes stand in the input', () => {
    const at = (input: unknown) => faultsOf('input_invalid', () => parseScopes(catalog, input, 'body.scopes'))
    expect(at(['x'])).toEqual(['body.scopes[0]: is not written "resource:rung"'])
    expect(at('x')).toEqual(['body.scopes: must be an array of at most 1024 scopes'])
  })

  it('guesses what was meant, old names included, or tells what there is', () => {
    expect(faults(['peopel:read', 'people:writes', 'email:write', 'invoices:read', 'forms:zzz'])).toEqual([
      'scopes[0]: there is no scope "peopel:read"; did you mean the resource "people"?',
      'scopes[1]: there is no scope "people:writes"; did you mean "contacts:write"?',
      'scopes[2]: there is no scope "email:write"; email can be granted at read, send-approval, send',
      'scopes[3]: there is no scope "invoices:read"',
      'scopes[4]: there is no scope "forms:zzz"; forms can be granted at read, write, send-approval, send',
    ])
  })

  it('guesses for the first twenty only, and lists a dozen rungs at most', () => {
    const many = faults(Array.from({ length: 25 }, () => 'contact:read'))
    expect(many.filter((fault) => fault.includes('did you mean'))).toHaveLength(20)
    const long = defineCatalog({
      resources: { a: { ladder: ladder(...Array.from({ length: 20 }, (_, i) => `rung${i}`)) } },
    })
    expect(faultsOf('input_invalid', () => parseScopes(long, ['a:zzz']))[0]).toMatch(/rung10, rung11$/)
  })

  it('does not repeat what may be a secret in the wrong field', () => {
    const secret = 'tp_live_4fT9xQ2mN8vB3kL7wR5yH1cJ6dS0aZ'
    expect(faults([secret]).join()).not.toContain(secret)
  })

  it.each(Object.entries(hostileValues()).filter(([name]) => name !== 'array of one'))(
    'refuses %s for the list',
    (_name, value) => {
      expect(faults(value)[0]).toMatch(/^scopes(\[0\])?: must be /)
    },
  )

  it.each(Object.entries(hostileValues()))('refuses %s as an element', (_name, value) => {
    expect(faults(['contacts:read', value])).toEqual(['scopes[1]: must be a string'])
  })

  it.each(hostileStrings.map((text) => [text.slice(0, 30), text]))('refuses the text %j', (_shown, text) => {
    expect(faults(['contacts:read', text])).toHaveLength(1)
    expect(faults(text)).toEqual(['scopes: must be an array of at most 1024 scopes'])
  })

  it('takes 1,024 elements and no more', () => {
    expect(parse(Array.from({ length: 1_024 }, () => 'email:read')).scopes).toEqual(['email:read'])
    expect(faults(Array.from({ length: 1_025 }, () => 'email:read'))).toEqual([
      'scopes: must be an array of at most 1024 scopes',
    ])
    const huge: unknown[] = []
    huge.length = 2 ** 32 - 1
    expect(faults(huge)).toEqual(['scopes: must be an array of at most 1024 scopes'])
  })

  it('reads each element once, so that it cannot be one thing for the check and another for the key', () => {
    let reads = 0
    const shifty = new Proxy(['contacts:read'], {
      get(target, property, receiver) {
        if (property === '0' && ++reads > 1) return 'contacts:delete'
        return Reflect.get(target, property, receiver) as unknown
      },
    })
    expect(parse(shifty).scopes).toEqual(['contacts:read'])
  })

  it('ignores elements that are only inherited', () => {
    const inheriting: unknown[] = []
    inheriting.length = 1
    Object.setPrototypeOf(inheriting, Object.assign(Object.create(Array.prototype), { 0: 'contacts:read' }))
    expect(faults(inheriting)).toEqual(['scopes[0]: must be a string'])
  })
})

describe('reading stored scopes', () => {
  it('tells apart what this catalogue does not know, and resolves renames', () => {
    expect(readScopes(catalog, 'people:read gone:write email:send contacts:fly')).toEqual({
      scopes: ['contacts:read', 'email:send'],
      unknown: ['contacts:fly', 'gone:write'],
      malformed: false,
    })
  })

  it('takes the highest of several on one ladder, in whatever order', () => {
    for (const text of [
      'contacts:write contacts:read',
      'contacts:read contacts:write',
      'people:write contacts:read',
    ]) {
      expect(readScopes(catalog, text).scopes).toEqual(['contacts:write'])
    }
  })

  it('tells an unknown scope once', () => {
    expect(readScopes(catalog, 'gone:b gone:a gone:b').unknown).toEqual(['gone:a', 'gone:b'])
  })

  it('reads the empty text as none', () => {
    expect(readScopes(catalog, '')).toEqual({ scopes: [], unknown: [], malformed: false })
  })

  const nothing = { scopes: [], unknown: [], malformed: true }

  it.each([
    'contacts:read ',
    ' contacts:read',
    'contacts:read  email:read',
    'contacts:read\temail:read',
    'contacts:read,email:read',
    'contacts:read\nemail:read',
    'contacts:read *',
    'contacts:read __proto__:read',
    'contacts:read email',
    '["contacts:read"]',
    `contacts:read ${'x'.repeat(130)}:read`,
  ])('grants nothing at all for the malformed text %j', (text) => {
    expect(readScopes(catalog, text)).toEqual(nothing)
  })

  it.each(
    hostileStrings
      .filter((text) => text !== 'contacts:read email:read')
      .map((text) => [text.slice(0, 30), text]),
  )('grants nothing for %j', (_shown, text) => {
    expect(readScopes(catalog, text).scopes).toEqual([])
  })

  it.each(Object.entries(hostileValues()))('grants nothing for %s', (_name, value) => {
    expect(readScopes(catalog, value as string)).toEqual(nothing)
  })

  it('grants nothing for more than 1,024 scopes', () => {
    const text = (count: number) => Array.from({ length: count }, () => 'email:read').join(' ')
    expect(readScopes(catalog, text(1_024)).scopes).toEqual(['email:read'])
    expect(readScopes(catalog, text(1_025))).toEqual(nothing)
    const longest = Array.from({ length: 1_024 }, (_, i) => `gone:${String(i).padStart(123, 'x')}`)
    expect(readScopes(catalog, longest.join(' ')).unknown).toHaveLength(1_024)
  })
})

describe('the canonical text', { timeout: 60_000 }, () => {
  it('is sorted by code unit, unknown scopes in between', () => {
    expect(
      formatScopes(catalog, ['forms:send', 'gone:read', 'contacts:read', 'a:b', 'contacts-archive:read']),
    ).toBe('a:b contacts-archive:read contacts:read forms:send gone:read')
  })

  it('is not made of what has not the form of a scope', () => {
    const bad = (scopes: unknown) =>
      faultsOf('input_invalid', () => formatScopes(catalog, scopes as string[]))
    expect(bad(['a:b', 'a:b c:d'])).toEqual(['scopes[1]: is not written "resource:rung"'])
    expect(bad('a:b')).toEqual(['scopes: is not written "resource:rung"'])
    expect(bad(Array.from({ length: 1_025 }, () => 'a:b'))).toEqual([
      'scopes: is not written "resource:rung"',
    ])
    for (const value of Object.values(hostileValues())) expect(bad([value])).toHaveLength(1)
  })

  it('round-trips, is idempotent, and does not depend on order, repetition or old names', () => {
    const given = randomCatalog.chain((random) =>
      fc.record({
        random: fc.constant(random),
        scopes: fc.array(fc.constantFrom(...random.scopes), { maxLength: 12 }),
      }),
    )
    fc.assert(
      fc.property(given, ({ random: { catalog: made, renamed }, scopes }) => {
        const parsed = parseScopes(made, scopes)
        expect(parseScopes(made, parsed.scopes)).toEqual(parsed)
        expect(formatScopes(made, scopes)).toBe(parsed.text)
        expect(readScopes(made, parsed.text)).toEqual({
          scopes: parsed.scopes,
          unknown: [],
          malformed: false,
        })
        expect(readScopes(made, scopes.join(' ')).scopes).toEqual(parsed.scopes)
        expect(parseScopes(made, [...scopes, ...scopes].reverse())).toEqual(parsed)
        const today = scopes.map((scope) => {
          const [name, rung] = scope.split(':') as [string, string]
          return `${renamed[name] ?? name}:${rung}`
        })
        expect(parseScopes(made, today)).toEqual(parsed)
        expect([...parsed.scopes].sort()).toEqual(parsed.scopes)
        const slots = parsed.scopes.map((scope) => made.findScope(scope)?.slot)
        expect(new Set(slots).size).toBe(slots.length)
      }),
      { numRuns: 300 },
    )
  })

  it('is one text for one meaning: two lists that give the same levels have the same text', () => {
    const pair = randomCatalog.chain((random) => {
      const list = fc.array(fc.constantFrom(...random.scopes), { maxLength: 4 })
      return fc.record({ random: fc.constant(random), one: list, other: list })
    })
    fc.assert(
      fc.property(pair, ({ random: { catalog: made }, one, other }) => {
        const levels = (scopes: readonly string[]) =>
          made.slots.map(({ index }) =>
            Math.max(
              0,
              ...scopes.map((s) => made.findScope(s)!).map((b) => (b.slot === index ? b.level : 0)),
            ),
          )
        const same = levels(one).join() === levels(other).join()
        expect(formatScopes(made, one) === formatScopes(made, other)).toBe(same)
      }),
      { numRuns: 300 },
    )
  })
})
