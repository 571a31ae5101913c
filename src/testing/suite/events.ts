import type { EventListRequest } from '../../ports/audit-store.js'
import type { Store } from '../../ports/store.js'
import { storeCase } from './case.js'
import type { StoreCase } from './case.js'
import { expectEqual } from './expect.js'
import { commitAll } from './probe.js'
import { idOf, insert, makeEvent, someInstant } from './records.js'

/** Numbers of the events on one page. */
async function page(store: Store, request: Partial<EventListRequest>): Promise<readonly number[]> {
  const events = await store.listEvents({ workspaceId: 'ws_1', limit: 100, ...request })
  return events.map((event) => Number(event.id.slice(-6)))
}

/** Lists of change events. */
export const eventCases: readonly StoreCase[] = [
  storeCase(
    'events are listed newest first, those of one instant by id, and come back whole',
    async (store) => {
      const at = someInstant
      await commitAll(
        store,
        insert('event', makeEvent(4, { at })),
        insert('event', makeEvent(1, { at: at + 5 })),
        insert('event', makeEvent(2, { at })),
        insert('event', makeEvent(3, { at, reason: 'ünïcode\n', requestId: 'req_1', details: '{"x":"🗝"}' })),
        insert('event', makeEvent(9, { at: at - 1 })),
      )
      expectEqual(await page(store, {}), [1, 4, 3, 2, 9], 'all')
      const found = (await store.listEvents({ workspaceId: 'ws_1', limit: 100 })).find(
        (event) => event.id === idOf('evt', 3),
      )
      expectEqual(
        found,
        makeEvent(3, { at, reason: 'ünïcode\n', requestId: 'req_1', details: '{"x":"🗝"}' }),
        'an event',
      )
      expectEqual(await page(store, { limit: 0 }), [], 'none')
    },
  ),
  storeCase(
    'cursors lead through events of one instant, and stay in step while events are added',
    async (store) => {
      const instants = [0, 0, 0, 1, 1, 2, 2, 2, 2, 3]
      for (const [number, at] of instants.entries()) {
        await commitAll(store, insert('event', makeEvent(number, { at: someInstant + at })))
      }
      for (const limit of [1, 2, 3, 7]) {
        const seen: number[] = []
        let before: EventListRequest['before']
        while (seen.length < 100) {
          const events = await store.listEvents({ workspaceId: 'ws_1', limit, ...(before && { before }) })
          if (events.length === 0) break
          seen.push(...events.map((event) => Number(event.id.slice(-6))))
          const last = events.at(-1)!
          before = { at: last.at, id: last.id }
          const added = 1_000 * limit + seen.length
          await commitAll(
            store,
            insert('event', makeEvent(added, { at: someInstant + 50, workspaceId: `ws_1` })),
          )
        }
        expectEqual(
          seen.filter((number) => number < 1_000),
          [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
          `pages of ${limit}`,
        )
      }
    },
  ),
  storeCase('actor, action, target and times are filters, alone and together', async (store) => {
    const actors = ['user:1', 'user:2', 'system:nightly']
    const actions = ['key.created', 'key.edited'] as const
    const events = Array.from({ length: 24 }, (_, number) =>
      makeEvent(number, {
        at: someInstant + number,
        actor: actors[number % 3]!,
        action: actions[number % 2]!,
        targetId: idOf('key', number % 4),
      }),
    )
    await commitAll(store, ...events.map((event) => insert('event', event)))
    const choices = {
      actor: [undefined, ...actors, 'user', 'USER:1', 'user:1 '],
      action: [undefined, ...actions],
      targetId: [undefined, idOf('key', 0), idOf('key', 3), idOf('key', 7)],
      from: [undefined, someInstant + 5],
      to: [undefined, someInstant + 20],
      before: [undefined, { at: someInstant + 17, id: idOf('evt', 17) }],
    }
    for (const actor of choices.actor)
      for (const action of choices.action)
        for (const targetId of choices.targetId)
          for (const [from, to, before] of [
            [undefined, undefined, undefined],
            [choices.from[1], undefined, undefined],
            [undefined, choices.to[1], undefined],
            [choices.from[1], choices.to[1], choices.before[1]],
          ] as const) {
            const wanted = events
              .filter(
                (event) =>
                  (actor === undefined || event.actor === actor) &&
                  (action === undefined || event.action === action) &&
                  (targetId === undefined || event.targetId === targetId) &&
                  event.at >= (from ?? 0) &&
                  event.at < (to ?? Infinity) &&
                  (before === undefined || event.at < before.at),
              )
              .map((event) => Number(event.id.slice(-6)))
              .reverse()
            const request = Object.fromEntries(
              Object.entries({ actor, action, targetId, from, to, before }).filter(
                ([, value]) => value !== undefined,
              ),
            )
            expectEqual(await page(store, request), wanted, JSON.stringify(request))
            expectEqual(await page(store, { ...request, limit: 2 }), wanted.slice(0, 2), 'its first page')
          }
  }),
  storeCase('`from` is included, `to` is not, to the millisecond', async (store) => {
    for (const number of [0, 1, 2, 3]) await commitAll(store, insert('event', makeEvent(number)))
    expectEqual(
      await page(store, { from: someInstant + 1, to: someInstant + 3 }),
      [2, 1],
      'the two in between',
    )
    expectEqual(await page(store, { from: someInstant + 1, to: someInstant + 1 }), [], 'no time at all')
    expectEqual(await page(store, { to: someInstant }), [], 'before the first')
  }),
  storeCase("no workspace sees another's events, by any filter", async (store) => {
    await commitAll(
      store,
      insert('event', makeEvent(1)),
      insert('event', makeEvent(2, { workspaceId: 'ws_2' })),
      insert('event', makeEvent(3, { workspaceId: '' })),
    )
    expectEqual(await page(store, {}), [1], 'all of ws_1')
    expectEqual(await page(store, { targetId: idOf('key', 2) }), [], "another's target")
    expectEqual(await page(store, { workspaceId: 'ws_2', actor: 'user:1' }), [2], 'all of ws_2')
    expectEqual(await page(store, { workspaceId: 'ws_3' }), [], 'all of ws_3')
  }),
]
