import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ApprovalEffect } from '../../../src/core/approval.js'
import type { Store } from '../../../src/ports/store.js'
import {
  approved,
  createApprovalWorld,
  createInstance,
  read,
  resultOf,
  settle,
  standing,
  stepsOf,
} from './fixture.js'

test('a run that goes on longer than its lease keeps it, and nobody else begins', async () => {
  const world = await createApprovalWorld()
  let ran = 0
  const operations = {
    'contacts.merge': { effect: 'idempotent', run: () => (ran++, world.clock.sleep(200_000)) },
  } as const
  const one = createInstance(world, { operations })
  const two = createInstance(world, { operations })
  const { id } = await approved(world, { effect: 'idempotent' })
  void one.execution.wake(id, 'ws')
  for (let i = 0; i < 39; i++) {
    await world.clock.advance(5_000)
    await two.work()
  }
  expect(await standing(world, id)).toBe('executing')
  await world.clock.advance(5_000)
  expect(await standing(world, id)).toBe('succeeded done')
  expect(ran).toBe(1)
  expect(world.clock.sleepers).toBe(0)
})

test('a renewal that was made, though its answer was lost, costs nothing', async () => {
  const world = await createApprovalWorld()
  let commits = 0
  const store: Store = {
    ...world.store,
    async commit(changes) {
      const answer = await world.store.commit(changes)
      // The claim is the first.
      if (++commits === 2) throw new Error('the answer is lost')
      return answer
    },
  }
  const { execution } = createInstance(world, {
    store,
    operations: { 'contacts.merge': { run: () => world.clock.sleep(100_000) } },
  })
  const other = createInstance(world)
  const { id } = await approved(world)
  const woken = execution.wake(id, 'ws')
  for (let i = 0; i < 10; i++) {
    await world.clock.advance(10_000)
    await other.work()
  }
  await woken
  expect(await standing(world, id)).toBe('succeeded done')
})

test('a renewal that is still on its way when the run ends does not get into its way', async () => {
  const world = await createApprovalWorld()
  let commits = 0
  let finish: () => void = () => undefined
  const store: Store = {
    ...world.store,
    async commit(changes) {
      if (++commits === 2) {
        finish()
        await world.clock.sleep(500)
      }
      return world.store.commit(changes)
    },
  }
  const { execution } = createInstance(world, {
    store,
    operations: { 'contacts.merge': { run: () => new Promise<void>((resolve) => (finish = resolve)) } },
  })
  const { id } = await approved(world)
  const woken = execution.wake(id, 'ws')
  await world.clock.advance(11_000)
  await woken
  expect([await standing(world, id), world.clock.sleepers]).toEqual(['succeeded done', 0])
})

/** A store that one instance cannot write to for a while. */
function cutOff(store: Store) {
  const state = { isCut: false }
  const cut: Store = {
    ...store,
    commit: (changes) => (state.isCut ? Promise.reject(new Error('cut off')) : store.commit(changes)),
  }
  return { state, store: cut }
}

test.each(['idempotent', 'unsafe'] as const)(
  'a slow runner whose %s run was taken from it is told, and writes nothing any more',
  async (effect: ApprovalEffect) => {
    const world = await createApprovalWorld()
    const { state, store } = cutOff(world.store)
    let finish: (answer: string) => void = () => undefined
    let signal: AbortSignal | undefined
    const old = createInstance(world, {
      store,
      operations: {
        'contacts.merge': {
          effect,
          run: (_, call) => ((signal = call.signal), new Promise<string>((resolve) => (finish = resolve))),
        },
      },
    })
    const next = createInstance(world, {
      operations: { 'contacts.merge': { effect, run: () => 'the new one' } },
    })
    const { id } = await approved(world, { effect })
    const woken = old.execution.wake(id, 'ws')
    await world.clock.advance(0)
    state.isCut = true
    await world.clock.advance(29_999)
    expect(signal?.aborted).toBe(false)
    await world.clock.advance(1)
    expect(signal?.aborted).toBe(true)
    await next.work()
    await world.clock.advance(0)
    if (effect === 'unsafe') {
      expect(await standing(world, id)).toBe('unknown lease_lost')
      await settle(world, id, 'approved')
      await next.work()
    }
    const ended = await read(world, id)
    state.isCut = false
    finish('the old one')
    await woken
    expect(await read(world, id)).toEqual(ended)
    expect(await resultOf(world, id)).toMatchObject({ body: '"the new one"' })
    expect((await stepsOf(world, id)).at(-1)).toBe('succeeded')
  },
)

