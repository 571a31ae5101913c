import { expect, test } from 'vitest'
import type { Clock } from '../../../src/ports/clock.js'
import { planStep } from '../../../src/core/approval-edges.js'
import { takeStep } from '../../../src/service/approvals/step.js'
import { admin } from '../keys/fixture.js'
import { stores } from '../keys/stores.js'
import { approved, createApprovalWorld, createInstance, read, standing } from './fixture.js'
import type { ApprovalWorld } from './fixture.js'

const skewMs = 90_000
const hourMs = 3_600_000

/** The clock of an instance whose wall shows another time than the store's. */
const shifted = (clock: Clock, ms: number): Clock => ({
  ...clock,
  now: () => clock.now() + ms,
})

async function tickOver(world: ApprovalWorld, times: number, work: () => Promise<void>): Promise<void> {
  for (let tick = 0; tick < times; tick++) {
    void work()
    await world.clock.advance(1_000)
  }
}

const effects = ['unsafe', 'idempotent'] as const
const skews = [
  [-skewMs, 0],
  [0, skewMs],
  [skewMs, -skewMs],
] as const
const table = stores.flatMap(([name, store]) =>
  effects.flatMap((effect) => skews.map(([own, other]) => [name, effect, own, other, store] as const)),
)

test.each(table)(
  'on %s a living %s run on a clock %i ms off is left alone by one %i ms off',
  async (_, effect, own, other, store) => {
    const world = await createApprovalWorld({ store })
    let began = 0
    let finish: () => void = () => undefined
    const operations = {
      'contacts.merge': {
        effect,
        run: () => (began++, new Promise<null>((resolve) => (finish = () => resolve(null)))),
      },
    }
    const runs = createInstance(world, { operations, clock: shifted(world.clock, own) })
    const looks = createInstance(world, { operations, clock: shifted(world.clock, other) })
    const { id } = await approved(world, { effect })
    const running = runs.execution.wake(id, 'ws')
    await tickOver(world, 45, () => looks.work())
    expect([await standing(world, id), began]).toEqual(['executing', 1])
    finish()
    await running
    expect(await standing(world, id)).toBe('succeeded done')
  },
)

const clockShifts = stores.flatMap(([name, store]) =>
  [20_000, -20_000].map((ms) => [name, ms, store] as const),
)

test.each(clockShifts)('on %s what was decided on a clock %i ms off is run at once', async (_, ms, store) => {
  const world = await createApprovalWorld({ store })
  const decides = createInstance(world, { clock: shifted(world.clock, ms) })
  const runs = createInstance(world, { operations: { 'contacts.merge': {} } })
  const record = await approved(world, { set: { status: 'unknown', lane: 'none', dueAt: null, fence: 1 } })
  const at = await decides.context.store.now()
  const step = { edge: 'resolve', at, by: 'user:ann', as: 'again', reason: null, purgeAt: at } as const
  expect(planStep(record, step)?.set.dueAt).toBe(world.clock.now())
  await takeStep(decides.context, record, step, { actor: admin })
  await runs.work()
  expect(await standing(world, record.id)).toBe('succeeded done')
})

test.each(stores)('on %s a wall clock that is set back an hour holds up no approval', async (_, store) => {
  const world = await createApprovalWorld({ store })
  const instance = createInstance(world, { operations: { 'contacts.merge': {} } })
  const { id } = await approved(world)
  await world.store.now()
  world.clock.step(-hourMs)
  await instance.work()
  expect(await standing(world, id)).toBe('succeeded done')
})

test.each(stores)(
  'on %s a run whose instance is gone is found in time after a step back',
  async (_, store) => {
    const world = await createApprovalWorld({ store })
    const never = () => new Promise<null>(() => undefined)
    const lost = createInstance(world, { operations: { 'contacts.merge': { run: never } } })
    const { id } = await approved(world)
    void lost.execution.wake(id, 'ws')
    await world.clock.advance(0)
    void lost.execution.close()
    await world.clock.advance(20_000)
    const before = await read(world, id)
    world.clock.step(-hourMs)
    await tickOver(world, 60, () => createInstance(world).work())
    expect([before.status, await standing(world, id)]).toEqual(['executing', 'unknown lease_lost'])
  },
)
