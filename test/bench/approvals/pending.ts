import { formatId } from '../../../src/core/id.js'
import { pendingCounter } from '../../../src/core/approval.js'
import type { ApprovalContentRecord, ApprovalRecord } from '../../../src/core/approval.js'
import { toUtf8 } from '../../../src/crypto/encoding.js'
import { readHostSecrets } from '../../../src/crypto/host-secret.js'
import { systemEntropy } from '../../../src/crypto/random.js'
import { createSealer } from '../../../src/crypto/sealer.js'
import type { Change } from '../../../src/ports/change.js'
import type { Store } from '../../../src/ports/store.js'
import { digestAsked, sealRequest } from '../../../src/service/approvals/content.js'
import { tableNames } from '../../../src/stores/sql/tables.js'
import { makeApproval, makeContent } from '../../../src/testing/suite/records.js'
import { insertRecords } from '../../stores/bulk-rows.js'
import { hostSecret } from '../seed.js'
import { approver, operationName } from './host.js'
import type { StoreKind } from './stores.js'

/** One approval in so many is about the rare resource. */
const rareEvery = 20

/** A resource that few approvals are about. */
export const rareResource = 'email'

/** Apart from one another, so that they were queued over as long a time as each takes. */
const apartMs = 10
const weekMs = 7 * 86_400_000

/** A key that asks, as its approvals are to be made. */
export interface Asker {
  readonly keyId: string
  readonly secretId: string
}

/** Of so many, spread over all, what was asked is really sealed; the others are as long. */
const mostSealed = 1_000

/** Approvals that wait, oldest first, with what was asked. */
export interface Pending {
  readonly approvals: readonly ApprovalRecord[]
  readonly contents: readonly ApprovalContentRecord[]
  /** Those of the usual resource that can be approved, and then run. */
  readonly decidable: readonly ApprovalRecord[]
}

/** Makes so many approvals that wait in one workspace, spread over keys in turn. */
export async function makePending(count: number, askers: readonly Asker[]): Promise<Pending> {
  const sealer = createSealer(readHostSecrets(hostSecret), systemEntropy)
  const start = Date.now() - count * apartMs
  const approvals: ApprovalRecord[] = []
  const contents: ApprovalContentRecord[] = []
  const decidable: ApprovalRecord[] = []
  // No step of it meets the same keys again and again.
  const sealEvery = Math.max(1, Math.floor(count / mostSealed) - 1)
  let sealed = ''
  for (let n = 1; n <= count; n++) {
    const { keyId, secretId } = askers[n % askers.length]!
    const createdAt = start + n * apartMs
    const isRare = Math.floor(n / askers.length) % rareEvery === 0
    const permission = isRare ? `${rareResource}:send` : 'contacts:write'
    const content = {
      ...{ salt: 'seeded', request: null, preview: null, precondition: null },
      input: toUtf8(JSON.stringify({ note: `seeded ${n}` })),
    }
    const asking = makeApproval(n, {
      ...{ id: formatId('apr', createdAt, systemEntropy(10)), workspaceId: approver.workspaceId },
      ...{ keyId, secretId, lineage: keyId, kind: 'named', app: '', operation: operationName },
      ...{ permissions: permission, queued: permission, resource: permission.split(':')[0]! },
      ...{ createdAt, expiresAt: createdAt + weekMs, dueAt: createdAt + weekMs },
    })
    const isSealed = n % sealEvery === 0
    const record = isSealed ? { ...asking, digest: digestAsked(asking, content) } : asking
    if (isSealed || sealed === '') sealed = await sealRequest(sealer, record, content)
    if (isSealed && !isRare) decidable.push(record)
    const { id, workspaceId } = record
    approvals.push(record)
    contents.push(makeContent(n, { id, workspaceId, keyId, request: sealed }))
  }
  return { approvals, contents, decidable }
}

const recordsAtOnce = 500

/** Puts them into a store that has its tables, many at once. */
export async function writePending(
  { fill }: StoreKind,
  tablePrefix: string,
  store: Store,
  { approvals, contents }: Pending,
): Promise<void> {
  const perKey = new Map<string, number>()
  for (const { keyId } of approvals) perKey.set(keyId, (perKey.get(keyId) ?? 0) + 1)
  const counters = [...perKey].map(([keyId, delta]): Change => ({
    do: 'counter',
    name: pendingCounter(keyId),
    delta,
    max: null,
  }))
  await mustCommit(store, counters)
  if (fill) {
    const filling = { ...fill, names: tableNames(tablePrefix) }
    await insertRecords(filling, 'approval', (n) => approvals[n - 1]!, approvals.length)
    await insertRecords(filling, 'approvalContent', (n) => contents[n - 1]!, contents.length)
    return
  }
  for (let from = 0; from < approvals.length; from += recordsAtOnce) {
    const to = from + recordsAtOnce
    const rows = approvals.slice(from, to).flatMap((record, i): Change[] => [
      { do: 'insert', type: 'approval', record },
      { do: 'insert', type: 'approvalContent', record: contents[from + i]! },
    ])
    await mustCommit(store, rows)
  }
}

async function mustCommit(store: Store, changes: readonly Change[]): Promise<void> {
  const result = await store.commit(changes)
  if (!result.ok) throw new Error(`the bench's own approvals were refused: ${result.why}`)
}
