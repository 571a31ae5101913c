import { describe, expect, it } from 'vitest'
import { defineCatalog } from '../../src/core/catalog.js'
import { ladder, ladders } from '../../src/core/ladder.js'
import { errorOf, faultsOf } from './faults.js'
import { hostileValues } from './hostile-values.js'

const define = (definition: unknown) => defineCatalog(definition as never)
const faults = (definition: unknown) => faultsOf('catalog_invalid', () => define(definition))
/** The faults of one ladder. */
const rungs = (...given: unknown[]) => faults({ resources: { a: { ladder: { rungs: given } } } })

const nameRule = 'lower-case letters and digits joined by "-", "_" or ".", at most 64 characters'
const rungRule = 'lower-case letters and digits joined by "-", at most 63 characters'

describe('a catalogue with mistakes', () => {
  it('is refused with all of them at once, each with its path', () => {
    const definition = {
      groups: { crm: { label: '' }, 'Bad Group': { sensitive: 'yes' } },
      resources: {
        contacts: { lader: 1, group: 'cmr' },
        email: { ladder: ladder('send', 'send-approval'), label: 7 },
        forms: {
          ladder: [ladders.crud, ladder('read')],
          describe: { gone: 'x', read: 1 },
          sensitive: 'gone',
        },
        'no spaces': { ladder: ladders.use },
        users: null,
      },
      renamed: { people: 'persons', email: 'forms' },
      extra: true,
    }
    expect(faults(definition)).toEqual([
      'extra: there is no such property; there are groups, resources, renamed',
      'groups.crm.label: must be text of 1 to 2000 characters',
      `groups."Bad Group": "Bad Group" cannot be a name: ${nameRule}`,
      'groups."Bad Group".sensitive: must be true or false',
      'resources.contacts.lader: there is no such property; there are label, group, ladder, describe, sensitive',
      "resources.contacts.ladder: is missing; give one, such as ladder('read', 'write')",
      'resources.contacts.group: there is no group "cmr"',
      'resources.email.ladder.rungs[1]: "send-approval" must stand below "send", or it can never take effect',
      'resources.email.label: must be text of 1 to 2000 characters',
      'resources.forms.ladder[1]: "read" or "read-approval" stands on ladder 0 too; ladders share no action',
      'resources.forms.describe.gone: there is no rung "gone" on this resource',
      'resources.forms.describe.read: must be text of 1 to 2000 characters',
      'resources.forms.sensitive: there is no rung "gone" on this resource',
      `resources."no spaces": "no spaces" cannot be a name: ${nameRule}`,
      'resources.users: must be an object',
      'renamed.people: there is no resource "persons" to lead to',
      'renamed.email: is the name of a resource of today, so it cannot be an old one too',
    ])
  })

  it('says in its message where to look first', () => {
    const error = errorOf(() => define({ resources: { a: {}, b: {}, c: {}, d: {} } }))
    expect(error.message).toMatch(/^The catalogue is not valid\. resources\.a\.ladder: is missing/)
    expect(error.message).toMatch(/\(and 1 more\)$/)
  })

  it.each(Object.entries(hostileValues()))('is refused, not thrown over, when it is %s', (_name, value) => {
    expect(faults(value).at(-1)).toMatch(/^(: must be an object|resources: is missing)/)
  })

  it.each(['groups', 'resources', 'renamed'])('is refused when its %s are not an object', (property) => {
    for (const value of [null, 1, 'x', [], hostileValues()['proxy that throws']]) {
      const definition = { resources: { a: { ladder: ladders.use } }, [property]: value }
      expect(faults(definition)).toContain(`${property}: must be an object`)
    }
  })

  it('protects at least one resource', () => {
    expect(faults({ resources: {} })).toEqual([
      'resources: is empty; a catalogue protects at least one resource',
    ])
    expect(faults({})).toEqual(['resources: is missing; a catalogue protects at least one resource'])
  })
})

describe('names', () => {
  it.each([
    '',
    'A',
    '1a',
    'a b',
    'a:b',
    'a-',
    '-a',
    'a--b',
    'a._b',
    'é',
    'a\n',
    'constructor',
    'prototype',
    'toString',
    'x'.repeat(65),
  ])('refuse %j for resources, groups and old names', (name) => {
    const shown = JSON.stringify(name.length > 64 ? `${name.slice(0, 64)}…` : name)
    const text = `${shown} cannot be a name: ${nameRule}`
    const endings = [
      ...faults({ resources: { [name]: { ladder: ladders.use } } }),
      ...faults({ groups: { [name]: {} }, resources: { a: { ladder: ladders.use } } }),
      ...faults({ resources: { a: { ladder: ladders.use } }, renamed: { [name]: 'a' } }),
    ]
    expect(endings.map((fault) => fault.slice(-text.length))).toEqual([text, text, text])
  })

  it('refuse __proto__ where it is an own property, and ignore an inherited one', () => {
    const own = JSON.parse('{"resources":{"__proto__":{"ladder":{"rungs":["read"]}}}}')
    expect(faults(own)).toEqual([`resources.__proto__: "__proto__" cannot be a name: ${nameRule}`])
    const inherited = Object.create({ resources: { a: { ladder: ladders.use } } })
    expect(faults(inherited)).toEqual(['resources: is missing; a catalogue protects at least one resource'])
  })

  it('may be long, dotted, underscored and numbered', () => {
    const names = ['a', 'a1', 'a-b.c_d', 'x'.repeat(64), '0'.padStart(64, 'x')]
    const resources = Object.fromEntries(names.map((name) => [name, { ladder: ladders.use }]))
    expect(define({ resources }).resources.map(({ name }) => name)).toEqual(names)
  })
})

