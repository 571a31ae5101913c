import { describe, expect, it } from 'vitest'
import { admin, createWorld, dayMs, host, makeKey, otherAdmin, refusal } from './fixture.js'
import { stores } from './stores.js'

describe.each(stores)('listing keys on the %s store', (_, store) => {
  it('shows every key of the workspace once, newest first, page by page', async () => {
    const world = await createWorld({ store })
    const ids: string[] = []
    for (let i = 0; i < 60; i++) {
      ids.unshift((await makeKey(world, { name: `key ${i}` })).key.id)
      await world.clock.advance(1)
    }
    await world.keys.create(otherAdmin, { name: 'foreign', mode: 'full' })
    const seen: string[] = []
    const sizes: number[] = []
    for (let cursor: string | undefined; ;) {
      const page = await world.keys.list(admin, { cursor })
      seen.push(...page.keys.map(({ id }) => id))
      sizes.push(page.keys.length)
      if (page.next === null) break
      expect(page.next).toMatch(/^[\w-]+$/)
      cursor = page.next
    }
    expect(seen).toEqual(ids)
    expect(sizes).toEqual([25, 25, 10])
    const exact = await world.keys.list(admin, { limit: 60 })
    expect([exact.keys.length, exact.next]).toEqual([60, null])
  })

  it('finds by status, part of the name in any case, last four characters, and whole id', async () => {
    const world = await createWorld({ store })
    const { key, secret } = await makeKey(world, { name: 'Große Änderung' })
    const { key: other } = await makeKey(world, { name: 'Deploy' })
    await world.keys.revoke(admin, other.id)
    const found = async (input: object) => (await world.keys.list(admin, input)).keys.map(({ name }) => name)
    expect(await found({ status: 'active' })).toEqual(['Große Änderung'])
    expect(await found({ status: 'revoked' })).toEqual(['Deploy'])
    expect(await found({ text: 'ÄNDER' })).toEqual(['Große Änderung'])
    expect(await found({ text: ' deplo ' })).toEqual(['Deploy'])
    expect(await found({ text: secret.slice(-4) })).toContain('Große Änderung')
    expect(await found({ text: key.id })).toEqual(['Große Änderung'])
    expect(await found({ text: key.id.slice(0, -1) })).toEqual([])
    expect(await found({ text: '%' })).toEqual([])
    expect(await found({ text: '' })).toHaveLength(2)
    expect(await found({ text: 'deploy', status: 'active' })).toEqual([])
  })

  it('judges a status by time: expiring, expired, and back', async () => {
    const world = await createWorld({ store })
    const now = world.clock.now()
    const { key: short } = await makeKey(world, { name: 'short', expiresAt: now + dayMs })
    await makeKey(world, { name: 'fortnight', expiresAt: now + 15 * dayMs })
    await makeKey(world, { name: 'endless' })
    const { key: gone } = await makeKey(world, { name: 'gone', expiresAt: now + dayMs })
    await world.keys.revoke(admin, gone.id)
    const found = async (input: object) =>
      (await world.keys.list(admin, input)).keys.map(({ name }) => name).sort()
    const byStatus = async () => ({
      active: await found({ status: 'active' }),
      expiring: await found({ status: 'expiring' }),
      expired: await found({ status: 'expired' }),
      revoked: await found({ status: 'revoked' }),
    })
    const revoked = ['gone']
    const all = ['endless', 'fortnight', 'short']
    expect(await byStatus()).toEqual({ active: all, expiring: ['short'], expired: [], revoked })
    expect(await world.keys.get(admin, short.id)).toMatchObject({ status: 'active', expiring: true })
    await world.clock.advance(dayMs)
    const active = ['endless', 'fortnight']
    expect(await byStatus()).toEqual({ active, expiring: ['fortnight'], expired: ['short'], revoked })
    expect(await world.keys.get(admin, short.id)).toMatchObject({ status: 'expired', expiring: false })
    expect(await world.keys.get(admin, gone.id)).toMatchObject({ status: 'revoked', expiring: false })
    expect(await found({ expiresBefore: now + dayMs })).toEqual([])
    expect(await found({ expiresBefore: now + dayMs + 1 })).toEqual(['gone', 'short'])
    expect(await found({ expiresBefore: now + dayMs, status: 'expired' })).toEqual([])
    await world.keys.edit(admin, short.id, { expiresAt: now + 9 * dayMs }, { version: 1 })
    expect(await found({ status: 'expired' })).toEqual([])
  })

  it('finds by owner and by who created it', async () => {
    const world = await createWorld({ store, members: { ann: { role: 'admin', scopes: 'full' } } })
    await makeKey(world, { name: 'owned', ownerId: 'ann' })
    await world.keys.create(host, { name: 'nightly', mode: 'full' })
    const found = async (input: object) => (await world.keys.list(admin, input)).keys.map(({ name }) => name)
    expect(await found({ ownerId: 'ann' })).toEqual(['owned'])
    expect(await found({ createdBy: 'user:ann' })).toEqual(['owned'])
    expect(await found({ createdBy: 'system:nightly' })).toEqual(['nightly'])
    expect(await found({ createdBy: 'system:nightly', ownerId: 'ann' })).toEqual([])
  })

  it('shows unknown scopes apart, and only secrets that still work', async () => {
    const world = await createWorld({ store })
    const { key } = await makeKey(world)
    await world.keys.rotate(admin, key.id, { graceMs: dayMs })
    await world.clock.advance(dayMs)
    const set = { scopes: 'contacts:write invoices:read' }
    await world.store.commit([{ do: 'update', type: 'key', id: key.id, expectVersion: 2, set }])
    const [shown] = (await world.keys.list(admin)).keys
    expect(shown).toMatchObject({ scopes: ['contacts:write'], unknownScopes: ['invoices:read'] })
    expect(shown?.secrets).toHaveLength(1)
  })

  it('shows when a key was last used', async () => {
    const world = await createWorld({ store })
    const { key } = await makeKey(world)
    await world.store.recordUses([{ keyId: key.id, at: world.clock.now() }])
    expect((await world.keys.get(admin, key.id)).lastUsedAt).toBe(world.clock.now())
    const after = await world.keys.edit(admin, key.id, { name: 'x' }, { version: 1 })
    expect(after.lastUsedAt).toBe(world.clock.now())
  })

  it('takes another workspace’s cursor for a position only', async () => {
    const world = await createWorld({ store })
    await world.keys.create(otherAdmin, { name: 'a', mode: 'full' })
    await world.clock.advance(1)
    await world.keys.create(otherAdmin, { name: 'b', mode: 'full' })
    const { next } = await world.keys.list(otherAdmin, { limit: 1 })
    expect((await world.keys.list(admin, { cursor: next! })).keys).toEqual([])
  })

  it('refuses bad filters, all of them at once', async () => {
    const world = await createWorld({ store })
    const paths = async (input: unknown) =>
      (await refusal(world.keys.list(admin, input as never), 'input_invalid')).faults.map(({ path }) => path)
    expect(
      await paths({
        ...{ status: 'gone', expiresBefore: 'soon', ownerId: '', createdBy: 1 },
        ...{ text: 7, cursor: 'x', limit: 0, workspaceId: 'other' },
      }),
    ).toEqual(['status', 'expiresBefore', 'ownerId', 'createdBy', 'text', 'cursor', 'limit', 'workspaceId'])
    for (const limit of [101, 1.5, '5', NaN, null]) expect(await paths({ limit })).toEqual(['limit'])
    for (const cursor of ['', 'e30', 'WyJrZXlfMSJd', '%', 5, null]) {
      expect(await paths({ cursor })).toEqual(['cursor'])
    }
    expect(await paths([])).toEqual([''])
    expect(await paths(null)).toEqual([''])
  })
})
