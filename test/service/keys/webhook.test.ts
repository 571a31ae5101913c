import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { readWebhook } from '../../../src/core/webhook.js'
import { formatWebhookSecret, signWebhook } from '../../../src/crypto/webhook-secret.js'
import { admin, createWorld, hourMs, makeKey, outcome, refusal } from './fixture.js'
import { stores } from './stores.js'

const url = 'https://hooks.example.com/keyrung?token=t0k3n'

describe.each(stores)('the webhook of a key on the %s store', (_, store) => {
  it('is set when the key is made, and its signing secret shown this once', async () => {
    const world = await createWorld({ store })
    const { key, webhookSecret } = await makeKey(world, { webhook: { url } })
    expect(key.webhook).toEqual({ url, events: ['approval.rejected'], disabledAt: null })
    expect(webhookSecret).toMatch(/^whsec_/)
    const shown = JSON.stringify([await world.keys.get(admin, key.id), await world.events()])
    expect(shown).not.toContain(webhookSecret!.slice(6))
    expect(shown).toContain('https://hooks.example.com')
    // Its path and query may hold a secret of the receiver's, so that the audit trail has only the origin.
    expect(JSON.stringify(await world.events())).not.toContain('t0k3n')
  })

  it('has no secret to show for a key without one, nor for a repetition', async () => {
    const world = await createWorld({ store })
    expect((await makeKey(world)).webhookSecret).toBeNull()
    const input = { name: 'CI', scopes: ['contacts:read'] as const, webhook: { url } }
    const first = await world.keys.create(admin, input, { idempotencyKey: 'a' })
    const again = await world.keys.create(admin, input, { idempotencyKey: 'a' })
    expect([first.webhookSecret === null, again.webhookSecret]).toEqual([false, null])
    const other = { ...input, webhook: { url: `${url}2` } }
    await refusal(world.keys.create(admin, other, { idempotencyKey: 'a' }), 'idempotency_mismatch')
  })

  it('can be led elsewhere and taken away, and keeps its signing secret', async () => {
    const world = await createWorld({ store })
    const { key } = await makeKey(world, { webhook: { url } })
    const elsewhere = {
      url: 'https://other.example.com/',
      events: ['approval.rejected', 'approval.queued'],
    } as const
    const edited = await world.keys.edit(admin, key.id, { webhook: elsewhere }, { version: 1 })
    expect(edited.webhook).toEqual({
      url: elsewhere.url,
      events: ['approval.queued', 'approval.rejected'],
      disabledAt: null,
    })
    expect((await settingOf(world, key.id))?.generation).toBe(1)
    const gone = await world.keys.edit(admin, key.id, { webhook: null }, { version: 2 })
    expect(gone.webhook).toBeNull()
    expect((await world.events()).filter(({ action }) => action === 'key.edited')).toHaveLength(2)
  })

  it('has its secret renewed, and both sign until the grace period is over', async () => {
    const world = await createWorld({ store })
    const { key, webhookSecret: old } = await makeKey(world, { webhook: { url } })
    const { key: after, webhookSecret: fresh } = await world.keys.rotateWebhook(admin, key.id, {
      graceMs: hourMs,
    })
    expect(fresh).not.toBe(old)
    expect(after.version).toBe(2)
    const setting = (await settingOf(world, key.id))!
    expect(setting.former).toMatchObject({ generation: 1, endsAt: world.clock.now() + hourMs })
    const secrets = [setting, setting.former!].map((name) =>
      world.context.webhookSecrets!.find(key.id, name)!,
    )
    const at = Math.floor(Date.now() / 1_000)
    const signature = signWebhook('dlv_1', at, '{}', secrets)
    for (const secret of [old, fresh]) {
      const headers = { 'webhook-id': 'dlv_1', 'webhook-timestamp': `${at}`, 'webhook-signature': signature }
      expect(new Webhook(secret!).verify('{}', headers)).toEqual({})
    }
    const { webhookSecret: third } = await world.keys.rotateWebhook(admin, key.id, { graceMs: 0 })
    expect([old, fresh]).not.toContain(third)
    expect((await settingOf(world, key.id))!.former).toBeNull()
  })

  it('that was removed and is set again never brings back a secret that was renewed before', async () => {
    const world = await createWorld({ store })
    const { key, webhookSecret: old } = await makeKey(world, { webhook: { url } })
    const renewed = await world.keys.rotateWebhook(admin, key.id, { graceMs: 0 })
    for (const version of [2, 4]) {
      const gone = await world.keys.edit(admin, key.id, { webhook: null }, { version })
      expect(gone.webhook).toBeNull()
      const counts = await world.store.countSealed()
      expect(counts.filter(({ kind }) => kind === 'webhooks')).toEqual([])
      expect((await world.store.listSealed({ type: 'key', limit: 9 }))[0]!.hostSecretIds).toEqual([])
      const again = await world.keys.edit(admin, key.id, { webhook: { url } }, { version: version + 1 })
      expect(again.webhook).toMatchObject({ url })
      const setting = (await settingOf(world, key.id))!
      expect(setting).toMatchObject({ generation: 2, former: null })
      const secret = formatWebhookSecret(world.context.webhookSecrets!.find(key.id, setting)!)
      expect(secret).toBe(renewed.webhookSecret)
      expect(secret).not.toBe(old)
    }
  })

  it('must lead to a public place, and is refused with what is wrong', async () => {
    const world = await createWorld({ store })
    const faults = async (webhook: unknown) => {
      const error = await refusal(makeKey(world, { webhook: webhook as never }), 'input_invalid')
      return error.faults
    }
    expect(await faults({ url: 'https://127.0.0.1/' })).toEqual([
      { path: 'webhook.url', message: 'must not lead into a private network' },
    ])
    expect(await faults({ url: 'http://hooks.example.com/' })).toEqual([
      { path: 'webhook.url', message: 'must begin with https://' },
    ])
    expect(await faults({ url: 7, events: ['approval.nonsense'], secret: 'x' })).toEqual([
      { path: 'webhook.secret', message: 'is not a field that can be set' },
      { path: 'webhook.url', message: 'must be a URL' },
      {
        path: 'webhook.events',
        message: expect.stringMatching(/^must be a list of some of approval\.queued/),
      },
    ])
    expect(await faults(url)).toEqual([{ path: 'webhook', message: 'must be an object with a url, or null' }])
    expect(await faults({ url, events: [] })).toHaveLength(1)
  })

  it('is led elsewhere only by who holds all that the key does; taking it away is for everyone who may edit', async () => {
    const members = { ann: { role: 'admin', scopes: ['contacts:read'] } }
    const world = await createWorld({
      store,
      members: { ...members, all: { role: 'admin', scopes: 'full' } },
    })
    const ann = { type: 'user', id: 'ann', workspaceId: 'ws', role: 'admin' } as const
    const all = { ...ann, id: 'all' }
    const { key } = await world.keys.create(all, { name: 'CI', scopes: ['contacts:write'], webhook: { url } })
    const edit = (webhook: { url: string } | null) =>
      world.keys.edit(ann, key.id, { webhook }, { version: 1 })
    await refusal(edit({ url: 'https://other.example.com/' }), 'beyond_own_rights')
    await refusal(world.keys.rotateWebhook(ann, key.id), 'beyond_own_rights')
    expect((await edit(null)).webhook).toBeNull()
  })
})

