import { describe, expect, test } from 'vitest'
import type { Actor } from '../../src/core/actor.js'
import { hostileValues } from '../core/hostile-values.js'
import { admin } from './sample.js'
import { openTokens } from './tokens/fixture.js'

/** Not one of them was ever handed out as a `type`. */
const types = [
  undefined,
  null,
  '',
  'KEY',
  'Key',
  'keys',
  'key ',
  'tokens',
  'Token',
  'toke',
  'principal',
  'user',
  1,
  true,
  ['token'],
  {},
]

async function open() {
  const world = await openTokens(['contacts:delete'], { keys: { prefix: 'tp', canManage: () => true } })
  const { token } = await world.exchange(world.secret, { scopes: ['contacts:read'], actor: 'agent' })
  const [key, its] = [await world.principalOf(world.secret), await world.principalOf(token)]
  /** Whether anything at all takes it for a caller. */
  async function isTaken(principal: unknown): Promise<boolean> {
    const actor = { type: 'principal', principal } as Actor
    const { keyrung } = world
    const [decision, access, list, exchanged] = await Promise.all([
      keyrung.authorize(principal as never, 'contacts:read'),
      keyrung.access(principal as never),
      keyrung.keys.list(actor).then(
        () => true,
        () => false,
      ),
      keyrung.tokens.exchange(principal as never).then(
        () => true,
        () => false,
      ),
    ])
    return decision.effect !== 'deny' || access.ok || list || exchanged
  }
  return { ...world, key, its, isTaken }
}

const lists = ['scopes', 'audience', 'chain']
const objects = /^(object|null prototype)/
const nullable = ['ownerId', 'address']
const isProper = (member: string, name: string): boolean =>
  (nullable.includes(member) && name === 'null') ||
  (member === 'metadata' && objects.test(name)) ||
  (lists.includes(member) && /^(empty array|array of one)$/.test(name))

describe.each(['key', 'its'] as const)('a principal that was kept (%s)', (kind) => {
  test('is taken as it was, through JSON, and for no more than it was', async () => {
    const world = await open()
    expect(await world.isTaken(world[kind])).toBe(true)
    const kept = JSON.parse(JSON.stringify(world[kind])) as typeof world.its
    expect(await world.isTaken(kept)).toBe(true)
    expect(await world.keyrung.access(kept)).toMatchObject({
      scopes: [kind === 'its' ? 'contacts:read' : 'contacts:delete'],
    })
  })

  test('is nobody without a proper type', async () => {
    const world = await open()
    for (const type of types) expect(await world.isTaken({ ...world[kind], type }), String(type)).toBe(false)
    const { type: _, ...untyped } = world[kind]
    expect(await world.isTaken(untyped)).toBe(false)
    expect(await world.isTaken(Object.assign(Object.create({ type: 'key' }), untyped))).toBe(false)
  })

  test('is nobody with a member missing, inherited or of another kind', async () => {
    const world = await open()
    const principal = world[kind] as unknown as Record<string, unknown>
    for (const member of Object.keys(principal)) {
      const { [member]: value, ...rest } = principal
      expect(await world.isTaken(rest), member).toBe(false)
      expect(await world.isTaken(Object.assign(Object.create({ [member]: value }), rest)), member).toBe(false)
      for (const [name, hostile] of Object.entries(hostileValues())) {
        if (isProper(member, name)) continue
        expect(await world.isTaken({ ...rest, [member]: hostile }), `${member}: ${name}`).toBe(false)
      }
    }
  })

  test('is nobody as another key, of another workspace or environment', async () => {
    const world = await open()
    const other = await world.keyrung.keys.create(admin, { name: 'other', scopes: ['contacts:delete'] })
    const { keyId, secretId } = await world.principalOf(other.secret)
    for (const change of [{ keyId }, { secretId }, { workspaceId: 'ws_2' }, { environment: 'test' }]) {
      expect(await world.isTaken({ ...world[kind], ...change }), JSON.stringify(change)).toBe(false)
    }
  })
})

test('nothing that a kept principal says of its key decides, not even where the host asks it', async () => {
  const world = await openTokens(['contacts:delete'], {
    keys: {
      prefix: 'tp',
      canManage: (actor) =>
        actor.type !== 'principal' ||
        (actor.principal.metadata['isAdmin'] === true && actor.principal.scopes.includes('contacts:delete')),
    },
  })
  const { key, secret } = await world.keyrung.keys.create(admin, {
    ...{ name: 'plain', scopes: ['contacts:read'], metadata: { team: ['a'] } },
  })
  const principal = await world.principalOf(secret)
  expect(principal).toMatchObject({
    scopes: ['contacts:read'],
    metadata: { team: ['a'] },
    environment: 'live',
  })
  const forged = {
    ...principal,
    ...{ metadata: { isAdmin: true }, scopes: ['contacts:delete'], keyName: 'root', ownerId: 'ann' },
  }
  expect(await world.keyrung.authorize(forged, 'contacts:delete')).toMatchObject({ effect: 'deny' })
  const list = (): Promise<unknown> => world.keyrung.keys.list({ type: 'principal', principal: forged })
  await expect(list()).rejects.toMatchObject({ code: 'forbidden' })
  const { version } = key
  const change = { metadata: { isAdmin: true }, scopes: ['contacts:delete'] } as const
  await world.keyrung.keys.edit(admin, key.id, change, { version })
  await expect(list()).resolves.toMatchObject({ next: null })
  // A token has its own part of the scopes, and its key's metadata.
  const { token } = await world.exchange(secret, { scopes: ['contacts:read'] })
  expect(await world.principalOf(token)).toMatchObject({
    scopes: ['contacts:read'],
    ...{ metadata: { isAdmin: true } },
  })
})

test('the principal of a token never passes for that of its key', async () => {
  const world = await open()
  expect(await world.isTaken({ ...world.its, type: 'key' })).toBe(false)
  expect(await world.isTaken({ ...world.key, type: 'token' })).toBe(false)
  for (const scopes of [['contacts:read contacts:delete'], ['contacts:*'], [''], [['contacts:delete']]]) {
    expect(await world.isTaken({ ...world.its, scopes }), JSON.stringify(scopes)).toBe(false)
  }
  expect(await world.isTaken({ ...world.its, expiresAt: Math.floor(world.clock.now() / 1000) })).toBe(false)
})
