import { describe, expect, it } from 'vitest'
import type { Actor } from '../../../src/core/actor.js'
import type { Lifetime } from '../../../src/core/lifetime.js'
import type { KeySettingsOptions, KeyVerb } from '../../../src/service/key-settings.js'
import type { ProposedKey } from '../../../src/service/keys/view.js'
import { admin, createWorld, dayMs, host, makeKey, outcome, refusal } from './fixture.js'
import { stores } from './stores.js'
import type { MakeStore } from './stores.js'

const month = 30 * dayMs

/** Each rule by the host, by the plan, and by both: what a key may be, and which limit says no. */
const table: [name: string, host: Lifetime, plan: Lifetime, most: number, limit: string][] = [
  ['the host requires', { requireExpiry: true }, {}, Infinity, 'keys.requireExpiry'],
  ['the plan requires', {}, { requireExpiry: true }, Infinity, "the plan's requireExpiry"],
  [
    'the plan cannot waive',
    { requireExpiry: true },
    { requireExpiry: false },
    Infinity,
    'keys.requireExpiry',
  ],
  ['the host bounds', { maxLifetimeMs: month }, {}, month, 'keys.maxLifetimeMs'],
  ['the plan bounds', {}, { maxLifetimeMs: month }, month, "the plan's maxLifetimeMs"],
  [
    'the plan is tighter',
    { maxLifetimeMs: 2 * month },
    { maxLifetimeMs: month },
    month,
    "the plan's maxLifetimeMs",
  ],
  [
    'the host is tighter',
    { maxLifetimeMs: month },
    { maxLifetimeMs: 2 * month },
    month,
    'keys.maxLifetimeMs',
  ],
]

async function worldOf(store: MakeStore, settings: KeySettingsOptions, lifetime: Lifetime) {
  const world = await createWorld({ store, settings })
  return Object.assign(world, { plan: Object.assign(world.plan, { lifetime }) })
}

describe.each(stores)('how long a key may last on the %s store', (_, store) => {
  it.each(table)('%s', async (_name, settings, plan, most, limit) => {
    const world = await worldOf(store, settings, plan)
    const now = world.clock.now()
    const longest = most === Infinity ? now + 1000 * month : now + most
    const refused = [{}, { expiresAt: null }, ...(most === Infinity ? [] : [{ expiresAt: longest + 1 }])]
    for (const by of [admin, host] as Actor[]) {
      for (const input of refused) {
        const create = world.keys.create(by, { name: 'CI', scopes: ['contacts:read'], ...input } as never)
        const { faults } = await refusal(create, 'input_invalid')
        expect(faults).toMatchObject([{ path: 'expiresAt' }])
        expect(faults[0]!.message).toContain(limit)
        if (most !== Infinity) expect(faults[0]!.message).toContain(new Date(longest).toISOString())
      }
    }
    const { key } = await makeKey(world, { expiresAt: longest })
    const edit = (input: object) => world.keys.edit(admin, key.id, input, { version: 1 })
    await world.clock.advance(dayMs)
    for (const input of refused.filter((one) => 'expiresAt' in one)) {
      expect((await refusal(edit(input), 'input_invalid')).faults[0]!.message).toContain(limit)
    }
    expect(await outcome(edit({ expiresAt: longest - 1 }))).toBe('ok')
  })

  it('is filled in where nothing is said: the tighter default, within every bound', async () => {
    const cases: [Lifetime, Lifetime, number | null][] = [
      [{}, {}, null],
      [{ defaultLifetimeMs: month }, {}, month],
      [{ defaultLifetimeMs: 2 * month }, { defaultLifetimeMs: month }, month],
      [{ defaultLifetimeMs: month }, { defaultLifetimeMs: 2 * month }, month],
      [{ defaultLifetimeMs: 2 * month, requireExpiry: true }, { maxLifetimeMs: month }, month],
    ]
    for (const [settings, plan, lasts] of cases) {
      const world = await worldOf(store, settings, plan)
      const { key } = await makeKey(world)
      expect(key.expiresAt).toBe(lasts === null ? null : world.clock.now() + lasts)
    }
    const world = await worldOf(store, { defaultLifetimeMs: month }, {})
    expect((await makeKey(world, { expiresAt: null })).key.expiresAt).toBeNull()
    const late = makeKey(world, { notBefore: world.clock.now() + month })
    expect((await refusal(late, 'input_invalid')).faults).toMatchObject([{ path: 'notBefore' }])
  })

  it('does not keep a creation from being repeated later', async () => {
    const world = await worldOf(store, { defaultLifetimeMs: month }, {})
    const create = () =>
      world.keys.create(admin, { name: 'CI', scopes: ['contacts:read'] }, { idempotencyKey: 'one' })
    const made = await create()
    await world.clock.advance(60_000)
    expect(await create()).toMatchObject({ repeated: true, key: { expiresAt: made.key.expiresAt } })
  })

  it('leaves a key alone that was made before, and lets it be shortened', async () => {
    const world = await worldOf(store, {}, {})
    const { key } = await makeKey(world)
    world.plan.lifetime = { maxLifetimeMs: month, requireExpiry: true }
    await world.clock.advance(2 * month)
    const edit = (input: object, version: number) =>
      outcome(world.keys.edit(admin, key.id, input, { version }))
    expect(await edit({ name: 'still' }, 1)).toBe('ok')
    expect(await edit({ expiresAt: world.clock.now() + month }, 2)).toBe('ok')
    expect(await edit({ expiresAt: world.clock.now() + month + 1 }, 3)).toBe('input_invalid')
  })
})

