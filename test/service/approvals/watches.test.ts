import { expect, it, vi } from 'vitest'
import { ann, openDesk } from './fixture.js'

async function watched() {
  const desk = await openDesk()
  const agent = await desk.agent()
  const { id } = (await desk.ask(agent)).approval
  const looks = { count: 0 }
  const { findApproval } = desk.store
  Object.assign(desk.store, {
    findApproval: (...args: Parameters<typeof findApproval>) => (looks.count++, findApproval(...args)),
  })
  const wait = (waitMs: number, signal?: AbortSignal) =>
    desk.keyrung.approvals.track(agent, id, { waitMs, signal })
  return { desk, agent, id, looks, wait }
}

it('all who wait for one approval share each look at the store', async () => {
  const { desk, id, looks, wait } = await watched()
  const alone = wait(30_000)
  await desk.clock.advance(30_000)
  await alone
  const one = looks.count
  looks.count = 0
  const many = Array.from({ length: 20 }, () => wait(30_000))
  await desk.clock.advance(30_000)
  await Promise.all(many)
  // Each reads its own approval once, before it waits.
  expect(looks.count - 19).toBeLessThanOrEqual(one + 2)
  const last = wait(30_000)
  await desk.clock.advance(0)
  await desk.keyrung.approvals.reject(ann, id, { reason: 'no' })
  await desk.clock.advance(0)
  expect((await last).status).toBe('rejected')
  expect(desk.clock.sleepers).toBe(0)
})

it('more calls of a key than may wait are answered at once, and another key still waits', async () => {
  const { desk, agent, id, wait } = await watched()
  const client = new AbortController()
  const waiting = Array.from({ length: 20 }, () => wait(60_000, AbortSignal.any([client.signal])))
  await desk.clock.advance(0)
  expect((await wait(60_000)).status).toBe('pending')
  expect((await wait(60_000)).status).toBe('pending')
  const other = await desk.agent()
  const asked = (await desk.ask(other, { body: { name: 'Eve' } })).approval
  let isDone = false
  const theirs = desk.keyrung.approvals
    .track(other, asked.id, { waitMs: 60_000 })
    .finally(() => (isDone = true))
  await desk.clock.advance(1_000)
  expect(isDone).toBe(false)
  client.abort()
  await Promise.all(waiting)
  // Whose place has become free is taken by the next.
  const next = wait(60_000)
  await desk.clock.advance(1_000)
  await desk.keyrung.approvals.cancel(agent, id)
  await desk.keyrung.approvals.cancel(other, asked.id)
  await desk.clock.advance(0)
  expect([(await next).status, (await theirs).status]).toEqual(['cancelled', 'cancelled'])
  expect(desk.clock.sleepers).toBe(0)
})

it('no more than a thousand calls wait in one process', async () => {
  const desk = await openDesk()
  const client = new AbortController()
  const all: Promise<unknown>[] = []
  let asked = 0
  for (let k = 0; k < 51; k++) {
    const agent = await desk.agent()
    const { id } = (await desk.ask(agent)).approval
    for (let i = 0; i < 20; i++) {
      asked++
      const signal = AbortSignal.any([client.signal])
      const call = desk.keyrung.approvals.track(agent, id, { waitMs: 60_000, signal })
      all.push(call.finally(() => asked--))
    }
  }
  await desk.clock.advance(10)
  await vi.waitFor(() => expect(asked).toBe(1_000), { timeout: 10_000 })
  client.abort()
  await Promise.all(all)
})
