import { formatWebhook } from '../../core/webhook.js'
import type { SealedCount } from '../../ports/sealed-store.js'
import { storeCase } from './case.js'
import type { StoreCase } from './case.js'
import { expectEqual } from './expect.js'
import { commitAll, remove, update } from './probe.js'
import { idOf, insert, insertKey, makeContent, makeDelivery } from './records.js'

const [older, newer] = ['0a1b2c3d', 'ffffffff']

/** A text as it is sealed under a secret of the host; `length` characters behind its head. */
function sealedUnder(hostSecretId: string, length = 8): string {
  return `a.${hostSecretId}.${'Zm9v'.repeat(length / 4)}`
}

function webhookUnder(hostSecretId: string): string {
  return formatWebhook({
    url: 'https://example.com/"hostSecretId":"00000000"',
    events: ['approval.rejected'],
    hostSecretId,
    generation: 1,
    former: { hostSecretId: '11111111', generation: 1, endsAt: 9 },
    disabledAt: null,
  })
}

function byName(a: SealedCount, b: SealedCount): number {
  return `${a.kind} ${a.hostSecretId}` < `${b.kind} ${b.hostSecretId}` ? -1 : 1
}

/** What hangs on the secrets of the host. */
export const sealedCases: readonly StoreCase[] = [
  storeCase('what hangs on each secret of the host is counted by kind, in all workspaces', async (store) => {
    expectEqual(await store.countSealed(), [], 'the counts of an empty store')
    await commitAll(
      store,
      insert('approvalContent', makeContent(1, { request: sealedUnder(older) })),
      insert('approvalContent', makeContent(2, { workspaceId: 'ws_2', request: sealedUnder(older, 90_000) })),
      insert(
        'approvalContent',
        makeContent(3, { request: sealedUnder(newer), result: sealedUnder(older, 90_000) }),
      ),
      insert('delivery', makeDelivery(1, { payload: sealedUnder(newer) })),
      ...insertKey(1, { webhook: webhookUnder(older) }),
      ...insertKey(2),
    )
    const counts = [...(await store.countSealed())].sort(byName)
    const expected = [
      { kind: 'deliveries', hostSecretId: newer, count: 1 },
      { kind: 'requests', hostSecretId: older, count: 2 },
      { kind: 'requests', hostSecretId: newer, count: 1 },
      { kind: 'results', hostSecretId: older, count: 1 },
      { kind: 'webhooks', hostSecretId: older, count: 1 },
    ]
    expectEqual(counts, expected, 'the counts')

    await commitAll(
      store,
      update('approvalContent', idOf('apr', 1), 1, { request: sealedUnder(newer) }),
      remove('approvalContent', idOf('apr', 2), 1),
      update('key', idOf('key', 1), 1, { webhook: null }),
    )
    expectEqual(
      [...(await store.countSealed())].sort(byName),
      [
        { kind: 'deliveries', hostSecretId: newer, count: 1 },
        { kind: 'requests', hostSecretId: newer, count: 2 },
        { kind: 'results', hostSecretId: older, count: 1 },
      ],
      'the counts when some were sealed again or removed',
    )
  }),
  storeCase('what hangs on secrets of the host is listed by id, from any record on', async (store) => {
    const number = (i: number) => ((i * 7) % 25) + 1
    const contents = Array.from({ length: 25 }, (_, i) =>
      makeContent(number(i), {
        workspaceId: number(i) % 3 === 0 ? 'ws_2' : 'ws_1',
        request: sealedUnder(older),
        result: number(i) % 2 === 0 ? sealedUnder(newer) : null,
      }),
    )
    await commitAll(store, ...contents.map((content) => insert('approvalContent', content)))
    const rows = contents
      .map(({ id, workspaceId, result }) => ({
        ...{ id, workspaceId },
        hostSecretIds: result === null ? [older] : [older, newer],
      }))
      .sort((a, b) => (a.id < b.id ? -1 : 1))
    const list = (after: string | undefined, limit: number) =>
      store.listSealed({ type: 'approvalContent', ...(after !== undefined && { after }), limit })
    expectEqual(await list(undefined, 100), rows, 'all of them')
    expectEqual(await list(undefined, 10), rows.slice(0, 10), 'the first page')
    expectEqual(await list(rows[9]!.id, 10), rows.slice(10, 20), 'the second page')
    expectEqual(await list(rows[19]!.id, 10), rows.slice(20), 'the last page')
    expectEqual(await list(rows[24]!.id, 10), [], 'behind the last')
    expectEqual(await list(undefined, 0), [], 'a page of none')

    await commitAll(
      store,
      ...insertKey(1, { webhook: webhookUnder(older) }),
      ...insertKey(2, { workspaceId: 'ws_2' }),
      insert('delivery', makeDelivery(1, { payload: sealedUnder(newer) })),
    )
    expectEqual(
      await store.listSealed({ type: 'key', limit: 9 }),
      [
        { id: idOf('key', 1), workspaceId: 'ws_1', hostSecretIds: [older] },
        { id: idOf('key', 2), workspaceId: 'ws_2', hostSecretIds: [] },
      ],
      'keys, those without a webhook too',
    )
    expectEqual(
      await store.listSealed({ type: 'delivery', limit: 9 }),
      [{ id: idOf('dlv', 1), workspaceId: 'ws_1', hostSecretIds: [newer] }],
      'deliveries',
    )
  }),
]
