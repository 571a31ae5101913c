import { formatId, idEntropyBytes } from '../../core/id.js'
import type { KeyRecord, KeySecretRecord } from '../../core/key.js'
import type { Change } from '../../ports/change.js'
import type { ServiceContext } from '../context.js'

/** A new secret: the text that is shown once, and what is kept of it. */
export interface MintedSecret {
  readonly secret: string
  readonly record: KeySecretRecord
  readonly change: Change
}

/** How often a secret is made again whose digest is taken; a second time happens to no working generator. */
export const mostMints = 4

/** Makes a secret for a key, valid as long as the key is. */
export function mintSecret(
  { entropy, keyFormat, peppers }: Pick<ServiceContext, 'entropy' | 'keyFormat' | 'peppers'>,
  key: Pick<KeyRecord, 'id' | 'workspaceId' | 'environment'>,
  now: number,
): MintedSecret {
  const secret = keyFormat.mint(key.environment, entropy)
  const record: KeySecretRecord = {
    id: formatId('sec', now, entropy(idEntropyBytes)),
    keyId: key.id,
    workspaceId: key.workspaceId,
    version: 1,
    digest: peppers.current.digest(secret),
    hostSecretId: peppers.current.id,
    lastFour: keyFormat.lastFour(secret),
    createdAt: now,
    endsAt: null,
  }
  return { secret, record, change: { do: 'insert', type: 'secret', record } }
}