it('cannot be renewed where there is none', async () => {
  const world = await createWorld()
  const { key } = await makeKey(world)
  await refusal(world.keys.rotateWebhook(admin, key.id), 'input_invalid')
  await refusal(world.keys.rotateWebhook({ ...admin, workspaceId: 'other' }, key.id), 'not_found')
})

it('needs a secret of the host to sign with', async () => {
  const world = await createWorld()
  const { key } = await makeKey(world, { webhook: { url } })
  Object.assign(world.context, { webhookSecrets: null })
  const error = await refusal(makeKey(world, { webhook: { url } }), 'input_invalid')
  expect(error.faults).toEqual([{ path: 'webhook', message: 'needs the option secret, to sign with' }])
  await refusal(world.keys.rotateWebhook(admin, key.id), 'input_invalid')
})

it('is renewed once where several do it at once, and not where its key is gone by then', async () => {
  const world = await createWorld()
  const { key } = await makeKey(world, { webhook: { url } })
  const all = await Promise.all(
    Array.from({ length: 5 }, () => outcome(world.keys.rotateWebhook(admin, key.id))),
  )
  expect(all.toSorted()).toEqual(['conflict', 'conflict', 'conflict', 'conflict', 'ok'])
  expect((await settingOf(world, key.id))!.generation).toBe(2)
  const { commit } = world.store
  Object.assign(world.store, {
    async commit(...args: Parameters<typeof commit>) {
      Object.assign(world.store, { commit })
      await world.keys.delete(admin, key.id)
      return commit(...args)
    },
  })
  await refusal(world.keys.rotateWebhook(admin, key.id), 'not_found')
})

async function settingOf(world: Awaited<ReturnType<typeof createWorld>>, id: string) {
  const row = await world.store.findKey('ws', id)
  return readWebhook(row!.key.webhook)
}
