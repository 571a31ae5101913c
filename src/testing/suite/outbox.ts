import type { Store } from '../../ports/store.js'
import { storeCase } from './case.js'
import type { StoreCase } from './case.js'
import { expectEqual } from './expect.js'
import { commitAll, remove, update } from './probe.js'
import { idOf, insert, makeMessage, someInstant } from './records.js'

/** Numbers of the messages that are due. */
async function due(store: Store, destination: string, now: number, limit = 100): Promise<readonly number[]> {
  const messages = await store.listDueMessages({ kind: 'sink', destination, now, limit })
  return messages.map((message) => Number(message.id.slice(-6)))
}

/** Messages on their way out. */
export const outboxCases: readonly StoreCase[] = [
  storeCase(
    'due messages come oldest first by id, to the millisecond, for one destination',
    async (store) => {
      await commitAll(
        store,
        insert('message', makeMessage(3)),
        insert('message', makeMessage(1, { dueAt: someInstant + 1 })),
        insert('message', makeMessage(2)),
        insert('message', makeMessage(4, { dueAt: someInstant - 1 })),
        insert('message', makeMessage(5, { destination: 'file' })),
        insert('message', makeMessage(6, { destination: 'consol' })),
      )
      expectEqual(await due(store, 'console', someInstant), [2, 3, 4], 'what is due')
      expectEqual(
        await due(store, 'console', someInstant + 1),
        [1, 2, 3, 4],
        'what is due one millisecond later',
      )
      expectEqual(await due(store, 'console', someInstant, 2), [2, 3], 'the first two')
      expectEqual(await due(store, 'console', someInstant, 0), [], 'none')
      expectEqual(await due(store, 'file', someInstant), [5], 'another destination')
      expectEqual(await due(store, 'Console', someInstant), [], 'a destination that nothing is for')
    },
  ),
  storeCase('messages are counted by destination, due or not', async (store) => {
    expectEqual([...(await store.countMessages())], [], 'no messages')
    await commitAll(
      store,
      insert('message', makeMessage(1, { dueAt: someInstant * 2 })),
      insert('message', makeMessage(2)),
      insert('message', makeMessage(3, { destination: 'file' })),
    )
    expectEqual(
      await store.countMessages(),
      new Map([
        ['console', 2],
        ['file', 1],
      ]),
      'three messages',
    )
    await commitAll(store, remove('message', idOf('msg', 3), 1))
    expectEqual(await store.countMessages(), new Map([['console', 2]]), 'two messages')
  }),
  storeCase('a claim moves a message on, and of two claimers one wins', async (store) => {
    await commitAll(store, insert('message', makeMessage(1)), insert('message', makeMessage(2)))
    const claim = (until: number) => update('message', idOf('msg', 1), 1, { dueAt: until, attempts: 1 })
    const answers = await Promise.all([
      store.commit([claim(someInstant + 1_000)]),
      store.commit([claim(someInstant + 2_000)]),
    ])
    expectEqual(answers.map(({ ok }) => ok).sort(), [false, true], 'the claims')
    expectEqual(
      answers.find(({ ok }) => !ok),
      { ok: false, failed: 0, why: 'version' },
      'the claim that lost',
    )
    expectEqual(await due(store, 'console', someInstant + 999), [2], 'what is due while it is claimed')
    expectEqual(
      await due(store, 'console', someInstant + 2_000),
      [1, 2],
      'what is due when the claim is over',
    )
    await commitAll(store, remove('message', idOf('msg', 1), 2))
    expectEqual(await due(store, 'console', someInstant + 2_000), [2], 'what is left')
  }),
  storeCase('a message comes back whole, whatever its payload', async (store) => {
    const payload = JSON.stringify({ text: 'ü🗝\u2028"\\', list: Array.from({ length: 2_000 }, (_, i) => i) })
    const message = makeMessage(1, { payload, attempts: 7, workspaceId: 'ws_2', createdAt: 1 })
    await commitAll(store, insert('message', message))
    const request = { kind: 'sink', destination: 'console', now: someInstant, limit: 1 } as const
    expectEqual(await store.listDueMessages(request), [message], 'the message')
  }),
]
