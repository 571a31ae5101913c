import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createSlots } from '../../../src/service/execution/slots.js'

/** Lets what is ready go on. */
const turn = () => new Promise((resolve) => setImmediate(resolve))

test('24 runs of one owner that hang hold up no run of another', async () => {
  const slots = createSlots(8, 4)
  let hanging = 0
  for (let i = 0; i < 24; i++) void slots.take('a').then(() => hanging++)
  expect(await slots.take('b')).toBe(true)
  expect(hanging).toBe(4)
  expect([slots.hasRoom('a'), slots.hasRoom('b'), slots.free]).toEqual([false, true, 3])
  slots.give('a')
  await turn()
  expect(hanging).toBe(5)
})

test('those who wait are turned away when the places are closed', async () => {
  const slots = createSlots(1, 1)
  expect(await slots.take('a')).toBe(true)
  const waiting = slots.take('b')
  slots.close()
  expect([await waiting, await slots.take('c')]).toEqual([false, false])
})

test('no owner has more than a share, no place is lost, and nobody waits who has room', async () => {
  const owners = fc.constantFrom('a', 'b', 'c')
  const action = fc.record({ owner: owners, takes: fc.boolean() })
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (actions) => {
      const slots = createSlots(4, 2)
      const holds = new Map<string, number>()
      const waits = new Map<string, number>()
      const add = (to: Map<string, number>, owner: string, by: number): void =>
        void to.set(owner, (to.get(owner) ?? 0) + by)
      for (const { owner, takes } of actions) {
        if (takes) {
          add(waits, owner, 1)
          void slots.take(owner).then(() => {
            add(waits, owner, -1)
            add(holds, owner, 1)
          })
        } else if ((holds.get(owner) ?? 0) > 0) {
          add(holds, owner, -1)
          slots.give(owner)
        }
        await turn()
        const all = [...holds.values()]
        expect(Math.max(0, ...all)).toBeLessThanOrEqual(2)
        expect(slots.free).toBe(4 - all.reduce((sum, n) => sum + n, 0))
        for (const [name, n] of waits) if (n > 0) expect(slots.hasRoom(name)).toBe(false)
      }
    }),
    { numRuns: 50 },
  )
})
