import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { admin, createWorld, dayMs, hourMs, makeKey, outcome } from './fixture.js'
import type { World } from './fixture.js'
import { stores } from './stores.js'

interface ModelKey {
  readonly id: string
  name: string
  scope: string
  status: 'active' | 'revoked'
  reason: string | null
  version: number
  expiresAt: number | null
  /** Every secret there ever was, and when it ends; null: it does not. */
  readonly secrets: { text: string; endsAt: number | null }[]
}

/** What there should be: a list of keys, and numbers. */
interface Model {
  readonly keys: ModelKey[]
  /** Secrets of keys that were deleted. */
  readonly dead: string[]
  events: number
  settled: number
  readonly maxKeys: number
}

type Command = fc.AsyncCommand<Model, World>

/** What time has made of a key: only what is active uses up one of the plan's. */
const statusAt = ({ status, expiresAt }: ModelKey, now: number): string =>
  status === 'active' && expiresAt !== null && now >= expiresAt ? 'expired' : status

const activeCount = (model: Model, now: number): number =>
  model.keys.filter((key) => statusAt(key, now) === 'active').length

/** A command on one of the keys there are, by a number that any key count can be divided by. */
function onKey(
  label: string,
  pick: number,
  run: (key: ModelKey, model: Model, world: World) => Promise<void>,
): Command {
  return {
    check: (model) => model.keys.length > 0,
    run: async (model, world) => {
      await run(model.keys[pick % model.keys.length]!, model, world)
      await compare(model, world)
    },
    toString: () => `${label}(${pick})`,
  }
}

/** Holds everything that can be seen against the model. */
async function compare(model: Model, world: World): Promise<void> {
  const now = world.clock.now()
  const { keys } = await world.keys.list(admin, { limit: 100 })
  expect(keys.map(({ id }) => id).sort()).toEqual(model.keys.map(({ id }) => id).sort())
  for (const key of model.keys) {
    const { name, scopes, status, revokedReason, version, expiresAt, secrets } = await world.keys.get(
      admin,
      key.id,
    )
    expect({ name, scopes, status, revokedReason, version, expiresAt }).toEqual({
      name: key.name,
      scopes: [key.scope],
      status: statusAt(key, now),
      revokedReason: key.reason,
      version: key.version,
      expiresAt: key.expiresAt,
    })
    const living = key.secrets.filter(({ endsAt }) => endsAt === null || now < endsAt)
    expect(secrets.map(({ endsAt }) => endsAt).sort()).toEqual(living.map(({ endsAt }) => endsAt).sort())
    expect(secrets.length).toBeLessThanOrEqual(2)
    const isValid = status === 'active' && (expiresAt === null || now < expiresAt)
    for (const secret of key.secrets) {
      expect(await world.works(secret.text)).toBe(isValid && living.includes(secret))
    }
  }
  for (const secret of model.dead) expect(await world.credential(secret)).toBeUndefined()
  expect(await world.events()).toHaveLength(model.events)
  expect(world.settled).toBe(model.settled)
}

const create: Command = {
  check: () => true,
  run: async (model, world) => {
    const isFree = activeCount(model, world.clock.now()) < model.maxKeys
    const made = await makeKey(world).catch((error: unknown) => error as { code: string })
    expect('code' in made ? made.code : 'ok').toBe(isFree ? 'ok' : 'key_limit_reached')
    if ('secret' in made) {
      model.keys.push({
        id: made.key.id,
        name: 'CI',
        scope: 'contacts:write',
        status: 'active',
        reason: null,
        version: 1,
        expiresAt: null,
        secrets: [{ text: made.secret, endsAt: null }],
      })
      model.events++
    }
    await compare(model, world)
  },
  toString: () => 'create()',
}

const rename = (pick: number, name: string): Command =>
  onKey(`rename ${name}`, pick, async (key, model, world) => {
    await world.keys.edit(admin, key.id, { name }, { version: key.version })
    if (key.name === name) return
    Object.assign(key, { name, version: key.version + 1 })
    model.events++
  })

const rescope = (pick: number, scope: 'contacts:write' | 'users:read'): Command =>
  onKey(`rescope ${scope}`, pick, async (key, model, world) => {
    await world.keys.edit(admin, key.id, { scopes: [scope] }, { version: key.version })
    if (key.scope === scope) return
    Object.assign(key, { scope, version: key.version + 1 })
    model.events++
    model.settled++
  })

