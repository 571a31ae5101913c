import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import type { Queued } from '../../src/core/decision.js'
import { isKeyrungError } from '../../src/core/errors.js'
import type { CredentialRow, KeyRecord, KeySecretRecord } from '../../src/core/key.js'
import type { Principal } from '../../src/core/principal.js'
import type { MaybePromise } from '../../src/core/maybe-promise.js'
import type { Store } from '../../src/ports/store.js'
import { memoryStore } from '../../src/stores/memory.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import { ann, bob, requestOf } from './approvals/fixture.js'
import { sample } from './sample.js'
import { tokens } from './tokens/fixture.js'

const home = '203.0.113.7'
const always = { approval: 'always' } as const

/** A store, an instance for all environments, and one for `live` only, which judges. */
async function open(environment: string) {
  const clock = manualClock()
  const inner = memoryStore({ clock })
  let isGarbled = false
  const garble = (row: MaybePromise<CredentialRow | undefined>) =>
    isGarbled && row && 'key' in row ? { ...row, key: { ...row.key, status: 'asleep' as never } } : row
  const store: Store = {
    ...inner,
    findCredential: (digest) => garble(inner.findCredential(digest)),
    findCredentialById: (id) => garble(inner.findCredentialById(id)),
  }
  const options = {
    ...{ clock, store, tokens },
    approvals: { canDecide: () => true, quorum: 1 },
  }
  const keys = { prefix: 'tp', canManage: () => true }
  const wide = sample({ ...options, keys: { ...keys, environments: ['live', 'test'] } }).keyrung
  const { keyrung } = sample({ ...options, keys: { ...keys, environments: ['live'] } })
  const twice = sample({
    ...options,
    approvals: { canDecide: () => true, quorum: 2 },
    keys: { ...keys, environments: ['live', 'test'] },
  }).keyrung
  for (const instance of [wide, keyrung, twice]) {
    await instance.ready({ migrate: true })
    instance.attach({
      ...{ name: 'main', app: {} },
      async dispatch(_, ticket) {
        ticket.state = 'admitted'
        return { status: 200, contentType: null, body: new Uint8Array(), isTruncated: false }
      },
    })
  }
  const { key, secret } = await wide.keys.create(ann, { name: 'Agent', mode: 'full', environment })
  const known = await wide.authenticate(secret, { ip: home })
  if (!known.ok) throw new Error(known.code)
  const { token } = await wide.tokens.exchange(known.principal)
  const decision = (await wide.authorize(known.principal, 'contacts:write', always)) as Queued
  const { principal } = known
  const admission = { code: 'approval_required', principal, decision } as const
  const { approval } = await wide.queue(admission, requestOf(), { app: 'main', effect: 'unsafe' })
  return {
    ...{ clock, wide, twice, keyrung, key, secret, token, decision, approval, principal },
    garble: () => (isGarbled = true),
    async set(type: 'key' | 'secret', set: Partial<KeyRecord & KeySecretRecord>) {
      const id = type === 'key' ? key.id : known.principal.secretId
      const row = await inner.findCredentialById(known.principal.secretId)
      await inner.commit([{ do: 'update', type, id, expectVersion: row![type].version, set: set as never }])
    },
  }
}

type World = Awaited<ReturnType<typeof open>>

interface Column {
  readonly environment?: string
  readonly change: (world: World) => unknown
  readonly code: string
  /** What an approval ends as that the key has asked for; the same code if left out. */
  readonly asker?: string
  /** Whether the vote of the key still counts. */
  readonly votes?: boolean
}

