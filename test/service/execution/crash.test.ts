import { expect, test } from 'vitest'
import type { ApprovalEffect } from '../../../src/core/approval.js'
import type { Change } from '../../../src/ports/change.js'
import type { Store } from '../../../src/ports/store.js'
import { stores } from '../keys/stores.js'
import { approved, createApprovalWorld, createInstance, read, settle, standing } from './fixture.js'
import type { ApprovalWorld } from './fixture.js'

/** The process ends: nothing of it happens any more. */
const never = (): Promise<never> => new Promise(() => undefined)

/** A process that ends at its so-many-th step: before or after a call of the store, or of the host's own function. */
function mortal(world: ApprovalWorld, lifetime: number) {
  let steps = 0
  let isDead = false
  async function live<T>(call: () => T | Promise<T>): Promise<T> {
    if (isDead || steps++ === lifetime) isDead = true
    if (isDead) return never()
    const answer = await call()
    if (steps++ === lifetime) isDead = true
    return isDead ? never() : answer
  }
  const calls = ['commit', 'findApproval', 'findApprovalContent', 'listDueApprovals', 'listVotes'] as const
  const wrapped = calls.map((name) => [
    name,
    (...args: unknown[]) => live(() => (world.store[name] as (...given: unknown[]) => unknown)(...args)),
  ])
  return {
    store: { ...world.store, ...Object.fromEntries(wrapped) } as Store,
    live,
    isDead: () => isDead,
  }
}

const effects = ['unsafe', 'idempotent'] as const
const kinds = ['named', 'replay'] as const
const places = stores.flatMap((store) =>
  effects.flatMap((effect) => kinds.map((kind) => [store[0], effect, kind, store[1]] as const)),
)

/** Runs an approval in a process that dies at a step, and then in others until nothing is left to do. */
async function dieAt(
  lifetime: number,
  [make, effect, kind]: readonly [(typeof stores)[number][1], ApprovalEffect, (typeof kinds)[number]],
) {
  const world = await createApprovalWorld({ store: make })
  let effects = 0
  const instance = (mortality = mortal(world, Infinity)) =>
    createInstance(world, {
      store: mortality.store,
      operations: { 'contacts.merge': { effect, run: () => mortality.live(() => void effects++) } },
      app: (_, ticket) =>
        mortality.live(() => {
          ticket.state = 'admitted'
          effects++
          return { status: 200, contentType: null, body: new Uint8Array(), isTruncated: false }
        }),
    })
  const { id } = await approved(world, { kind, effect })
  const first = mortal(world, lifetime)
  void instance(first)
    .execution.wake(id, 'ws')
    .catch(() => undefined)
  await world.clock.advance(0)
  const before = effects
  const others = [instance(), instance(), instance()]
  for (let i = 0; i < 8; i++) {
    await Promise.all(others.map(({ work }) => work()))
    await world.clock.advance(15_000)
  }
  return { world, id, died: first.isDead(), before, effects: () => effects, others }
}

test.each(places)(
  'on %s a process that dies at any step of an %s %s run loses no approval and doubles nothing',
  async (...place) => {
    const [, effect, kind, make] = place
    const ends = new Set<string>()
    let lifetime = 0
    for (; ; lifetime++) {
      const { world, id, died, before, effects, others } = await dieAt(lifetime, [make, effect, kind])
      const end = await standing(world, id)
      ends.add(end)
      if (effect === 'unsafe') {
        // It ran once, or not at all; where nobody knows, a human is asked.
        expect(effects()).toBe(end.startsWith('unknown') ? before : 1)
        expect(end).toMatch(/^(succeeded done|unknown lease_lost)$/)
        if (end.startsWith('unknown')) {
          await settle(world, id, 'approved')
          await others[0]!.execution.wake(id, 'ws')
          expect(effects()).toBe(before + 1)
          expect(await standing(world, id)).toBe('succeeded done')
        }
      } else {
        expect(end).toBe('succeeded done')
        expect(effects()).toBe(died && before === 1 && (await read(world, id)).fence === 2 ? 2 : 1)
      }
      await world.store.close()
      if (!died) break
    }
    expect(lifetime).toBeGreaterThan(8)
    if (effect === 'unsafe') expect(ends.size).toBe(2)
  },
)

const troubles = [
  ['throws, with nothing done', false],
  ['throws, with all done', true],
] as const

test.each(troubles)(
  'a store that once %s at any commit costs no approval and doubles nothing',
  async (_, isLate) => {
    for (let at = 0; ; at++) {
      const world = await createApprovalWorld()
      let commits = 0
      let ran = 0
      const store: Store = {
        ...world.store,
        async commit(changes: readonly Change[]) {
          const fails = commits++ === at
          const answer = fails && !isLate ? null : await world.store.commit(changes)
          if (fails) throw new Error('gone')
          return answer!
        },
      }
      const options = { store, operations: { 'contacts.merge': { run: () => void ran++ } } }
      const instances = [createInstance(world, options), createInstance(world, options)]
      const { id } = await approved(world)
      for (let i = 0; i < 10; i++) {
        await Promise.all(
          instances.map(async ({ work }) => Promise.race([work(), world.clock.advance(5_000)])),
        )
        await world.clock.advance(5_000)
      }
      const end = await standing(world, id)
      // A claim of which nobody heard may be another's: it is left to its lease.
      expect(end).toBe(at === 0 && isLate ? 'unknown lease_lost' : 'succeeded done')
      expect(ran).toBe(end === 'succeeded done' ? 1 : 0)
      if (commits <= at) break
      expect(at).toBeLessThan(10)
    }
  },
)

test('an outage while it runs costs nothing, if it is shorter than the lease', async () => {
  const world = await createApprovalWorld()
  let isDown = false
  let finish = () => undefined as void
  const store: Store = {
    ...world.store,
    commit: (changes) => (isDown ? Promise.reject(new Error('down')) : world.store.commit(changes)),
  }
  const { execution } = createInstance(world, {
    store,
    operations: { 'contacts.merge': { run: () => new Promise<void>((resolve) => (finish = resolve)) } },
  })
  const { id } = await approved(world)
  void execution.wake(id, 'ws')
  await world.clock.advance(0)
  isDown = true
  await world.clock.advance(15_000)
  finish()
  await world.clock.advance(5_000)
  isDown = false
  await world.clock.advance(10_000)
  expect(await standing(world, id)).toBe('succeeded done')
})
