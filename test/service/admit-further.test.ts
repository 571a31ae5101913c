import { describe, expect, test } from 'vitest'
import type { Principal } from '../../src/core/principal.js'
import { wrapStore } from '../../src/testing/store-wrapper.js'
import { memoryStore } from '../../src/stores/memory.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import { day, minute, watchedLimits } from './meter-sample.js'
import { admin, sample } from './sample.js'

type Plan = { access: boolean; ceilings?: string[] } | null

/** A keyrung all of whose answers come at once, or all later. */
async function open(isLater: boolean) {
  const clock = manualClock()
  const counted = watchedLimits(clock)
  if (isLater) counted.delay = () => Promise.resolve()
  const inner = memoryStore({ clock })
  const store = isLater
    ? wrapStore(inner, async (_, ask) => ask(), { freshness: 'strict', synchronous: false })
    : inner
  const host = { plan: { access: true } as Plan }
  const { keyrung } = sample({
    ...{ clock, store, hookLeaseMs: 0 },
    keys: { prefix: 'tp', limits: [minute(10), day(4)] },
    limits: { store: counted },
    entitlements: { of: () => (isLater ? Promise.resolve(host.plan) : host.plan) },
  } as Parameters<typeof sample>[0])
  await keyrung.ready({ migrate: true })
  const { key, secret } = await keyrung.keys.create(admin, {
    ...{ name: 'Agent', scopes: ['contacts:write-approval', 'ai:use'] },
  })
  const first = await keyrung.admit({ authorization: [`Bearer ${secret}`] }, keyrung.demand('contacts:read'))
  const principal = first.principal as Principal
  const further = async (...args: Parameters<typeof keyrung.demand>) =>
    keyrung.admitFurther(principal, keyrung.demand(...args), 1)
  const used = () => {
    const { subject, rules } = counted.requests.at(-1)!.charges[0]!
    return counted.used(subject, rules)['day']
  }
  return { keyrung, key, host, further, used }
}

describe.each([
  ['at once', false],
  ['later', true],
])('a further guard on a request, where all is answered %s', (_, isLater) => {
  test('decides anew, and charges what was not paid', async () => {
    const { further, used } = await open(isLater)
    expect(await further('ai:use')).toMatchObject({ ok: true, decision: { effect: 'allow' } })
    expect(used()).toBe(1)
    expect(await further('contacts:read', { cost: 3 })).toMatchObject({ ok: true })
    expect(used()).toBe(3)
    expect(await further('contacts:write')).toMatchObject({ ok: false, code: 'approval_required' })
    expect(await further('contacts:delete')).toMatchObject({ ok: false, code: 'insufficient' })
  })

  test('charges nothing for what is hidden from the key', async () => {
    const { further, used } = await open(isLater)
    const hidden = await further('email:send', { cost: 3 })
    expect(hidden).toMatchObject({ ok: false, code: 'hidden', limits: null })
    expect(used()).toBe(1)
  })

  test('refuses what the limit does not admit any more', async () => {
    const { further, used } = await open(isLater)
    const limited = await further('contacts:read', { cost: 9 })
    expect(limited).toMatchObject({ ok: false, code: 'limited', decision: null, limits: { ok: false } })
    expect(used()).toBe(1)
  })

  test('refuses a key that was revoked, and a plan that has ended, since the one before', async () => {
    const { keyrung, key, host, further } = await open(isLater)
    host.plan = null
    expect(await further('contacts:read')).toMatchObject({ ok: false, code: 'not_entitled' })
    host.plan = { access: true }
    await keyrung.keys.revoke(admin, key.id)
    expect(await further('contacts:read')).toEqual({
      ...{ ok: false, code: 'key_revoked', principal: null, decision: null, limits: null },
    })
  })
})