const columns: Readonly<Record<string, Column>> = {
  'in force': { change: () => undefined, code: 'ok', votes: true },
  'of another environment': {
    ...{ environment: 'test', change: () => undefined },
    ...{ code: 'credential_invalid', asker: 'key_changed' },
  },
  revoked: { change: (world) => world.set('key', { status: 'revoked' }), code: 'key_revoked' },
  expired: {
    change: (world) => world.set('key', { expiresAt: world.clock.now() }),
    code: 'key_expired',
  },
  'about to expire': {
    change: (world) => world.set('key', { expiresAt: world.clock.now() + 2_000 }),
    ...{ code: 'ok', votes: true },
  },
  'not valid yet': {
    change: (world) => world.set('key', { notBefore: world.clock.now() + 1 }),
    ...{ code: 'key_not_yet_valid', asker: 'key_changed' },
  },
  'valid from now on': {
    change: (world) => world.set('key', { notBefore: world.clock.now() }),
    ...{ code: 'ok', votes: true },
  },
  'past the grace period of its secret': {
    change: (world) => world.set('secret', { endsAt: world.clock.now() }),
    code: 'secret_rotated',
  },
  'within the grace period of its secret': {
    change: (world) => world.set('secret', { endsAt: world.clock.now() + 2_000 }),
    ...{ code: 'ok', votes: true },
  },
  'allowed from elsewhere': {
    change: (world) => world.set('key', { addressRules: '192.0.2.0/24' }),
    ...{ code: 'address_denied', asker: 'key_changed', votes: true },
  },
  'allowed from there': {
    change: (world) => world.set('key', { addressRules: '192.0.2.0/24 203.0.113.0/24' }),
    ...{ code: 'ok', votes: true },
  },
  'revoked, expired, rotated and kept out': {
    async change(world) {
      const now = world.clock.now()
      await world.set('secret', { endsAt: now })
      await world.set('key', {
        status: 'revoked',
        expiresAt: now,
        notBefore: now + 1,
        addressRules: '192.0.2.1',
      })
    },
    code: 'key_revoked',
  },
  'expired and rotated': {
    async change(world) {
      await world.set('secret', { endsAt: world.clock.now() })
      await world.set('key', { expiresAt: world.clock.now() })
    },
    code: 'key_expired',
  },
  deleted: {
    change: (world) => world.wide.keys.delete(ann, world.key.id),
    ...{ code: 'credential_invalid', asker: 'key_deleted' },
  },
  'stored in a form that is none': {
    change: (world) => world.garble(),
    code: 'store_unavailable',
    asker: 'ok',
    votes: true,
  },
}

/** Every call that begins with a credential that is presented. */
const presented: Readonly<Record<string, (world: World, credential: string) => Promise<string>>> = {
  async authenticate({ keyrung }, credential) {
    const known = await keyrung.authenticate(credential, { ip: home })
    return known.ok ? 'ok' : known.code
  },
  async admit({ keyrung }, credential) {
    const request = { authorization: [`Bearer ${credential}`], address: home }
    const admission = await keyrung.admit(request, keyrung.demand('contacts:read'))
    return admission.ok ? 'ok' : admission.code
  },
}

/** Every call that begins with a principal that was kept. */
const kept: Readonly<Record<string, (world: World, principal: Principal) => Promise<string>>> = {
  async authorize({ keyrung }, principal) {
    const decision = await keyrung.authorize(principal, 'contacts:read')
    return decision.effect === 'deny' ? decision.code : 'ok'
  },
  async explain({ keyrung }, principal) {
    const { decision } = await keyrung.explain(principal, 'contacts:read')
    return decision.effect === 'deny' ? decision.code : 'ok'
  },
  async access({ keyrung }, principal) {
    const access = await keyrung.access(principal)
    return access.ok ? 'ok' : access.code
  },
  async admitFurther({ keyrung }, principal) {
    const admission = await keyrung.admitFurther(principal, keyrung.demand('contacts:read'), 0)
    return admission.ok ? 'ok' : admission.code
  },
  async operation({ keyrung }, principal) {
    const operation = keyrung.operation(`contacts.${principal.type}`, {
      ...{ permission: 'contacts:read', input: z.strictObject({}) as never },
      run: () => 1,
    })
    const called = await operation.call(principal, {})
    return called.status === 'refused' ? called.code : 'ok'
  },
  async queue({ keyrung, decision }, principal) {
    const admission = { code: 'approval_required', principal, decision } as const
    await keyrung.queue(admission, requestOf(), { app: 'main', effect: 'unsafe' })
    return 'ok'
  },
  async exchange({ keyrung }, principal) {
    await keyrung.tokens.exchange(principal)
    return 'ok'
  },
  async track({ keyrung, approval }, principal) {
    await keyrung.approvals.track(principal, approval.id)
    return 'ok'
  },
}

