import { defineCatalog, ladders } from 'keyrung'
import { formatId } from '../../src/core/id.js'
import type { KeyRecord, KeySecretRecord } from '../../src/core/key.js'
import { createKeyFormat } from '../../src/crypto/key-format.js'
import type { Pepper } from '../../src/crypto/pepper.js'
import { systemEntropy } from '../../src/crypto/random.js'
import type { Change } from '../../src/ports/change.js'
import type { Store } from '../../src/ports/store.js'

export const format = createKeyFormat({ prefix: 'tp', environments: ['live', 'test'] })

/** What the keys of the benchmarks are about. */
export const catalog = defineCatalog({
  resources: Object.fromEntries(
    ['contacts', 'companies', 'deals', 'email', 'files', 'notes', 'tasks'].map((name) => [
      name,
      { ladder: name === 'email' ? ladders.communication : ladders.crud },
    ]),
  ),
})

export const hostSecret = 'a secret for benchmarks, and only for them'

const scopeTexts = [
  'contacts:read',
  'contacts:write email:send',
  'contacts:delete-approval email:read files:write',
  'companies:read contacts:write-approval deals:delete files:read notes:write tasks:write',
]

/** Puts so many keys into a store, without the service's checks, and answers their secrets in another order. */
export async function seedKeys(store: Store, pepper: Pepper, count: number): Promise<string[]> {
  const at = Date.now()
  const secrets: string[] = []
  const batch = 500
  for (let start = 0; start < count; start += batch) {
    const changes: Change[] = []
    for (let i = start; i < Math.min(count, start + batch); i++) {
      const workspaceId = `ws_${i % 1000}`
      const text = format.mint('live', systemEntropy)
      const key: KeyRecord = {
        ...{
          id: formatId('key', at, systemEntropy(10)),
          workspaceId,
          version: 1,
          name: `Key ${i}`,
          nameSearch: `key ${i}`,
        },
        ...{
          environment: 'live',
          mode: 'custom',
          scopes: scopeTexts[i % scopeTexts.length]!,
          status: 'active',
        },
        ...{ revokedAt: null, revokedBy: null, revokedReason: null, expiresAt: null, notBefore: null },
        ...{
          addressRules: '',
          metadata: '{}',
          ownerId: null,
          createdBy: 'system:bench',
          createdAt: at,
          updatedAt: at,
          limits: null,
          revocations: 0,
          webhook: null,
        },
      }
      const secret: KeySecretRecord = {
        ...{ id: formatId('sec', at, systemEntropy(10)), keyId: key.id, workspaceId, version: 1 },
        ...{ digest: pepper.digest(text), hostSecretId: pepper.id, lastFour: format.lastFour(text) },
        ...{ createdAt: at, endsAt: null },
      }
      changes.push(
        { do: 'insert', type: 'key', record: key },
        { do: 'insert', type: 'secret', record: secret },
      )
      secrets.push(text)
    }
    const result = await store.commit(changes)
    if (!result.ok) throw new Error(`the bench's own keys were refused: ${result.why}`)
  }
  return shuffled(secrets)
}

/** A known order that is not the order of insertion, so that memory is met as requests meet it. */
function shuffled(values: string[]): string[] {
  let state = 88_172_645
  for (let i = values.length - 1; i > 0; i--) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    const j = state % (i + 1)
    ;[values[i], values[j]] = [values[j]!, values[i]!]
  }
  return values
}

/** Hands the values out one after the other, over and over. */
export function rotating<T>(values: readonly T[]): () => T {
  let i = -1
  return () => values[(i = i + 1 === values.length ? 0 : i + 1)]!
}
