import type { DeliveryRecord } from '../../core/delivery.js'
import { storeCase } from './case.js'
import type { StoreCase } from './case.js'
import { expectEqual } from './expect.js'
import { commitAll, expectRefused, update } from './probe.js'
import { idOf, insert, makeDelivery, someInstant } from './records.js'

const workspaceId = 'ws_1'

function idsIn(records: readonly { readonly id: string }[]): readonly string[] {
  return records.map(({ id }) => id)
}

/** Twenty-four deliveries of two workspaces, three keys, four approvals and every status. */
function manyDeliveries(): readonly DeliveryRecord[] {
  return Array.from({ length: 24 }, (_, i) => {
    const number = ((i * 5) % 24) + 1
    return makeDelivery(number, {
      workspaceId: number % 7 === 0 ? 'ws_2' : workspaceId,
      keyId: idOf('key', number % 3),
      approvalId: idOf('apr', number % 4),
      status: (['waiting', 'delivered', 'given_up'] as const)[number % 2 === 0 ? 0 : number % 3]!,
    })
  })
}

/** What is asked about webhooks' deliveries. */
export const deliveryCases: readonly StoreCase[] = [
  storeCase('a delivery comes back with every field, in its own workspace only', async (store) => {
    const records = [
      makeDelivery(1),
      makeDelivery(2, {
        ...{ status: 'given_up', event: 'approval.unknown', payload: `a.h1.${'Zm9v'.repeat(40_000)}` },
        ...{ attempts: 9, lastAttemptAt: someInstant + 7, lastStatus: 503, lastError: 'timeout' },
      }),
    ]
    await commitAll(store, ...records.map((record) => insert('delivery', record)))
    for (const record of records) {
      expectEqual(await store.findDelivery(workspaceId, record.id), record, 'the delivery')
      expectEqual(await store.findDelivery('ws_2', record.id), undefined, 'another workspace’s delivery')
    }
  }),
  storeCase('deliveries are listed newest first, by every filter and all of them together', async (store) => {
    const records = manyDeliveries()
    await commitAll(store, ...records.map((record) => insert('delivery', record)))
    for (const inWorkspace of [workspaceId, 'ws_2', 'ws_3']) {
      for (const keyId of [undefined, idOf('key', 1), 'none']) {
        for (const approvalId of [undefined, idOf('apr', 1), 'none']) {
          for (const status of [undefined, 'waiting', 'given_up'] as const) {
            const filter = {
              ...(keyId !== undefined && { keyId }),
              ...(approvalId !== undefined && { approvalId }),
              ...(status !== undefined && { status }),
            }
            const wanted = records
              .filter((one) => one.workspaceId === inWorkspace)
              .filter((one) =>
                Object.entries(filter).every(([name, value]) => one[name as keyof DeliveryRecord] === value),
              )
              .sort((a, b) => (a.id < b.id ? 1 : -1))
            const request = { workspaceId: inWorkspace, ...filter }
            const what = JSON.stringify(request)
            expectEqual(
              await store.listDeliveries({ ...request, limit: 99 }),
              wanted,
              `deliveries by ${what}`,
            )
            const [first, ...others] = wanted
            if (!first) continue
            const behind = await store.listDeliveries({ ...request, before: first.id, limit: 2 })
            expectEqual(behind, others.slice(0, 2), `the next two by ${what}`)
          }
        }
      }
    }
    expectEqual(await store.listDeliveries({ workspaceId, limit: 0 }), [], 'a page of none')
  }),
  storeCase('deliveries that are due come by their status, the longest due first', async (store) => {
    const places = [
      ...([
        [1, 30, 'waiting'],
        [2, 10, 'waiting'],
        [3, 10, 'delivered'],
        [4, 10, 'waiting'],
      ] as const),
      ...([
        [5, 41, 'waiting'],
        [6, 20, 'given_up'],
      ] as const),
    ] as const
    await commitAll(
      store,
      ...places.map(([number, after, status]) =>
        insert('delivery', makeDelivery(number, { status, dueAt: someInstant + after })),
      ),
    )
    const request = { status: 'waiting', now: someInstant + 40, limit: 9 } as const
    const due = idsIn(await store.listDueDeliveries(request))
    expectEqual(
      due,
      [2, 4, 1].map((n) => idOf('dlv', n)),
      'what is due',
    )
    expectEqual(idsIn(await store.listDueDeliveries({ ...request, limit: 2 })), due.slice(0, 2), 'two of it')
    expectEqual(await store.listDueDeliveries({ ...request, limit: 0 }), [], 'none of it')
    const later = await store.listDueDeliveries({ ...request, now: someInstant + 41 })
    expectEqual(idsIn(later), [...due, idOf('dlv', 5)], 'what is due a millisecond later')

    const claim = { dueAt: someInstant + 100, attempts: 1 }
    await commitAll(store, update('delivery', idOf('dlv', 2), 1, claim))
    await expectRefused(store, [update('delivery', idOf('dlv', 2), 1, claim)], 0, 'version')
    const rest = idsIn(await store.listDueDeliveries(request))
    expectEqual(rest, due.slice(1), 'what is due when one was claimed')
    await commitAll(store, update('delivery', idOf('dlv', 4), 1, { status: 'delivered', lastStatus: 204 }))
    expectEqual(idsIn(await store.listDueDeliveries(request)), [idOf('dlv', 1)], 'what is due at the end')
  }),
]