/** Every call of a principal that acts for itself: a token never does. */
const acting: typeof kept = {
  async 'keys.list'({ keyrung }, principal) {
    await keyrung.keys.list({ type: 'principal', principal })
    return 'ok'
  },
  async 'keys.create'({ keyrung, clock }, principal) {
    const within = { addressRules: [home], expiresAt: clock.now() + 1 }
    await keyrung.keys.create(
      { type: 'principal', principal },
      {
        ...{ name: 'Other', scopes: ['contacts:read'], ...within },
      },
    )
    return 'ok'
  },
  async 'audit.list'({ keyrung }, principal) {
    await keyrung.audit.list({ type: 'principal', principal })
    return 'ok'
  },
  async 'approvals.list'({ keyrung }, principal) {
    await keyrung.approvals.list({ type: 'principal', principal })
    return 'ok'
  },
}

/** What comes of a call: `ok`, or the code that it answers or throws. */
async function codeOf(call: Promise<string>): Promise<string> {
  return call.catch((error: unknown) => {
    if (isKeyrungError(error)) return error.code
    throw error
  })
}

describe.each(Object.entries(columns))('a credential that is %s', (_, column) => {
  const { environment = 'live', change, code } = column

  test(`is answered ${code} wherever it is used`, async () => {
    const world = await open(environment)
    const asToken = await world.wide.authenticate(world.token, { ip: home })
    if (!asToken.ok) throw new Error(asToken.code)
    await change(world)
    const answers: Record<string, string> = {}
    for (const [entry, call] of Object.entries(presented)) {
      answers[entry] = await codeOf(call(world, world.secret))
      answers[`${entry} by a token`] = await codeOf(call(world, world.token))
    }
    for (const [entry, call] of Object.entries(kept)) {
      answers[entry] = await codeOf(call(world, world.principal))
      answers[`${entry} of a token`] = await codeOf(call(world, asToken.principal))
    }
    for (const [entry, call] of Object.entries(acting)) {
      answers[entry] = await codeOf(call(world, world.principal))
    }
    expect(answers).toEqual(Object.fromEntries(Object.keys(answers).map((entry) => [entry, code])))
  })

  test('may or may not have what it asked for run', async () => {
    const world = await open(environment)
    const { approval } = world
    await change(world)
    const call = world.keyrung.approvals.approve(bob, approval.id, { digest: approval.digest })
    const ended = await codeOf(call.then(({ outcome }) => outcome ?? 'none'))
    const { outcome } = await world.wide.approvals
      .get(ann, approval.id)
      .catch(() => ({ outcome: 'not_found' }))
    const expected = column.asker ?? code
    expect(outcome).toBe(expected === 'ok' ? 'done' : expected)
    expect(ended === 'done').toBe(expected === 'ok')
  })

  test(`${column.votes ? 'still counts' : 'counts no more'} where it has voted`, async () => {
    const world = await open(environment)
    const asking = await world.wide.keys.create(bob, { name: 'Asker', mode: 'full', environment })
    const asker = await world.wide.authenticate(asking.secret, { ip: home })
    if (!asker.ok) throw new Error(asker.code)
    const { decision } = world
    const admission = { code: 'approval_required', principal: asker.principal, decision } as const
    const asked = await world.twice.queue(admission, requestOf(), { app: 'main', effect: 'unsafe' })
    const { id, digest } = asked.approval
    const voter = { type: 'principal', principal: world.principal } as const
    await world.twice.approvals.approve(voter, id, { digest })
    await change(world)
    const call = world.keyrung.approvals.approve({ ...bob, id: 'eve' }, id, { digest })
    const ended = await codeOf(call.then(({ outcome }) => outcome ?? 'none'))
    // Who votes is of the environment of who asks, so that here the asking key ends the request first.
    const lost = environment === 'live' ? 'approver_lost' : 'not_pending'
    expect(ended).toBe(column.votes ? 'done' : lost)
  })
})
