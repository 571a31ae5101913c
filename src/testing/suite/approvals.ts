import { approvalStatuses } from '../../core/approval.js'
import type { ApprovalRecord } from '../../core/approval.js'
import type { Store } from '../../ports/store.js'
import { storeCase } from './case.js'
import type { StoreCase } from './case.js'
import { expectEqual, expectThat } from './expect.js'
import { commitAll, expectRefused, remove, stands, update } from './probe.js'
import { idOf, insert, makeApproval, makeContent, makeVote, someInstant } from './records.js'

const workspaceId = 'ws_1'

function idsIn(records: readonly { readonly id: string }[]): readonly string[] {
  return records.map(({ id }) => id)
}

/** Thirty approvals of two workspaces, three keys, three resources and every status, not in the order of their ids. */
function manyApprovals(): readonly ApprovalRecord[] {
  return Array.from({ length: 30 }, (_, i) => {
    const number = ((i * 7) % 30) + 1
    return makeApproval(number, {
      workspaceId: number % 7 === 0 ? 'ws_2' : workspaceId,
      keyId: idOf('key', number % 3),
      resource: ['contacts', 'deals', 'email'][number % 3 === 0 ? 0 : number % 2]!,
      status: approvalStatuses[number % approvalStatuses.length]!,
    })
  })
}

/** Goes through a listing page by page, and answers all ids. */
async function allPages(
  store: Store,
  request: Omit<Parameters<Store['listApprovals']>[0], 'limit'>,
  limit: number,
): Promise<readonly string[]> {
  const ids: string[] = []
  for (let before: string | undefined; ;) {
    const page = await store.listApprovals({ ...request, ...(before !== undefined && { before }), limit })
    ids.push(...idsIn(page))
    if (page.length < limit) return ids
    before = page.at(-1)!.id
  }
}

