import { describe, expect, it } from 'vitest'
import { admin, createWorld, dayMs, hourMs, makeKey, outcome, refusal } from './fixture.js'
import { stores } from './stores.js'

describe.each(stores)('rotating a key on the %s store', (_, store) => {
  it('gives a new secret, and lets the old one work to the last millisecond of its grace', async () => {
    const world = await createWorld({ store })
    const { key, secret: old } = await makeKey(world)
    const now = world.clock.now()
    const { key: after, secret } = await world.keys.rotate(admin, key.id, { graceMs: hourMs })
    expect(after).toMatchObject({ id: key.id, version: 2, updatedAt: now })
    expect(after.secrets.map(({ lastFour, endsAt }) => [lastFour, endsAt])).toEqual([
      [secret.slice(-4), null],
      [old.slice(-4), now + hourMs],
    ])
    expect(await world.keys.get(admin, key.id)).toEqual(after)
    await world.clock.advance(hourMs - 1)
    expect([await world.works(old), await world.works(secret)]).toEqual([true, true])
    await world.clock.advance(1)
    expect([await world.works(old), await world.works(secret)]).toEqual([false, true])
    expect((await world.keys.get(admin, key.id)).secrets).toHaveLength(1)
  })

  it('ends the old secret at once with a grace of 0', async () => {
    const world = await createWorld({ store })
    const { key, secret: old } = await makeKey(world)
    const { key: after, secret } = await world.keys.rotate(admin, key.id, { graceMs: 0 })
    expect(after.secrets).toHaveLength(1)
    expect([await world.works(old), await world.works(secret)]).toEqual([false, true])
    expect(world.settled).toBe(1)
  })

  it('ends the old secret also for an instance whose clock lags', async () => {
    const world = await createWorld({ store })
    const { key, secret: first } = await makeKey(world)
    const { secret: second } = await world.keys.rotate(admin, key.id, { graceMs: hourMs })
    const { secret } = await world.keys.rotate(admin, key.id, { graceMs: 0 })
    world.clock.step(-2 * hourMs)
    expect([await world.works(first), await world.works(second), await world.works(secret)]).toEqual([
      ...[false, false, true],
    ])
  })

  it('gives a day of grace unless told otherwise, never more than the host allows', async () => {
    const day = await createWorld({ store })
    const { key } = await makeKey(day)
    const rotated = await day.keys.rotate(admin, key.id)
    expect(rotated.key.secrets[1]?.endsAt).toBe(day.clock.now() + dayMs)

    const strict = await createWorld({ store, settings: { maxGraceMs: hourMs } })
    const { key: other } = await makeKey(strict)
    for (const graceMs of [hourMs + 1, -1, 0.5, NaN, Infinity, '0', null]) {
      await refusal(strict.keys.rotate(admin, other.id, { graceMs } as never), 'input_invalid')
    }
    const short = await strict.keys.rotate(admin, other.id)
    expect(short.key.secrets[1]?.endsAt).toBe(strict.clock.now() + hourMs)
  })

  it('never leaves more than two secrets alive: a further rotation ends the older at once', async () => {
    const world = await createWorld({ store })
    const { key, secret: first } = await makeKey(world)
    const { secret: second } = await world.keys.rotate(admin, key.id, { graceMs: dayMs })
    const { key: after, secret: third } = await world.keys.rotate(admin, key.id, { graceMs: hourMs })
    expect(after.secrets).toHaveLength(2)
    const alive = await Promise.all([first, second, third].map((secret) => world.works(secret)))
    expect(alive).toEqual([false, true, true])
  })

  it('tells the current secret from the old one when the clock has been set back', async () => {
    const world = await createWorld({ store })
    const { key, secret: first } = await makeKey(world)
    world.clock.step(-hourMs)
    const { secret: second } = await world.keys.rotate(admin, key.id, { graceMs: dayMs })
    const { secret: third } = await world.keys.rotate(admin, key.id, { graceMs: dayMs })
    const alive = await Promise.all([first, second, third].map((secret) => world.works(secret)))
    expect(alive).toEqual([false, true, true])
  })

  it('cannot bring a revoked or expired key back to life', async () => {
    const world = await createWorld({ store })
    const { key } = await makeKey(world)
    await world.keys.revoke(admin, key.id)
    await refusal(world.keys.rotate(admin, key.id), 'key_not_active')
    const { key: short } = await makeKey(world, { expiresAt: world.clock.now() + hourMs })
    await world.clock.advance(hourMs - 1)
    expect(await outcome(world.keys.rotate(admin, short.id))).toBe('ok')
    await world.clock.advance(1)
    await refusal(world.keys.rotate(admin, short.id), 'key_not_active')
  })

  it('needs a plan with access', async () => {
    const world = await createWorld({ store })
    const { key } = await makeKey(world)
    world.plan.access = false
    await refusal(world.keys.rotate(admin, key.id), 'not_entitled')
  })

  it('tells the audit trail why, by which request, and until when the old secret works', async () => {
    const world = await createWorld({ store })
    const { key } = await makeKey(world)
    await world.keys.rotate(admin, key.id, { graceMs: hourMs, reason: 'yearly' }, { requestId: 'r9' })
    expect(await world.event('key.rotated')).toMatchObject({
      action: 'key.rotated',
      reason: 'yearly',
      requestId: 'r9',
      graceEndsAt: world.clock.now() + hourMs,
    })
  })
})
