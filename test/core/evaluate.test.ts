import { describe, expect, it } from 'vitest'
import { defineCatalog } from '../../src/core/catalog.js'
import { denial } from '../../src/core/decision.js'
import { createDemand, demandOf, type Demand } from '../../src/core/demand.js'
import { check, evaluate } from '../../src/core/evaluate.js'
import { fullGrant, grantOf } from '../../src/core/grant.js'
import { ladder, ladders } from '../../src/core/ladder.js'
import type { Layers } from '../../src/core/layers.js'
import { faultsOf, errorOf } from './faults.js'
import { hostileValues } from './hostile-values.js'

const catalog = defineCatalog({
  resources: {
    contacts: { ladder: ladders.crud },
    email: { ladder: ladders.communication },
    forms: { ladder: [ladders.readWrite, ladder('send-approval', 'send')] },
    agents: { ladder: ladder('trigger-approval') },
  },
  renamed: { people: 'contacts' },
})

const levels = (...scopes: string[]) => grantOf(catalog, scopes).levels
const full = fullGrant(catalog).levels
const demand = (...permissions: string[]) => demandOf(catalog, permissions)
const always = (...permissions: string[]) => demandOf(catalog, permissions, { approval: 'always' })
const decide = (given: Demand, layers: Layers) => evaluate(given, layers)

describe('an allowed call', () => {
  it('gets one ready-made answer, so that nothing is allocated', () => {
    const read = demand('contacts:read', 'email:read')
    const layers = {
      key: levels('contacts:read', 'email:send'),
      owner: full,
      plan: full,
      client: full,
      access: true,
    }
    expect(decide(read, layers)).toBe(read.allow)
    expect(read.allow).toEqual({
      effect: 'allow',
      permissions: ['contacts:read', 'email:read'],
      reasons: [
        { permission: 'contacts:read', effect: 'allow' },
        { permission: 'email:read', effect: 'allow' },
      ],
    })
  })

  it('demanding nothing is open to any valid credential of a workspace with access', () => {
    const nothing = demand()
    expect(decide(nothing, { key: levels() })).toBe(nothing.allow)
    expect(decide(nothing, { key: levels(), access: true })).toBe(nothing.allow)
    expect(decide(nothing, { key: full, access: false })).toEqual({
      effect: 'deny',
      code: 'not_entitled',
      permissions: [],
      permission: null,
      scopes: [],
      reasons: [],
    })
  })

  it('takes access from nothing but true', () => {
    for (const access of [false, 0, 'true', null, {}]) {
      const decision = decide(demand('contacts:read'), { key: full, access: access as never })
      expect(decision).toMatchObject({ effect: 'deny', code: 'not_entitled' })
    }
  })
})

describe('a queued call', () => {
  it('names what queues and the layer that makes it', () => {
    const given = demand('contacts:read', 'contacts:write', 'email:send')
    const layers = {
      key: levels('contacts:write', 'email:send-approval'),
      owner: levels('contacts:write-approval', 'email:send'),
    }
    expect(decide(given, layers)).toEqual({
      effect: 'approval',
      permissions: ['contacts:read', 'contacts:write', 'email:send'],
      queued: ['contacts:write', 'email:send'],
      reasons: [
        { permission: 'contacts:read', effect: 'allow' },
        { permission: 'contacts:write', effect: 'approval', layer: 'owner' },
        { permission: 'email:send', effect: 'approval', layer: 'key' },
      ],
    })
  })

  it.each(['token', 'client', 'owner', 'plan'] as const)(
    'is what a ceiling of the %s makes that reaches the approval only',
    (layer) => {
      const layers = { key: full, [layer]: levels('contacts:write-approval') }
      expect(decide(demand('contacts:write'), layers)).toMatchObject({
        effect: 'approval',
        reasons: [{ permission: 'contacts:write', effect: 'approval', layer }],
      })
    },
  )

  it('is what an operation makes that always waits for a human, Full Access included', () => {
    expect(decide(always('contacts:read', 'contacts:write'), { key: full })).toEqual({
      effect: 'approval',
      permissions: ['contacts:read', 'contacts:write'],
      queued: ['contacts:read', 'contacts:write'],
      reasons: [
        { permission: 'contacts:read', effect: 'approval', layer: 'operation' },
        { permission: 'contacts:write', effect: 'approval', layer: 'operation' },
      ],
    })
    expect(decide(always(), { key: levels() })).toEqual({
      effect: 'approval',
      permissions: [],
      queued: [],
      reasons: [],
    })
  })

  it('never is what such an operation makes of a refusal', () => {
    expect(decide(always('contacts:delete'), { key: levels('contacts:write') })).toMatchObject({
      effect: 'deny',
      code: 'insufficient',
    })
    expect(decide(always(), { key: full, access: false })).toMatchObject({ code: 'not_entitled' })
  })
})

