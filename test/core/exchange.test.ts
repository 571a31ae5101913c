import { describe, expect, it } from 'vitest'
import { defineCatalog } from '../../src/core/catalog.js'
import { narrow, type ExchangeBounds, type TokenParent } from '../../src/core/exchange.js'
import { compileGrant, fullGrant } from '../../src/core/grant.js'
import { ladders } from '../../src/core/ladder.js'
import { errorOf, faultsOf } from './faults.js'
import { hostileValues } from './hostile-values.js'

const catalog = defineCatalog({
  resources: { contacts: { ladder: ladders.crud }, email: { ladder: ladders.communication } },
})
const now = 1_700_000_000_400
const bounds: ExchangeBounds = { now, lifetimeMs: 300_000, maxChain: 2 }
const parent: TokenParent = {
  grant: compileGrant(catalog, 'contacts:write gone:read'),
  audience: ['https://api.example', 'https://mail.example'],
  expiresAt: null,
  chain: ['planner'],
}

describe('what a token is exchanged for', () => {
  it('is all the parent has where nothing is wished, scopes of another version left out', () => {
    expect(narrow(catalog, parent, {}, bounds)).toEqual({
      scopes: 'contacts:write',
      audience: parent.audience,
      issuedAt: 1_700_000_000_000,
      expiresAt: 1_700_000_300_000,
      chain: ['planner'],
    })
  })

  it('may be a lower rung, fewer audiences, a shorter life, another actor', () => {
    const wish = {
      scopes: ['contacts:read', 'contacts:write-approval'],
      audience: 'https://mail.example',
      lifetimeMs: 1000,
      actor: 'researcher',
    } as const
    expect(narrow(catalog, parent, wish, bounds)).toEqual({
      scopes: 'contacts:write-approval',
      audience: ['https://mail.example'],
      issuedAt: 1_700_000_000_000,
      expiresAt: 1_700_000_001_000,
      chain: ['researcher', 'planner'],
    })
  })

  it('may be no scope at all, and never Full Access itself', () => {
    expect(narrow(catalog, parent, { scopes: [] }, bounds).scopes).toBe('')
    const full = { ...parent, grant: fullGrant(catalog) }
    expect(narrow(catalog, full, {}, bounds).scopes).toBe('contacts:delete email:send')
  })

  it('ends with its parent, and has a second at least', () => {
    const ends = (expiresAt: number) => ({ ...parent, expiresAt })
    expect(narrow(catalog, ends(now + 2_700), {}, bounds).expiresAt).toBe(1_700_000_003_000)
    expect(errorOf(() => narrow(catalog, ends(now + 599), {}, bounds)).code).toBe('credential_invalid')
    expect(errorOf(() => narrow(catalog, ends(now), {}, bounds)).code).toBe('credential_invalid')
  })
})

describe('an exchange is refused', () => {
  it('for more than the parent has, each of it named', () => {
    const wish = {
      scopes: ['contacts:delete', 'email:send-approval', 'contacts:read'],
      audience: ['https://mail.example', 'https://bill.example'],
    }
    expect(faultsOf('beyond_own_rights', () => narrow(catalog, parent, wish, bounds))).toEqual([
      'scopes: contacts:delete is more than there is to hand on',
      'scopes: email:send-approval is more than there is to hand on',
      'audience[1]: is not one that tokens of it are for',
    ])
  })

  it('for what is malformed, all of it told at once', () => {
    const wish = {
      scopes: ['contacts:wriet'],
      audience: [],
      lifetimeMs: 300_001,
      actor: 'two\nlines',
      limits: [],
    }
    expect(faultsOf('input_invalid', () => narrow(catalog, parent, wish, bounds))).toEqual([
      'limits: there is no such property; there are scopes, audience, lifetimeMs, actor',
      'scopes[0]: there is no scope "contacts:wriet"; did you mean "contacts:write"?',
      'audience: must be the name of an audience, or an array of 1 to 8',
      'lifetimeMs: must be from 1 to 300 seconds',
      'actor: must be 1 to 255 characters on one line',
    ])
  })

  it('for one more actor than may act in a row', () => {
    const second = narrow(catalog, parent, { actor: 'researcher' }, bounds)
    const child = { ...second, grant: compileGrant(catalog, second.scopes) }
    expect(faultsOf('input_invalid', () => narrow(catalog, child, { actor: 'writer' }, bounds))).toEqual([
      'actor: would be one more than the 2 that may act in a row',
    ])
    expect(narrow(catalog, child, {}, bounds).chain).toEqual(['researcher', 'planner'])
  })

  it.each(['scopes', 'audience', 'lifetimeMs', 'actor'])(
    'for a %s of a wrong kind, and nothing else is thrown',
    (field) => {
      for (const [kind, value] of Object.entries(hostileValues())) {
        const isFine = value === undefined || (field === 'scopes' && kind === 'array of one')
        if (isFine) continue
        const { code } = errorOf(() => narrow(catalog, parent, { [field]: value }, bounds))
        expect(['input_invalid', 'beyond_own_rights'], kind).toContain(code)
      }
    },
  )

  it('for a wish that is no object', () => {
    const throwing = hostileValues()['proxy that throws']
    for (const wish of [undefined, null, 'contacts:read', 1, ['contacts:read'], throwing]) {
      expect(errorOf(() => narrow(catalog, parent, wish as never, bounds)).code).toBe('input_invalid')
    }
  })
})
