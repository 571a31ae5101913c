import type { CredentialRow, KeyRecord, KeyRow, KeySecretRecord } from '../../core/key.js'
import type { KeyFilter, KeyListRequest, KeyQueries, KeyUse } from '../../ports/key-store.js'
import { compareText } from '../text-order.js'
import type { Tables } from './tables.js'

/** What {@link KeyQueries} ask of the tables; every answer is there at once. */
export function keyQueries(tables: Tables, now: () => number) {
  function livingSecrets(keyId: string): readonly KeySecretRecord[] {
    const at = now()
    return tables.credentials
      .secretsOf(keyId)
      .filter((secret) => secret.endsAt === null || secret.endsAt > at)
      .sort((a, b) => b.createdAt - a.createdAt || compareText(b.id, a.id))
  }

  function rowOf(key: KeyRecord): KeyRow {
    return { key, secrets: livingSecrets(key.id), lastUsedAt: tables.lastUses.get(key.id) ?? null }
  }

  function passes(key: KeyRecord, filter: KeyFilter): boolean {
    const { status, expiresBefore, expiresFrom, ownerId, createdBy } = filter
    if (status !== undefined && key.status !== status) return false
    if (ownerId !== undefined && key.ownerId !== ownerId) return false
    if (createdBy !== undefined && key.createdBy !== createdBy) return false
    const expiry = key.expiresAt ?? Infinity
    return (expiresBefore === undefined || expiry < expiresBefore) && expiry >= (expiresFrom ?? 0)
  }

  function matches(key: KeyRecord, request: KeyListRequest): boolean {
    if (!passes(key, request)) return false
    const { text } = request
    return (
      text === undefined ||
      key.nameSearch.includes(text) ||
      key.id === text ||
      livingSecrets(key.id).some((secret) => secret.lastFour.toLowerCase() === text)
    )
  }

  return {
    findCredentials: (digests: readonly string[]): readonly CredentialRow[] =>
      [...new Set(digests)].flatMap((digest) => tables.credentials.find(digest) ?? []),

    findCredentialById(secretId: string): CredentialRow | undefined {
      const secret = tables.find('secret', secretId)
      return secret && tables.credentials.find(secret.digest)
    },

    findKey(workspaceId: string, id: string): KeyRow | undefined {
      const key = tables.find('key', id)
      return key?.workspaceId === workspaceId ? rowOf(key) : undefined
    },

    listKeys(request: KeyListRequest): readonly KeyRow[] {
      const rows: KeyRow[] = []
      if (request.limit <= 0) return rows
      for (const id of tables.keyLists.find(request.workspaceId)?.descending(request.before) ?? []) {
        const key = tables.find('key', id)!
        if (matches(key, request) && rows.push(rowOf(key)) >= request.limit) break
      }
      return rows
    },

    countKeys(filter: KeyFilter): number {
      const ids = [...(tables.keyLists.find(filter.workspaceId)?.descending() ?? [])]
      return ids.filter((id) => passes(tables.find('key', id)!, filter)).length
    },

    countSecrets(): ReadonlyMap<string, number> {
      const at = now()
      const counts = new Map<string, number>()
      for (const { hostSecretId, endsAt } of tables.all('secret').values()) {
        if (endsAt === null || endsAt > at) counts.set(hostSecretId, (counts.get(hostSecretId) ?? 0) + 1)
      }
      return counts
    },

    recordUses(uses: readonly KeyUse[]): void {
      for (const { keyId, at } of uses) {
        if (!tables.find('key', keyId)) continue
        if (at > (tables.lastUses.get(keyId) ?? -Infinity)) tables.lastUses.set(keyId, at)
      }
    },

    findIdempotency: (id: string) => tables.find('idempotency', id),
  } satisfies Omit<KeyQueries, 'findCredential'>
}