describe('a refused call', () => {
  it('is told all scopes the operation needs, those already held included, one for each ladder', () => {
    const given = demand('contacts:read', 'contacts:write', 'email:read', 'forms:send')
    const layers = { key: levels('contacts:read', 'email:read', 'forms:read') }
    expect(decide(given, layers)).toEqual({
      effect: 'deny',
      code: 'insufficient',
      permissions: ['contacts:read', 'contacts:write', 'email:read', 'forms:send'],
      permission: 'contacts:write',
      scopes: ['contacts:write', 'email:read', 'forms:send'],
      reasons: [
        { permission: 'contacts:read', effect: 'allow' },
        {
          permission: 'contacts:write',
          effect: 'deny',
          code: 'insufficient',
          layer: 'key',
          scopes: ['contacts:write'],
        },
        { permission: 'email:read', effect: 'allow' },
        {
          permission: 'forms:send',
          effect: 'deny',
          code: 'insufficient',
          layer: 'key',
          scopes: ['forms:send'],
        },
      ],
    })
  })

  it('is told the higher of two scopes of one ladder, in whatever order it was demanded', () => {
    const decision = decide(demand('contacts:delete', 'contacts:read'), { key: levels('contacts:read') })
    expect(decision).toMatchObject({ scopes: ['contacts:delete'] })
  })

  it('is told the approval scope where no more is to be had, or no more would help', () => {
    const holder = { key: levels('forms:read', 'contacts:read') }
    expect(decide(always('contacts:write'), holder)).toMatchObject({ scopes: ['contacts:write-approval'] })
    const agents = defineCatalog({ resources: { a: { ladder: ladder('read', 'run-approval') } } })
    const run = createDemand(agents, 'a:run')
    expect(evaluate(run, { key: grantOf(agents, ['a:read']).levels })).toMatchObject({
      scopes: ['a:run-approval'],
    })
  })

  it('is hidden where the key holds nothing on any ladder of the resource, and named no scopes', () => {
    expect(decide(demand('forms:send'), { key: levels('contacts:read') })).toEqual({
      effect: 'deny',
      code: 'hidden',
      permissions: ['forms:send'],
      permission: 'forms:send',
      scopes: [],
      reasons: [{ permission: 'forms:send', effect: 'deny', code: 'hidden', layer: 'key' }],
    })
    expect(decide(demand('forms:send'), { key: levels('forms:read') })).toMatchObject({
      code: 'insufficient',
    })
    expect(decide(demand('forms:read'), { key: levels('forms:send-approval') })).toMatchObject({
      code: 'insufficient',
    })
  })

  it("is hidden too where the client's slice has nothing, or nothing that the key has", () => {
    const hidden = { code: 'hidden', reasons: [{ code: 'hidden', layer: 'client' }] }
    expect(decide(demand('forms:read'), { key: full, client: levels('email:read') })).toMatchObject(hidden)
    expect(
      decide(demand('forms:read'), { key: levels('forms:read'), client: levels('forms:send') }),
    ).toMatchObject(hidden)
    expect(decide(demand('forms:read'), { key: full, client: levels('forms:send') })).toMatchObject({
      code: 'insufficient',
      reasons: [{ layer: 'client' }],
    })
  })

  it("is hidden too where a token's part of the key has nothing, or nothing that the client has", () => {
    const hidden = { code: 'hidden', reasons: [{ code: 'hidden', layer: 'token' }] }
    expect(decide(demand('forms:read'), { key: full, token: levels('email:read') })).toMatchObject(hidden)
    const parted = { key: full, token: levels('forms:read'), client: levels('forms:send') }
    expect(decide(demand('forms:read'), parted)).toMatchObject({
      code: 'hidden',
      reasons: [{ layer: 'client' }],
    })
    expect(decide(demand('forms:read'), { key: full, token: levels('forms:send') })).toMatchObject({
      code: 'insufficient',
      reasons: [{ layer: 'token' }],
    })
  })

  it("is not hidden by the owner's rights or the plan", () => {
    expect(decide(demand('forms:read'), { key: full, owner: levels() })).toMatchObject({
      code: 'owner_insufficient',
      scopes: [],
      reasons: [{ layer: 'owner', code: 'owner_insufficient' }],
    })
    expect(decide(demand('forms:read'), { key: full, plan: levels() })).toMatchObject({
      code: 'not_entitled',
      scopes: [],
      reasons: [{ layer: 'plan', code: 'not_entitled' }],
    })
  })

  it('takes a workspace without access for one whose plan includes nothing', () => {
    expect(decide(demand('forms:read'), { key: full, plan: full, access: false })).toMatchObject({
      code: 'not_entitled',
      permission: 'forms:read',
    })
    expect(decide(demand('forms:read'), { key: levels(), access: false })).toMatchObject({ code: 'hidden' })
  })

  it('answers in the order of precedence, whatever stands first', () => {
    const key = levels('contacts:read', 'email:read', 'forms:read', 'agents:trigger-approval')
    const owner = levels('contacts:read', 'email:read')
    const layers = { key, owner, plan: levels('contacts:read', 'forms:read', 'email:read') }
    const code = (...permissions: string[]) => {
      const decision = decide(demand(...permissions), layers)
      return decision.effect === 'deny' ? `${decision.code} ${decision.permission}` : decision.effect
    }
    expect(code('contacts:read')).toBe('allow')
    expect(code('contacts:read', 'email:send')).toBe('not_entitled email:send')
    expect(code('forms:read', 'contacts:read')).toBe('owner_insufficient forms:read')
    expect(code('forms:read', 'agents:trigger')).toBe('not_entitled agents:trigger')
    expect(code('agents:trigger', 'gone:read', 'forms:read')).toBe('unknown_permission gone:read')
    const blind = { ...layers, key: levels('contacts:read') }
    const decision = decide(demand('contacts:delete', 'forms:read', 'email:read'), blind)
    expect(decision).toMatchObject({ code: 'hidden', permission: 'forms:read' })
    const poor = decide(demand('contacts:write', 'contacts:delete'), { key: levels('contacts:read') })
    expect(poor).toMatchObject({ code: 'insufficient', permission: 'contacts:write' })
  })

  it('is what a table of another catalogue ends in that is too short, as key and as ceiling', () => {
    const short = new Uint8Array(1).fill(5)
    const none = new Uint8Array(0)
    expect(decide(demand('forms:send'), { key: short })).toMatchObject({ code: 'hidden' })
    expect(decide(demand('contacts:read'), { key: none })).toMatchObject({ code: 'hidden' })
    for (const layer of ['token', 'client', 'owner', 'plan']) {
      expect(decide(demand('forms:send'), { key: full, [layer]: short })).toMatchObject({ effect: 'deny' })
    }
  })

  it('can be of everything, for a credential that counts for nothing', () => {
    expect(denial('key_revoked', ['contacts:read'])).toEqual({
      effect: 'deny',
      code: 'key_revoked',
      permissions: ['contacts:read'],
      permission: null,
      scopes: [],
      reasons: [],
    })
    expect(denial('credential_missing').permissions).toEqual([])
  })
})