describe('ladders', () => {
  it.each([
    ['approval', '"approval" names no action to approve'],
    ['approval-approval', '"approval-approval" names no action to approve'],
    [
      'write-approval-approval',
      '"write-approval-approval" would queue "write-approval", which itself queues',
    ],
    ['none', 'no access is not a rung; leave "none" out'],
    ['Read', `"Read" cannot name a rung: ${rungRule}`],
    ['a_b', `"a_b" cannot name a rung: ${rungRule}`],
    ['a:b', `"a:b" cannot name a rung: ${rungRule}`],
    ['-approval', `"-approval" cannot name a rung: ${rungRule}`],
    ['constructor', `"constructor" cannot name a rung: ${rungRule}`],
    ['', `"" cannot name a rung: ${rungRule}`],
    [null, `null cannot name a rung: ${rungRule}`],
    [undefined, `undefined cannot name a rung: ${rungRule}`],
    [7, `7 cannot name a rung: ${rungRule}`],
    [['read'], `an object cannot name a rung: ${rungRule}`],
    ['x'.repeat(64), `"${'x'.repeat(64)}" cannot name a rung: ${rungRule}`],
  ])('refuse the rung %j', (rung, message) => {
    expect(rungs('first', rung)).toEqual([`resources.a.ladder.rungs[1]: ${message}`])
  })

  it('take a rung of 63 characters', () => {
    const long = 'x'.repeat(63)
    expect(define({ resources: { a: { ladder: ladder(long) } } }).slots[0]!.rungs).toEqual([long])
  })

  it('refuse a rung that is there twice, but not two that only look alike', () => {
    expect(rungs('read', 'write', 'read')).toEqual([
      'resources.a.ladder.rungs[2]: "read" is on the ladder twice',
    ])
    expect(define({ resources: { a: { ladder: ladder('read', 'read-all') } } }).permissions).toHaveLength(2)
  })

  it('refuse an approval above what it leads to, but allow rungs in between', () => {
    expect(rungs('write', 'read', 'write-approval')).toEqual([
      'resources.a.ladder.rungs[2]: "write-approval" must stand below "write", or it can never take effect',
    ])
    const between = define({ resources: { a: { ladder: ladder('write-approval', 'read', 'write') } } })
    expect(between.find('a:write')).toMatchObject({ approvalAt: 1, allowAt: 3 })
  })

  it('refuse none and too many', () => {
    expect(rungs()).toEqual(['resources.a.ladder: must have at least one rung'])
    const many = Array.from({ length: 65 }, (_, i) => `r${i}`)
    expect(rungs(...many)).toEqual([
      'resources.a.ladder: must be a ladder of at most 64 rungs, not an object',
    ])
    expect(define({ resources: { a: { ladder: { rungs: many.slice(1) } } } }).slots[0]!.rungs).toHaveLength(
      64,
    )
  })

  it('refuse what is not made by ladder(), and say how to', () => {
    const given = (value: unknown) => faults({ resources: { a: { ladder: value } } })
    expect(given(['read', 'write'])).toEqual([
      "resources.a.ladder: must be made by ladder('read', …); a plain list of rungs is not a ladder",
    ])
    expect(given([])).toEqual(['resources.a.ladder: must hold at least one ladder'])
    expect(given('read')).toEqual(['resources.a.ladder: must be a ladder of at most 64 rungs, not "read"'])
    expect(given(null)).toEqual(['resources.a.ladder: must be a ladder of at most 64 rungs, not null'])
    expect(given([ladders.use, 3])).toEqual([
      'resources.a.ladder[1]: must be a ladder of at most 64 rungs, not 3',
    ])
    expect(given([ladders.use, 'read'])).toEqual([
      'resources.a.ladder[1]: must be a ladder of at most 64 rungs, not "read"',
    ])
    expect(given({ rungs: 'read' })).toEqual([
      'resources.a.ladder: must be a ladder of at most 64 rungs, not an object',
    ])
  })

  it.each(Object.entries(hostileValues()).filter(([name]) => name !== 'undefined'))(
    'refuse %s, as a ladder and as a resource',
    (_name, value) => {
      expect(faults({ resources: { a: { ladder: value } } })[0]).toMatch(/^resources\.a\.ladder/)
      expect(faults({ resources: { a: value } })[0]).toMatch(/^resources\.a/)
    },
  )

  it('of one resource share no action, neither by the rung nor by its approval', () => {
    const pair = (one: string, other: string) =>
      faults({ resources: { a: { ladder: [ladder('read', one), ladder(other)] } } })
    const text = (action: string) =>
      `resources.a.ladder[1]: "${action}" or "${action}-approval" stands on ladder 0 too; ladders share no action`
    expect(pair('send', 'send')).toEqual([text('send')])
    expect(pair('send', 'send-approval')).toEqual([text('send')])
    expect(pair('send-approval', 'send')).toEqual([text('send')])
  })

  it('count: at most 1,024 in a catalogue', () => {
    const resources = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`r${i}`, { ladder: ladders.use }]))
    expect(define({ resources: resources(1_024) }).slots).toHaveLength(1_024)
    expect(faults({ resources: resources(1_025) })).toEqual([
      'resources: there are 1025 ladders in all; the most is 1024',
    ])
  })
})