/** What is asked about approvals, and kept with them. */
export const approvalCases: readonly StoreCase[] = [
  storeCase('an approval comes back with every field, whatever is in it', async (store) => {
    const records = [
      makeApproval(1),
      makeApproval(2, {
        ...{ status: 'succeeded', lane: 'ended', dueAt: someInstant + 5, ownerId: 'user 7', address: '::1' },
        ...{
          kind: 'named',
          operation: 'contacts.merge',
          app: '',
          effect: 'transactional',
          quorum: 3,
          votes: 3,
        },
        ...{ chain: '["sub-agent “ü”","planner"]', tokenId: 'tok_1' },
        tokenScopes: 'contacts:read contacts:write-approval',
        ...{ keyName: 'Ключ \u{1F511}', reason: '', decidedAt: someInstant, decidedBy: 'user:9', fence: 4 },
        ...{ startedAt: someInstant + 1, endedAt: someInstant + 2, outcome: 'done', resultStatus: 201 },
      }),
    ]
    await commitAll(store, ...records.map((record) => insert('approval', record)))
    for (const record of records) {
      expectEqual(await store.findApproval(workspaceId, record.id), record, 'the approval')
      expectEqual(await store.findApproval('ws_2', record.id), undefined, 'another workspace’s approval')
    }
    expectEqual(await store.findApproval(workspaceId, 'none'), undefined, 'an id that nobody has')
  }),
  storeCase('what was asked is found in its own workspace only, however long it is', async (store) => {
    const content = makeContent(1, { request: `a.h1.${'Zm9v'.repeat(90_000)}` })
    await commitAll(store, insert('approvalContent', content))
    expectEqual(await store.findApprovalContent(workspaceId, content.id), content, 'the content')
    expectEqual(await store.findApprovalContent('ws_2', content.id), undefined, 'another’s content')
    await commitAll(store, update('approvalContent', content.id, 1, { result: 'a.h1.YmFy' }))
    const after = { ...content, version: 2, result: 'a.h1.YmFy' }
    expectEqual(await store.findApprovalContent(workspaceId, content.id), after, 'the content with a result')
  }),
  storeCase('approvals are listed newest first, by every filter and all of them together', async (store) => {
    const records = manyApprovals()
    await commitAll(store, ...records.map((record) => insert('approval', record)))
    const keyIds = [undefined, idOf('key', 1), 'none']
    for (const inWorkspace of [workspaceId, 'ws_2', 'ws_3']) {
      for (const keyId of keyIds) {
        for (const resource of [undefined, 'contacts', 'none']) {
          for (const status of [undefined, 'pending', 'stale'] as const) {
            const filter = {
              ...(keyId !== undefined && { keyId }),
              ...(resource !== undefined && { resource }),
              ...(status !== undefined && { status }),
            }
            const wanted = records
              .filter((one) => one.workspaceId === inWorkspace)
              .filter((one) =>
                Object.entries(filter).every(([name, value]) => one[name as keyof ApprovalRecord] === value),
              )
              .sort((a, b) => (a.id < b.id ? 1 : -1))
            const request = { workspaceId: inWorkspace, ...filter }
            const found = await store.listApprovals({ ...request, limit: 99 })
            expectEqual(found, wanted, `the approvals by ${JSON.stringify(request)}`)
          }
        }
      }
    }
  }),
  storeCase('pages of approvals overlap nowhere and leave nothing out', async (store) => {
    const records = manyApprovals()
    await commitAll(store, ...records.map((record) => insert('approval', record)))
    const keyId = idOf('key', 1)
    for (const filter of [{}, { keyId }, { resource: 'contacts' }, { status: 'pending' as const }]) {
      const request = { workspaceId, ...filter }
      const whole = idsIn(await store.listApprovals({ ...request, limit: 99 }))
      expectThat(whole.length > 2, 'a listing of several pages')
      for (const limit of [1, 2, whole.length]) {
        expectEqual(await allPages(store, request, limit), whole, `the pages of ${limit}`)
      }
    }
    expectEqual(await store.listApprovals({ workspaceId, limit: 0 }), [], 'a page of none')
  }),
  storeCase('an approval is listed by what it is now, not by what it was', async (store) => {
    const list = async (status: ApprovalRecord['status']) =>
      idsIn(await store.listApprovals({ workspaceId, status, limit: 99 }))
    const numbers = Array.from({ length: 12 }, (_, i) => i + 1)
    await commitAll(store, ...numbers.map((number) => insert('approval', makeApproval(number))))
    for (const number of [7, 2, 11, 3]) {
      await commitAll(store, update('approval', idOf('apr', number), 1, { status: 'approved' }))
    }
    const rest = numbers.filter((number) => ![7, 2, 11, 3].includes(number))
    expectEqual(await list('pending'), rest.map((n) => idOf('apr', n)).reverse(), 'what is pending')
    expectEqual(
      await list('approved'),
      [11, 7, 3, 2].map((n) => idOf('apr', n)),
      'what is approved',
    )
    await commitAll(store, update('approval', idOf('apr', 7), 2, { status: 'pending' }))
    await commitAll(store, remove('approval', idOf('apr', 3), 2))
    expectEqual(
      await list('approved'),
      [11, 2].map((n) => idOf('apr', n)),
      'what is approved',
    )
    expectThat((await list('pending')).includes(idOf('apr', 7)), 'what is pending again')
  }),
  storeCase(
    'what is due comes by its lane, the longest due first, and goes on behind the last',
    async (store) => {
      const places = [
        ...([
          [1, 30, 'pending'],
          [2, 10, 'pending'],
          [3, 20, 'pending'],
          [4, 10, 'pending'],
        ] as const),
        ...([
          [5, 10, 'named'],
          [6, null, 'pending'],
          [7, 41, 'pending'],
          [8, 10, 'app:main'],
        ] as const),
      ] as const
      await commitAll(
        store,
        ...places.map(([number, after, lane]) =>
          insert(
            'approval',
            makeApproval(number, {
              lane,
              dueAt: after === null ? null : someInstant + after,
              workspaceId: `ws_${number}`,
            }),
          ),
        ),
      )
      const request = { lane: 'pending', now: someInstant + 40, limit: 9 } as const
      const due = await store.listDueApprovals(request)
      expectEqual(
        idsIn(due),
        [2, 4, 3, 1].map((n) => idOf('apr', n)),
        'what is due',
      )
      for (const [index, { id, dueAt }] of due.entries()) {
        const after = { id, dueAt: dueAt! }
        const behind = await store.listDueApprovals({ ...request, after })
        expectEqual(idsIn(behind), idsIn(due).slice(index + 1), `what comes behind ${index}`)
      }
      expectEqual(
        idsIn(await store.listDueApprovals({ ...request, limit: 2 })),
        idsIn(due).slice(0, 2),
        'two',
      )
      const later = await store.listDueApprovals({ ...request, now: someInstant + 41 })
      expectEqual(later.length, 5, 'how many are due a millisecond later')
      expectEqual(
        await store.listDueApprovals({ ...request, now: someInstant + 9 }),
        [],
        'what is due before',
      )
      expectEqual(
        idsIn(await store.listDueApprovals({ ...request, lane: 'named' })),
        [idOf('apr', 5)],
        'named',
      )
      expectEqual(await store.listDueApprovals({ ...request, lane: 'app:other' }), [], 'an app’s without any')
      expectEqual(await store.listDueApprovals({ ...request, limit: 0 }), [], 'none')
    },
  ),
  storeCase('a claim moves an approval on in its lane, and the end takes it out of it', async (store) => {
    await commitAll(
      store,
      ...[1, 2].map((number) =>
        insert('approval', makeApproval(number, { lane: 'named', dueAt: someInstant, status: 'approved' })),
      ),
    )
    const due = async (now: number) => idsIn(await store.listDueApprovals({ lane: 'named', now, limit: 9 }))
    const lease = { status: 'executing', dueAt: someInstant + 100, fence: 1 } as const
    await commitAll(store, update('approval', idOf('apr', 1), 1, lease))
    await expectRefused(store, [update('approval', idOf('apr', 1), 1, lease)], 0, 'version')
    expectEqual(await due(someInstant + 99), [idOf('apr', 2)], 'what is due while the lease runs')
    expectEqual(await due(someInstant + 100), [idOf('apr', 2), idOf('apr', 1)], 'what is due at its end')
    await commitAll(
      store,
      update('approval', idOf('apr', 1), 2, { status: 'unknown', lane: 'none', dueAt: null }),
    )
    await commitAll(store, update('approval', idOf('apr', 2), 1, { lane: 'ended', dueAt: someInstant }))
    expectEqual(await due(someInstant + 100), [], 'what is due at the end')
  }),
  storeCase('votes come by their approval, oldest first, and each is there once', async (store) => {
    const votes = [
      makeVote(1, { at: someInstant + 2, role: '', secretId: 'sec_1', reason: 'fine' }),
      makeVote(2, { approvalId: idOf('apr', 1), at: someInstant + 1 }),
      makeVote(3, { approvalId: idOf('apr', 1), at: someInstant + 2 }),
      makeVote(4),
    ] as const
    await commitAll(store, ...votes.map((vote) => insert('vote', vote)))
    const found = await store.listVotes(idOf('apr', 1))
    expectEqual(found, [votes[1], votes[0], votes[2]], 'the votes')
    await expectRefused(store, [insert('vote', makeVote(1))], 0, 'duplicate')
    expectEqual(await store.listVotes('none'), [], 'the votes for what is not there')
    await commitAll(store, remove('vote', 'vote-2', 1))
    expectEqual(idsIn(await store.listVotes(idOf('apr', 1))), ['vote-1', 'vote-3'], 'the votes that are left')
    expectThat(await stands(store, 'vote', 'vote-4', 1), 'the vote for another approval')
  }),
]