describe('a check by name', () => {
  it('is allow, approval or deny, unknown names being denied', () => {
    const grant = grantOf(catalog, ['contacts:write-approval'])
    const answers = ['contacts:read', 'people:write', 'contacts:delete', 'email:read', 'gone:read'].map(
      (name) => check(catalog, grant, name),
    )
    expect(answers).toEqual(['allow', 'approval', 'deny', 'deny', 'deny'])
  })

  it.each(Object.entries(hostileValues()))('denies %s', (_name, value) => {
    expect(check(catalog, grantOf(catalog, 'full'), value as string)).toBe('deny')
  })
})

describe('a demand', () => {
  it('holds canonical names, each once', () => {
    const given = createDemand(catalog, [
      'contacts:read',
      'people:read' as never,
      'contacts:read',
      'email:send',
    ])
    expect(given.permissions).toEqual(['contacts:read', 'email:send'])
    expect(given.bound.map(({ permission }) => permission)).toEqual(['contacts:read', 'email:send'])
    expect(given).toMatchObject({ unknown: [], always: false })
    expect(createDemand(catalog, 'email:send').permissions).toEqual(['email:send'])
    expect(createDemand(catalog, [], { approval: 'always' }).always).toBe(true)
    for (const part of [
      given,
      given.permissions,
      given.bound,
      given.unknown,
      given.allow,
      given.allow.reasons,
    ]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
  })

  it('in the code of a host fails when it is made, if it is not a demand', () => {
    expect(errorOf(() => createDemand(catalog, ['contacts:read', 'contacts:raed' as never])).message).toBe(
      'There is no permission "contacts:raed" in the catalogue. Did you mean "contacts:read"?',
    )
    expect(errorOf(() => createDemand(catalog, 'x' as never)).code).toBe('unknown_permission')
    expect(errorOf(() => createDemand(catalog, [undefined as never])).code).toBe('unknown_permission')
    for (const value of [undefined, null, 7, {}, Array.from({ length: 65 }, () => 'contacts:read')]) {
      expect(faultsOf('config_invalid', () => createDemand(catalog, value as never))).toEqual([
        'permissions: must be a permission or an array of at most 64',
      ])
    }
    for (const approval of ['never', true, 1]) {
      expect(faultsOf('config_invalid', () => createDemand(catalog, [], { approval } as never))).toEqual([
        'options.approval: must be "always" where it is given',
      ])
    }
    const options = (value: unknown) =>
      faultsOf('config_invalid', () => createDemand(catalog, [], value as never))
    expect(options({ aproval: 'always' })).toEqual([
      'options.aproval: there is no such property; there are approval, cost, limit',
    ])
    expect(options(null)).toEqual(['options: must be an object'])
    expect(
      createDemand(
        catalog,
        Array.from({ length: 64 }, () => 'contacts:read' as const),
      ).bound,
    ).toHaveLength(1)
  })

  it.each(Object.entries(hostileValues()).filter(([name]) => name !== 'array of one'))(
    'that came in as %s is denied, Full Access included',
    (_name, value) => {
      expect(decide(demandOf(catalog, value), { key: full })).toMatchObject({
        effect: 'deny',
        code: 'unknown_permission',
        scopes: [],
        reasons: [{ permission: '(malformed)', effect: 'deny', code: 'unknown_permission' }],
      })
      expect(decide(demandOf(catalog, ['contacts:read', value]), { key: full })).toMatchObject({
        code: 'unknown_permission',
        permission: '(malformed)',
        permissions: ['contacts:read', '(malformed)'],
      })
    },
  )

  it('that came in is denied where it is unknown, and repeats only what has the form of a permission', () => {
    expect(decide(demandOf(catalog, 'gone:read'), { key: full })).toMatchObject({ permission: 'gone:read' })
    expect(decide(demandOf(catalog, 'tp_live_secret'), { key: full })).toMatchObject({
      permission: '(malformed)',
    })
    expect(decide(demandOf(catalog, '__proto__:read'), { key: full })).toMatchObject({
      permission: '(malformed)',
    })
    const many = Array.from({ length: 65 }, () => 'contacts:read')
    expect(decide(demandOf(catalog, many), { key: full })).toMatchObject({ effect: 'deny' })
    expect(decide(demandOf(catalog, many.slice(1)), { key: full })).toMatchObject({ effect: 'allow' })
    expect(decide(demandOf(catalog, 'people:read'), { key: full })).toMatchObject({
      permissions: ['contacts:read'],
    })
  })
})
