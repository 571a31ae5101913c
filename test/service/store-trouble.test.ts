import { expect, test } from 'vitest'
import { isKeyrungError } from '../../src/core/errors.js'
import { memoryStore } from '../../src/stores/memory.js'
import { failingStore } from '../../src/testing/failing-store.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import { admin, sample } from './sample.js'

function hostOnFailingStore() {
  const clock = manualClock()
  const failing = failingStore(memoryStore({ clock }), { clock, seed: 11 })
  return { clock, failing, keyrung: sample({ clock, store: failing.store }).keyrung }
}

async function codeOf(run: () => unknown): Promise<string> {
  try {
    await run()
    return 'ok'
  } catch (error) {
    if (!isKeyrungError(error)) throw error
    return error.code
  }
}

test('commits that are lost with and without effect leave every key whole, and none that was told is missing', async () => {
  const { failing, keyrung } = hostOnFailingStore()
  failing.trouble('commit', { by: 'reject', late: 'by-lot', chance: 0.4 })
  const told: string[] = []
  for (let i = 0; i < 60; i++) {
    const code = await codeOf(async () => {
      const { key } = await keyrung.keys.create(admin, { name: `Key ${i}`, scopes: ['contacts:read'] })
      told.push(key.id)
    })
    expect(['ok', 'store_unavailable']).toContain(code)
  }
  failing.heal()
  const { done, notDone } = failing.faults('commit')
  expect(Math.min(done, notDone)).toBeGreaterThan(3)
  const { keys } = await keyrung.keys.list(admin, { limit: 100 })
  const { events } = await keyrung.audit.list(admin, { limit: 100 })
  const there = keys.map(({ id }) => id).sort()
  expect(there).toEqual(expect.arrayContaining(told))
  expect(there).toHaveLength(told.length + done)
  expect(events.map(({ target }) => target.id).sort()).toEqual(there)
})

test('a store that flaps is refused while it is down and well while it is up, with no restart', async () => {
  const { clock, failing, keyrung } = hostOnFailingStore()
  const { secret } = await keyrung.keys.create(admin, { name: 'CI', scopes: ['contacts:read'] })
  failing.trouble('every', { by: 'throw', flap: { downMs: 30, upMs: 20 } })
  const codes: string[] = []
  for (let at = 0; at < 100; at += 10) {
    codes.push(await codeOf(() => keyrung.authenticate(secret)))
    await clock.advance(10)
  }
  const [down, up] = ['store_unavailable', 'ok']
  expect(codes).toEqual([down, down, down, up, up, down, down, down, up, up])
})
