import { pendingCounter } from '../../core/approval.js'
import type { ApprovalRecord } from '../../core/approval.js'
import type { Store } from '../../ports/store.js'
import { storeCase } from './case.js'
import type { StoreCase } from './case.js'
import { expectEqual, expectThat } from './expect.js'
import { add, commitAll, expectCounter, remove, stands, update } from './probe.js'
import {
  idOf,
  insert,
  insertKey,
  makeApproval,
  makeContent,
  makeDelivery,
  makeTombstone,
  makeVote,
  someInstant,
} from './records.js'

const workspaceId = 'ws_1'
const ended = { status: 'rejected', lane: 'ended' } as const

/** An approval with its content and a vote. */
async function keep(store: Store, number: number, fields: Partial<ApprovalRecord>): Promise<void> {
  const { keyId = idOf('key', number) } = fields
  await commitAll(
    store,
    insert('approval', makeApproval(number, fields)),
    insert('approvalContent', makeContent(number, { keyId })),
    insert('vote', makeVote(number, { keyId })),
  )
}

/** Which parts of an approval are there. */
async function partsOf(store: Store, number: number): Promise<readonly string[]> {
  const id = idOf('apr', number)
  const parts = {
    approval: await store.findApproval(workspaceId, id),
    content: await store.findApprovalContent(workspaceId, id),
    vote: (await store.listVotes(id))[0],
  }
  return Object.entries(parts).flatMap(([name, part]) => (part ? name : []))
}

async function deleteKey(store: Store, number: number): Promise<void> {
  await commitAll(store, remove('key', idOf('key', number), 1), remove('secret', idOf('sec', number), 1))
  await commitAll(store, insert('tombstone', makeTombstone(number)))
}

/** What a store does about approvals for itself: purges. */
export const approvalUpkeepCases: readonly StoreCase[] = [
  storeCase('a purge takes what was sealed with ended approvals, and leaves what is open', async (store) => {
    const now = someInstant + 1_000
    for (let number = 1; number <= 6; number++) await commitAll(store, ...insertKey(number))
    await keep(store, 1, { ...ended, dueAt: now })
    await keep(store, 2, { ...ended, dueAt: now + 1 })
    await keep(store, 3, { dueAt: now })
    await keep(store, 4, { status: 'approved', lane: 'app:main', dueAt: now })
    await keep(store, 5, { status: 'executing', lane: 'named', dueAt: now })
    await keep(store, 6, { status: 'unknown', lane: 'none', dueAt: null })

    expectEqual(await store.purge({ now, limit: 100 }), 1, 'how many were taken')
    expectEqual(await store.purge({ now, limit: 100 }), 0, 'how many were left')
    expectEqual(await partsOf(store, 1), ['approval', 'vote'], 'what is left of the ended one')
    const after = await store.findApproval(workspaceId, idOf('apr', 1))
    expectEqual(after, makeApproval(1, { ...ended, dueAt: null, version: 2 }), 'the ended one')
    for (const number of [2, 3, 4, 5, 6]) {
      expectEqual(await partsOf(store, number), ['approval', 'content', 'vote'], `what is left of ${number}`)
      expectThat(await stands(store, 'approval', idOf('apr', number), 1), 'an approval as it was')
    }
    const due = await store.listDueApprovals({ lane: 'ended', now: now + 9, limit: 9 })
    expectEqual(
      due.map(({ id }) => id),
      [idOf('apr', 2)],
      'what the next purge will take',
    )
  }),
  storeCase('a purge takes deliveries that have ended and are over, and none that waits', async (store) => {
    const now = someInstant + 1_000
    const deliveries = [
      makeDelivery(1, { status: 'delivered', dueAt: now }),
      makeDelivery(2, { status: 'given_up', dueAt: now }),
      makeDelivery(3, { status: 'delivered', dueAt: now + 1 }),
      makeDelivery(4, { status: 'waiting', dueAt: now }),
    ]
    await commitAll(store, ...deliveries.map((delivery) => insert('delivery', delivery)))
    expectEqual(await store.purge({ now, limit: 100 }), 2, 'how many were taken')
    const left = await store.listDeliveries({ workspaceId, limit: 9 })
    expectEqual(left, [deliveries[3], deliveries[2]], 'the deliveries that are left')
  }),
  storeCase('all that hung on a deleted key goes, but for approvals that have not ended', async (store) => {
    const now = someInstant + 1_000
    const keyId = idOf('key', 1)
    await commitAll(store, ...insertKey(1), ...insertKey(2))
    await keep(store, 1, { ...ended, dueAt: now + 9_000 })
    await keep(store, 2, { ...ended, keyId, dueAt: null })
    await keep(store, 3, { keyId, status: 'unknown', lane: 'none', dueAt: null })
    await keep(store, 4, { ...ended, keyId: idOf('key', 2), dueAt: now + 9_000 })
    const ofKey = [1, 2].map((number) => insert('delivery', makeDelivery(number, { keyId })))
    await commitAll(store, ...ofKey, insert('delivery', makeDelivery(4, { keyId: idOf('key', 2) })))
    await commitAll(store, add(pendingCounter(keyId), 3), add(pendingCounter(idOf('key', 2)), 2))
    await deleteKey(store, 1)

    // Two approvals, two deliveries and the tombstone.
    expectEqual(await store.purge({ now, limit: 100 }), 5, 'how many were taken')
    expectThat(!(await stands(store, 'tombstone', keyId, 1)), 'no tombstone')
    for (const number of [1, 2]) expectEqual(await partsOf(store, number), [], 'what is left of ended ones')
    for (const number of [3, 4]) {
      expectEqual(await partsOf(store, number), ['approval', 'content', 'vote'], `what is left of ${number}`)
    }
    const left = await store.listDeliveries({ workspaceId, limit: 9 })
    expectEqual(
      left.map(({ id }) => id),
      [idOf('dlv', 4)],
      'the deliveries that are left',
    )
    await expectCounter(store, pendingCounter(keyId), 0)
    await expectCounter(store, pendingCounter(idOf('key', 2)), 2)

    const end = { ...ended, dueAt: now } as const
    await commitAll(store, update('approval', idOf('apr', 3), 1, end))
    expectEqual(await store.purge({ now, limit: 100 }), 1, 'how many were taken at the end')
    expectEqual(await partsOf(store, 3), [], 'what is left of the one that was open')
  }),
  storeCase('the tombstone of a key with much to its name stays until all of it is gone', async (store) => {
    const keyId = idOf('key', 1)
    await commitAll(store, ...insertKey(1))
    for (let number = 1; number <= 25; number++) {
      await keep(store, number, { ...ended, keyId, dueAt: null })
      await commitAll(store, insert('delivery', makeDelivery(number, { keyId })))
    }
    await deleteKey(store, 1)
    const counts = []
    for (let round = 0; round < 4; round++) counts.push(await store.purge({ now: someInstant, limit: 10 }))
    expectEqual(counts, [20, 20, 11, 0], 'how many each took')
    expectEqual(await store.listApprovals({ workspaceId, limit: 99 }), [], 'the approvals')
    expectEqual(await store.listDeliveries({ workspaceId, limit: 99 }), [], 'the deliveries')
    for (let number = 1; number <= 25; number++) expectEqual(await partsOf(store, number), [], 'the rest')
  }),
]
