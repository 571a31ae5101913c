import { describe, expect, test } from 'vitest'
import type { KeyPrincipal, Principal } from '../../src/core/principal.js'
import { createKeyrung } from '../../src/service/create-keyrung.js'
import type { Keyrung } from '../../src/service/keyrung.js'
import { isKeyrungError } from '../../src/core/errors.js'
import { memoryStore } from '../../src/stores/memory.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import { tokens } from './tokens/fixture.js'
import { admin, catalog } from './sample.js'

/** Two instances of one host on one store: the first makes keys for both environments, the second accepts `live` only. */
async function openInstances() {
  const clock = manualClock()
  const store = memoryStore({ clock })
  const open = (environments: readonly string[]) =>
    createKeyrung({
      ...{ catalog, clock, store, tokens, notify: () => undefined },
      keys: { prefix: 'tp', environments, canManage: () => true },
      approvals: { canDecide: () => true },
      secret: 'a secret of the host, for tests only',
    })
  const [maker, keyrung] = [open(['live', 'test']), open(['live'])]
  return { clock, maker, keyrung }
}

type World = Awaited<ReturnType<typeof openInstances>>

/** How a kept principal comes to be refused, and the code. */
const columns: Record<string, readonly [code: string, make: (world: World) => Promise<KeyPrincipal>]> = {
  revoked: ['key_revoked', (world) => keep(world, {}, (id) => world.maker.keys.revoke(admin, id))],
  expired: [
    'key_expired',
    (world) => keep(world, { expiresAt: world.clock.now() + 1_000 }, () => world.clock.advance(1_000)),
  ],
  'rotated out': [
    'secret_rotated',
    (world) => keep(world, {}, (id) => world.maker.keys.rotate(admin, id, { graceMs: 0 })),
  ],
  'not yet valid': [
    'key_not_yet_valid',
    (world) =>
      keep(world, {}, (id, version) =>
        world.maker.keys.edit(admin, id, { notBefore: world.clock.now() + 60_000 }, { version }),
      ),
  ],
  'from another address': ['address_denied', (world) => keep(world, { addressRules: ['192.0.2.1'] })],
  'of an environment that this instance does not accept': [
    'credential_invalid',
    (world) => keep(world, { environment: 'test' }),
  ],
}

async function keep(
  { maker }: World,
  fields: object,
  end?: (id: string, version: number) => Promise<unknown>,
): Promise<KeyPrincipal> {
  const { key, secret } = await maker.keys.create(admin, { name: 'agent', mode: 'full', ...fields })
  const known = await maker.authenticate(secret, { ip: '192.0.2.1' })
  const principal = principalOf(known)
  await end?.(key.id, key.version)
  return key.addressRules.length > 0 ? { ...principal, address: '192.0.2.2' } : principal
}

function principalOf(known: Awaited<ReturnType<Keyrung['authenticate']>>): KeyPrincipal {
  if (!known.ok || known.principal.type !== 'key') throw new Error('not authenticated as a key')
  return known.principal
}

/** Every entry that takes a kept principal. */
const entries: Record<string, (keyrung: World['keyrung'], principal: Principal) => Promise<unknown>> = {
  authorize: async (keyrung, principal) => keyrung.authorize(principal, 'contacts:read'),
  access: async (keyrung, principal) => keyrung.access(principal),
  explain: async (keyrung, principal) => (await keyrung.explain(principal, 'contacts:read')).decision,
  'tokens.exchange': (keyrung, principal) => keyrung.tokens.exchange(principal),
  'keys.list': (keyrung, principal) => keyrung.keys.list({ type: 'principal', principal }),
  'keys.create': (keyrung, principal) =>
    keyrung.keys.create({ type: 'principal', principal }, { name: 'child', scopes: ['contacts:read'] }),
  'approvals.list': (keyrung, principal) => keyrung.approvals.list({ type: 'principal', principal }),
  'audit.list': (keyrung, principal) => keyrung.audit.list({ type: 'principal', principal }),
  usage: (keyrung, principal) => keyrung.usage({ type: 'principal', principal }),
}

async function codeOf(call: Promise<unknown>): Promise<unknown> {
  try {
    const answer = (await call) as { ok?: boolean; effect?: string; code?: string }
    return answer.ok === false || answer.effect === 'deny' ? answer.code : 'accepted'
  } catch (error) {
    if (isKeyrungError(error)) return error.code
    throw error
  }
}

describe.each(Object.entries(entries))('%s', (_, call) => {
  test('accepts a principal in force', async () => {
    const world = await openInstances()
    expect(await codeOf(call(world.keyrung, await keep(world, {})))).toBe('accepted')
  })

  test.each(Object.entries(columns))('refuses a principal whose key is %s', async (_column, [code, make]) => {
    const world = await openInstances()
    const principal = await make(world)
    expect(code.split('|')).toContain(await codeOf(call(world.keyrung, principal)))
  })

  const wrong: [string, object][] = [
    ['no type', { type: undefined }],
    ['a misspelled type', { type: 'Token' }],
    ['a type of another kind', { type: ['key'] }],
    ['token as its type and no claims', { type: 'token' }],
    ['no key name', { keyName: undefined }],
    ['an environment of another kind', { environment: 1 }],
    ['an owner of another kind', { ownerId: {} }],
    ['an address of another kind', { address: ['192.0.2.1'] }],
    ['a foreign workspace', { workspaceId: 'ws_2' }],
  ]
  test.each(wrong)('refuses a principal with %s', async (_case, change) => {
    const world = await openInstances()
    const kept = { ...(await keep(world, {})), ...change } as KeyPrincipal
    expect(['credential_invalid', 'input_invalid']).toContain(await codeOf(call(world.keyrung, kept)))
  })

  test('never takes a token with a misspelled type for its key', async () => {
    const world = await openInstances()
    const { secret } = await world.maker.keys.create(admin, { name: 'agent', mode: 'full' })
    const made = await world.keyrung.tokens.exchange(principalOf(await world.keyrung.authenticate(secret)), {
      scopes: ['contacts:read'],
    })
    const known = await world.keyrung.authenticate(made.token)
    if (!known.ok) throw new Error(known.code)
    for (const type of [undefined, 'Token', 'TOKEN', 'access_token']) {
      const kept = { ...known.principal, type } as unknown as Principal
      expect(['credential_invalid', 'input_invalid']).toContain(await codeOf(call(world.keyrung, kept)))
    }
  })
})
