import { sealedParts } from '../../ports/sealed-store.js'
import type { SealedCount, SealedListRequest, SealedRow } from '../../ports/sealed-store.js'
import { compareText } from '../text-order.js'
import type { Tables } from './tables.js'

/** How much hangs on each secret of the host. */
export function countSealed(tables: Tables): readonly SealedCount[] {
  const counts = new Map<string, SealedCount>()
  for (const type of ['approvalContent', 'delivery', 'key'] as const) {
    for (const record of tables.all(type).values()) {
      for (const part of sealedParts(type, record)) {
        const name = `${part.kind} ${part.hostSecretId}`
        counts.set(name, { ...part, count: (counts.get(name)?.count ?? 0) + 1 })
      }
    }
  }
  return [...counts.values()]
}

/** The records of a kind, by id. */
export function listSealed(
  tables: Tables,
  { type, after = '', limit }: SealedListRequest,
): readonly SealedRow[] {
  const records = [...tables.all(type).values()].filter(({ id }) => compareText(id, after) > 0)
  return records
    .sort((a, b) => compareText(a.id, b.id))
    .slice(0, Math.max(0, limit))
    .map((record) => ({
      id: record.id,
      workspaceId: record.workspaceId,
      hostSecretIds: sealedParts(type, record).map(({ hostSecretId }) => hostSecretId),
    }))
}
