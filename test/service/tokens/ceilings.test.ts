import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isKeyrungError } from '../../../src/core/errors.js'
import { createVerifier } from '../../../src/http/verify.js'
import { memorySink } from '../../../src/sinks/memory.js'
import { memoryStore } from '../../../src/stores/memory.js'
import { manualClock } from '../../../src/testing/manual-clock.js'
import { admin, catalog } from '../sample.js'
import type { SampleScope } from '../sample.js'
import { openTokens, tokens } from './fixture.js'

const everyScope = catalog.slots.flatMap(({ resource, rungs }) =>
  rungs.map((rung) => `${resource}:${rung}` as SampleScope),
)
const someScopes = fc.uniqueArray(fc.constantFrom(...everyScope), { minLength: 0, maxLength: 4 })
const ceiling = fc.oneof(fc.constant('full' as const), someScopes)

interface Ceilings {
  readonly access: boolean
  readonly plan: 'full' | readonly SampleScope[] | null
  /** Null: the owner has left. */
  readonly owner: 'full' | readonly SampleScope[] | null
}

const ceilings: fc.Arbitrary<Ceilings> = fc.record({
  access: fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, fc.constant(false)),
  plan: fc.option(ceiling),
  owner: fc.oneof({ weight: 4, arbitrary: ceiling }, fc.constant(null)),
})

const owned = { name: 'owned', ownerId: 'olga' } as const

/** A keyrung whose plan and directory say what they are told to. */
async function openCapped(now: Ceilings, options: Parameters<typeof openTokens>[1] = {}) {
  let told = now
  const world = await openTokens(['contacts:write'], {
    entitlements: {
      of: () => ({ access: told.access, ...(told.plan !== null && { ceilings: told.plan }) }),
    },
    directory: {
      rightsOf: (userId) => {
        if (userId !== 'olga') return { role: 'admin', scopes: 'full' }
        return told.owner === null ? null : { role: 'member', scopes: told.owner }
      },
    },
    ...options,
  })
  const verifier = createVerifier({
    ...{ issuer: tokens.issuer, audience: tokens.audience, environments: ['live'], catalog },
    jwks: await world.keyrung.tokens.jwks(),
    clock: world.clock,
  })
  function tell(next: Ceilings): void {
    told = next
    void world.keyrung.changed({ workspaceId: 'ws_1' })
    void world.keyrung.changed({ userId: 'olga' })
  }
  return { ...world, verifier, tell }
}

const unlimited: Ceilings = { access: true, plan: null, owner: 'full' }
const refused = (code: string) => expect.objectContaining({ code }) as Error

test('what a token lets its bearer do anywhere, the key may do at the moment of the exchange', async () => {
  let allowed = 0
  let refusals = 0
  await fc.assert(
    fc.asyncProperty(
      fc.option(someScopes),
      fc.option(someScopes, { nil: undefined }),
      fc.array(ceilings, { minLength: 1, maxLength: 3 }),
      async (held, wished, sequence) => {
        const { keyrung, verifier, tell, principalOf } = await openCapped(unlimited)
        const made = await keyrung.keys.create(
          admin,
          held === null
            ? { ...owned, mode: 'full' }
            : { ...owned, scopes: held.length > 0 ? (held as never) : ['ai:use'] },
        )
        const key = await principalOf(made.secret)
        const parents = [key, await principalOf((await keyrung.tokens.exchange(key)).token)]
        for (const next of sequence) {
          tell(next)
          for (const parent of parents) {
            const wish = { ...(wished && { scopes: wished }), audience: 'api' }
            const exchanged = await keyrung.tokens.exchange(parent, wish).catch((error: unknown) => {
              if (!isKeyrungError(error)) throw error
              expect(['beyond_own_rights', 'not_entitled']).toContain(error.code)
            })
            if (exchanged === undefined) refusals++
            if (exchanged === undefined) continue
            const token = await verifier.verify(exchanged.token)
            if (!token.ok) throw new Error(token.fault)
            for (const { permission } of catalog.permissions) {
              if (!token.can(permission as never)) continue
              allowed++
              const { effect } = await keyrung.authorize(parent, permission as never)
              expect(effect, permission).toBe('allow')
            }
          }
        }
        await keyrung.close()
      },
    ),
    { numRuns: 100 },
  )
  expect(allowed).toBeGreaterThan(30)
  expect(refusals).toBeGreaterThan(20)
})

