import { describe, expect, test, vi } from 'vitest'
import { openTokens } from './fixture.js'

const sources = { name: 'failures', limit: 3, windowMs: 60_000 }

/** Asks with a credential from an address, through the one way or the other. */
const ways = {
  admit: async ({ keyrung }: World, credential: string, address: string) => {
    const request = { authorization: [`Bearer ${credential}`], address }
    const admission = await keyrung.admit(request, keyrung.demand('contacts:read'))
    return admission.ok ? 'allow' : admission.code
  },
  authenticate: async ({ keyrung }: World, credential: string, ip: string) => {
    const known = await keyrung.authenticate(credential, { ip })
    return known.ok ? 'allow' : known.code
  },
}

type World = Awaited<ReturnType<typeof openTokens>>

function countVerified() {
  const spy = vi.spyOn(globalThis.crypto.subtle, 'verify')
  return { count: () => spy.mock.calls.length, [Symbol.dispose]: () => spy.mockRestore() }
}

describe.each(Object.entries(ways))('a token that has expired, at %s', (_, ask) => {
  test.each([
    ['was known before', true],
    ['is seen for the first time', false],
  ])('costs at most one check of its signature where it %s', async (__, isKnown) => {
    const world = await openTokens(['contacts:read'], { limits: { sources: false } })
    const { token } = await world.exchange(world.secret, { lifetimeMs: 1_000 })
    using verified = countVerified()
    if (isKnown) expect(await ask(world, token, '192.0.2.1')).toBe('allow')
    await world.clock.advance(1_000)
    for (let i = 0; i < 20; i++) expect(await ask(world, token, '192.0.2.1')).toBe('token_expired')
    expect(verified.count()).toBe(1)
    await world.clock.advance(3_600_000)
    expect(await ask(world, token, '192.0.2.1')).toBe('token_expired')
    expect(verified.count()).toBe(1)
  })

  test('counts against the allowance of its source, as every rejected credential does', async () => {
    const world = await openTokens(['contacts:read'], { limits: { sources } })
    const late = await world.exchange(world.secret, { lifetimeMs: 1_000 })
    await world.clock.advance(1_000)
    const { token } = await world.exchange(world.secret)
    expect(await ask(world, token, '192.0.2.1')).toBe('allow')
    for (let i = 0; i < 3; i++) expect(await ask(world, late.token, '192.0.2.1')).toBe('token_expired')
    expect(await ask(world, late.token, '192.0.2.1')).toBe('limited')
    expect(await ask(world, late.token, '198.51.100.7')).toBe('token_expired')
    expect(await ask(world, token, '192.0.2.1')).toBe('allow')
    expect(await ask(world, world.secret, '192.0.2.1')).toBe('allow')
  })
})

test('a token is good again where the clock was wrong about it', async () => {
  const world = await openTokens(['contacts:read'])
  const { token } = await world.exchange(world.secret, { lifetimeMs: 1_000 })
  world.clock.step(5_000)
  expect(await world.ask(token, 'contacts:read')).toBe('token_expired')
  world.clock.step(-5_000)
  expect(await world.ask(token, 'contacts:read')).toBe('allow')
})