describe('what a resource says of itself', () => {
  const one = (rest: object) => faults({ resources: { a: { ladder: ladders.crud, ...rest } } })

  it('refuses labels and descriptions that are no text', () => {
    const rule = 'must be text of 1 to 2000 characters'
    for (const text of ['', 1, null, {}, 'x'.repeat(2_001)]) {
      expect(one({ label: text, describe: { read: text } })).toEqual([
        `resources.a.label: ${rule}`,
        `resources.a.describe.read: ${rule}`,
      ])
    }
    expect(one({ describe: 'x' })).toEqual(['resources.a.describe: must be an object'])
    expect(
      define({ resources: { a: { ladder: ladders.use, label: 'x'.repeat(2_000) } } }).slots,
    ).toHaveLength(1)
  })

  it('refuses sensitive rungs that are not there, of the wrong type, or two on one ladder', () => {
    expect(one({ sensitive: 'send' })).toEqual([
      'resources.a.sensitive: there is no rung "send" on this resource',
    ])
    expect(one({ sensitive: 1 })).toEqual(['resources.a.sensitive: there is no rung 1 on this resource'])
    expect(one({ sensitive: null })).toEqual([
      'resources.a.sensitive: there is no rung null on this resource',
    ])
    expect(one({ sensitive: ['read', 'write'] })).toEqual([
      'resources.a.sensitive: names two rungs of one ladder; the lower one says it all',
    ])
    expect(one({ sensitive: ['toString'] })).toEqual([
      'resources.a.sensitive: there is no rung "toString" on this resource',
    ])
  })

  it('describes what it refuses without calling upon it', () => {
    const shown = [true, () => 1, Symbol('x'), 1n, new Date(0), NaN].map((group) => one({ group })[0])
    expect(shown).toEqual(
      ['true', 'a function', 'a symbol', 'a bigint', 'an object', 'NaN'].map(
        (text) => `resources.a.group: there is no group ${text}`,
      ),
    )
  })

  it('refuses groups that are not there, inherited ones included', () => {
    for (const group of ['toString', 'constructor', 1, null, ['a']]) {
      expect(one({ group })[0]).toMatch(/^resources\.a\.group: there is no group /)
    }
  })
})

describe('renames', () => {
  const renamed = (value: unknown) => faults({ resources: { a: { ladder: ladders.use } }, renamed: value })

  it('lead to a resource of today, in one step', () => {
    expect(renamed({ old: 'toString' })).toEqual(['renamed.old: there is no resource "toString" to lead to'])
    expect(renamed({ old: 1 })).toEqual(['renamed.old: there is no resource 1 to lead to'])
    expect(renamed({ older: 'old', old: 'a' })).toEqual([
      'renamed.older: leads to "old", an old name itself; give the name of today',
    ])
    expect(renamed({ old: 'old' })).toEqual([
      'renamed.old: leads to "old", an old name itself; give the name of today',
    ])
  })

  it('do not start from a resource of today', () => {
    expect(renamed({ a: 'a' })).toEqual([
      'renamed.a: is the name of a resource of today, so it cannot be an old one too',
    ])
  })
})

describe('undefined', () => {
  it('counts as left out everywhere but for the ladder', () => {
    const a = {
      ladder: ladders.use,
      label: undefined,
      group: undefined,
      describe: undefined,
      sensitive: undefined,
    }
    const definition = { groups: undefined, resources: { a }, renamed: undefined }
    expect(define(definition).resources[0]).toMatchObject({ label: 'A', group: null })
    expect(
      define({ groups: { g: { label: undefined, sensitive: undefined } }, resources: { a } }).groups,
    ).toEqual([{ name: 'g', label: 'G', sensitive: false }])
  })
})