test('a runner that was cut off and still holds its fence tells how it ended', async () => {
  const world = await createApprovalWorld()
  const { state, store } = cutOff(world.store)
  let finish: () => void = () => undefined
  const { execution } = createInstance(world, {
    store,
    operations: { 'contacts.merge': { run: () => new Promise<void>((resolve) => (finish = resolve)) } },
  })
  const { id } = await approved(world)
  const woken = execution.wake(id, 'ws')
  await world.clock.advance(0)
  state.isCut = true
  await world.clock.advance(40_000)
  state.isCut = false
  finish()
  await woken
  // True, and better than "nobody knows".
  expect(await standing(world, id)).toBe('succeeded done')
})

test('a claim whose answer took longer than half a lease is renewed before anything begins', async () => {
  const world = await createApprovalWorld()
  let commits = 0
  let ran = 0
  const store: Store = {
    ...world.store,
    async commit(changes) {
      const answer = await world.store.commit(changes)
      if (commits++ === 0) await world.clock.sleep(31_000)
      return answer
    },
  }
  const slow = createInstance(world, { store, operations: { 'contacts.merge': { run: () => void ran++ } } })
  const other = createInstance(world)
  const { id } = await approved(world)
  const woken = slow.execution.wake(id, 'ws')
  await world.clock.advance(30_500)
  await other.work()
  await world.clock.advance(1_000)
  await woken
  // It was found to be lost before it began, so it never did.
  expect(await standing(world, id)).toBe('unknown lease_lost')
  expect(ran).toBe(0)
})

test('under any interleaving of several instances an unsafe operation has its effect once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(fc.constantFrom('wake', 'work'), { minLength: 2, maxLength: 6 }),
      fc.constantFrom('unsafe', 'idempotent'),
      async (scheduler, doings, effect) => {
        const world = await createApprovalWorld()
        const running = { most: 0, now: 0, ran: 0 }
        const delayed = (name: 'commit' | 'findApproval' | 'findApprovalContent' | 'listDueApprovals') =>
          [
            name,
            scheduler.scheduleFunction(async (...args: unknown[]) =>
              (world.store[name] as (...given: unknown[]) => unknown)(...args),
            ),
          ] as const
        const run = async () => {
          running.most = Math.max(running.most, ++running.now)
          running.ran++
          await scheduler.schedule(Promise.resolve())
          running.now--
        }
        const instances = doings.map((doing) => {
          const calls = ['commit', 'findApproval', 'findApprovalContent', 'listDueApprovals'] as const
          const store = { ...world.store, ...Object.fromEntries(calls.map(delayed)) } as Store
          return {
            doing,
            ...createInstance(world, { store, operations: { 'contacts.merge': { effect, run } } }),
          }
        })
        const { id } = await approved(world, { effect })
        const all = instances.map(({ doing, execution }) =>
          doing === 'wake' ? execution.wake(id, 'ws') : execution.jobs[0]!.step().then(() => undefined),
        )
        await scheduler.waitFor(Promise.all(all))
        expect(running).toEqual({ most: 1, now: 0, ran: 1 })
        expect(await read(world, id)).toMatchObject({ status: 'succeeded', fence: 1 })
      },
    ),
    { numRuns: 60 },
  )
})