describe('who may manage', () => {
  type Asked = [verb: KeyVerb, before: string | undefined, proposed: ProposedKey | undefined]

  it('is told what the key is to be', async () => {
    const asked: Asked[] = []
    const canManage: KeySettingsOptions['canManage'] = (_actor, verb, key, proposed) => {
      asked.push([verb, key?.name, proposed])
      return proposed?.metadata['team'] !== 'theirs'
    }
    const settings = { canManage, defaultLifetimeMs: month }
    const world = await createWorld({ settings })
    await refusal(makeKey(world, { metadata: { team: 'theirs' } }), 'forbidden')
    const { key } = await makeKey(world, { metadata: { team: 'ours' } })
    const edit = (input: object) => world.keys.edit(admin, key.id, input, { version: 1 })
    await refusal(edit({ metadata: { team: 'theirs' } }), 'forbidden')
    await edit({ name: 'CD', mode: 'full' })
    const webhook = { url: 'https://hooks.example.com/a' }
    await makeKey(world, { webhook })
    expect(asked.map(([verb, before, proposed]) => [verb, before, proposed?.name])).toEqual([
      ['create', undefined, 'CI'],
      ['create', undefined, 'CI'],
      ['edit', 'CI', 'CI'],
      ['edit', 'CI', 'CD'],
      ['create', undefined, 'CI'],
    ])
    expect(asked[0]![2]).toMatchObject({
      ...{ workspaceId: 'ws', mode: 'custom', scopes: ['contacts:write'], environment: 'live' },
      ...{ expiresAt: world.clock.now() + month, metadata: { team: 'theirs' } },
    })
    expect(asked[3]![2]).toMatchObject({ mode: 'full', scopes: [], metadata: { team: 'ours' } })
    expect(asked[4]![2]!.webhook).toEqual({ ...webhook, events: ['approval.rejected'], disabledAt: null })
    expect(JSON.stringify(asked)).not.toMatch(/secret/i)
  })

  it('comes before what is wrong with the input, which is not shown then', async () => {
    const seen: unknown[] = []
    let admits = false
    const settings: KeySettingsOptions = {
      canManage: (_actor, _verb, _key, proposed) => {
        seen.push(proposed)
        return admits
      },
    }
    const world = await createWorld({ settings })
    await refusal(makeKey(world, { scopes: ['nothing:ever'] }), 'forbidden')
    admits = true
    await refusal(makeKey(world, { scopes: ['nothing:ever'] }), 'input_invalid')
    expect(seen).toEqual([undefined, undefined])
  })
})