describe('an exchange is refused', () => {
  test.each([
    ['the owner of the key has left', { ...unlimited, owner: null }, 'beyond_own_rights'],
    ['the owner has nothing of it any more', { ...unlimited, owner: ['ai:use'] }, 'beyond_own_rights'],
    ['the plan includes nothing of it', { ...unlimited, plan: ['ai:use'] }, 'not_entitled'],
    ['the plan has no API access', { ...unlimited, access: false }, 'not_entitled'],
  ] as const)('where %s', async (_, then, code) => {
    const { keyrung, tell, principalOf } = await openCapped(unlimited)
    const { secret } = await keyrung.keys.create(admin, { ...owned, scopes: ['contacts:write'] })
    const key = await principalOf(secret)
    const token = await principalOf((await keyrung.tokens.exchange(key)).token)
    tell(then)
    for (const parent of [key, token])
      await expect(keyrung.tokens.exchange(parent)).rejects.toEqual(refused(code))
  })

  test('where the limits of the key are used up, and says when to try again', async () => {
    const { keyrung, secret, principalOf } = await openTokens(['contacts:read'], {
      keys: { prefix: 'tp', limits: [{ name: 'minute', limit: 2, windowMs: 60_000 }] },
    })
    const key = await principalOf(secret)
    await keyrung.tokens.exchange(key)
    const token = await principalOf((await keyrung.tokens.exchange(key)).token)
    for (const parent of [key, token]) {
      await expect(keyrung.tokens.exchange(parent)).rejects.toMatchObject({
        code: 'limited',
        limits: { meters: [{ remaining: 0 }] },
      })
    }
  })

  test('is charged for, whatever becomes of it', async () => {
    const { keyrung, secret, principalOf } = await openTokens(['contacts:read'], {
      keys: { prefix: 'tp', limits: [{ name: 'minute', limit: 1, windowMs: 60_000 }] },
    })
    const key = await principalOf(secret)
    const wish = { scopes: ['contacts:delete'] } as const
    await expect(keyrung.tokens.exchange(key, wish)).rejects.toEqual(refused('beyond_own_rights'))
    await expect(keyrung.tokens.exchange(key, wish)).rejects.toEqual(refused('limited'))
  })
})

describe('the audit event of an exchange', () => {
  test('says what was made of what, and nothing of the token itself', async () => {
    const { keyrung, key, secret, exchange, principalOf } = await openTokens()
    const first = await exchange(secret, { actor: 'planner' })
    const second = await exchange(first.token, { scopes: ['contacts:read'] })
    const { secretId } = await principalOf(secret)
    const { events } = await keyrung.audit.list(admin, { action: 'token.exchanged' })
    const made = { keyId: key.id, secretId, audience: second.audience, chain: ['planner'] }
    expect(events).toMatchObject([
      {
        ...{ actor: `key:${key.id}`, before: null },
        target: { type: 'token', id: second.tokenId, name: 'agent' },
        after: {
          ...{ ...made, parentId: first.tokenId },
          ...{ scopes: ['contacts:read'], expiresAt: second.expiresAt },
        },
      },
      { target: { id: first.tokenId }, after: { ...made, parentId: null } },
    ])
    expect(JSON.stringify(events)).not.toContain(second.token.split('.')[2])
  })

  test('reaches sinks', async () => {
    const sink = memorySink()
    const { keyrung, secret, exchange } = await openTokens(['contacts:read'], { sinks: [sink] })
    await exchange(secret)
    await keyrung.tick()
    expect(sink.events.map(({ action }) => action)).toEqual(['key.created', 'token.exchanged'])
  })

  test('is committed with the key as it was judged: a change in between has it judged again', async () => {
    const clock = manualClock()
    const store = memoryStore({ clock })
    let meanwhile: (() => Promise<unknown>) | undefined
    const commit = store.commit.bind(store)
    store.commit = (changes) => {
      const change = meanwhile
      const isExchange = changes.some((one) => one.do === 'insert' && one.type === 'event')
      if (change === undefined || !isExchange) return commit(changes)
      meanwhile = undefined
      return change().then(() => commit(changes))
    }
    const { keyrung, key, secret, principalOf } = await openTokens(undefined, { clock, store })
    const principal = await principalOf(secret)
    const { version } = key
    meanwhile = () => keyrung.keys.edit(admin, key.id, { scopes: ['contacts:read'] }, { version })
    expect(await keyrung.tokens.exchange(principal)).toMatchObject({ scopes: ['contacts:read'] })
    meanwhile = () => keyrung.keys.revoke(admin, key.id)
    await expect(keyrung.tokens.exchange(principal)).rejects.toEqual(refused('key_revoked'))
    const { events } = await keyrung.audit.list(admin, { action: 'token.exchanged' })
    expect(events).toHaveLength(1)
  })
})