const expire = (pick: number): Command =>
  onKey('expire', pick, async (key, model, world) => {
    const expiresAt = world.clock.now() + hourMs
    const isFree = activeCount(model, world.clock.now()) < model.maxKeys
    const expected = statusAt(key, world.clock.now()) !== 'expired' || isFree ? 'ok' : 'key_limit_reached'
    const edit = world.keys.edit(admin, key.id, { expiresAt }, { version: key.version })
    expect(await outcome(edit)).toBe(expected)
    if (expected !== 'ok' || key.expiresAt === expiresAt) return
    Object.assign(key, { expiresAt, version: key.version + 1 })
    model.events++
    model.settled++
  })

const editStale = (pick: number): Command =>
  onKey('edit stale', pick, async (key, _model, world) => {
    const call = world.keys.edit(admin, key.id, { name: 'stale' }, { version: key.version + 1 })
    expect(await outcome(call)).toBe('conflict')
  })

const rotate = (pick: number, graceMs: number): Command =>
  onKey(`rotate ${graceMs}`, pick, async (key, model, world) => {
    const now = world.clock.now()
    const isLive = key.status === 'active' && (key.expiresAt === null || now < key.expiresAt)
    if (!isLive) {
      expect(await outcome(world.keys.rotate(admin, key.id, { graceMs }))).toBe('key_not_active')
      return
    }
    const { secret } = await world.keys.rotate(admin, key.id, { graceMs })
    for (const old of key.secrets) {
      if (old.endsAt === null) old.endsAt = now + graceMs
      else old.endsAt = Math.min(old.endsAt, now)
    }
    key.secrets.push({ text: secret, endsAt: null })
    key.version++
    model.events++
    model.settled++
  })

const revoke = (pick: number): Command =>
  onKey('revoke', pick, async (key, model, world) => {
    await world.keys.revoke(admin, key.id, { reason: `at ${model.events}` })
    model.settled++
    if (key.status === 'revoked') return
    Object.assign(key, { status: 'revoked', reason: `at ${model.events}`, version: key.version + 1 })
    model.events++
  })

const activate = (pick: number): Command =>
  onKey('activate', pick, async (key, model, world) => {
    const isFree = activeCount(model, world.clock.now()) < model.maxKeys
    const wouldBe = statusAt({ ...key, status: 'active' }, world.clock.now())
    const expected = key.status === 'active' || wouldBe === 'expired' || isFree ? 'ok' : 'key_limit_reached'
    expect(await outcome(world.keys.activate(admin, key.id))).toBe(expected)
    if (expected === 'ok') model.settled++
    if (expected !== 'ok' || key.status === 'active') return
    Object.assign(key, { status: 'active', reason: null, version: key.version + 1 })
    model.events++
  })

const remove = (pick: number): Command =>
  onKey('delete', pick, async (key, model, world) => {
    await world.keys.delete(admin, key.id)
    model.keys.splice(model.keys.indexOf(key), 1)
    model.dead.push(...key.secrets.map(({ text }) => text))
    model.events++
    model.settled++
    expect(await outcome(world.keys.delete(admin, key.id))).toBe('not_found')
  })

const wait = (ms: number): Command => ({
  check: () => true,
  run: async (model, world) => {
    await world.clock.advance(ms)
    await compare(model, world)
  },
  toString: () => `wait(${ms})`,
})

const purge: Command = {
  check: () => true,
  run: async (model, world) => {
    await world.store.purge({ now: world.clock.now(), limit: 100 })
    await compare(model, world)
  },
  toString: () => 'purge()',
}

const full = process.env['KEYRUNG_PROOF'] === 'full'

const pick = fc.nat({ max: 11 })

const commands = fc.commands<Model, World, false>(
  [
    fc.constant(create),
    fc.tuple(pick, fc.constantFrom('CI', 'Deploy')).map((args) => rename(...args)),
    fc.tuple(pick, fc.constantFrom('contacts:write', 'users:read')).map((args) => rescope(...args)),
    pick.map(expire),
    pick.map(editStale),
    fc.tuple(pick, fc.constantFrom(0, 1, hourMs, dayMs)).map((args) => rotate(...args)),
    pick.map(revoke),
    pick.map(activate),
    pick.map(remove),
    fc.constantFrom(1, hourMs - 1, hourMs, dayMs).map(wait),
    fc.constant(purge),
  ],
  { maxCommands: 40 },
)

describe.each(stores)('any sequence of changes on the %s store', (_, store) => {
  it('leaves exactly what a simple model says: states, versions, secrets, events, active keys', async () => {
    await fc.assert(
      fc.asyncProperty(commands, async (sequence) => {
        const world = await createWorld({ store })
        world.plan.maxKeys = 3
        const model: Model = { keys: [], dead: [], events: 0, settled: 0, maxKeys: 3 }
        await fc.asyncModelRun(() => ({ model, real: world }), sequence)
      }),
      { numRuns: full ? 2_000 : 40 },
    )
  })
})
