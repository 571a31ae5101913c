import type { CredentialRow } from '../../core/key.js'
import type { ServiceContext } from '../context.js'

/**
 * Renews the digest of a secret that was found under an older pepper, so that the host secret it hangs on
 * can be taken out of use some day.
 *
 * It replaces only that secret's own row, and only as it was read, so it never undoes a change; where it
 * fails, the next use tries again. It never throws and never rejects.
 *
 * @param secret the text that was presented, and whose digest the row was found by
 */
export async function renewDigest(
  { store, peppers }: Pick<ServiceContext, 'store' | 'peppers'>,
  row: CredentialRow,
  secret: string,
): Promise<void> {
  const { id, version: expectVersion, hostSecretId } = row.secret
  const { current } = peppers
  if (hostSecretId === current.id) return
  try {
    const set = { digest: current.digest(secret), hostSecretId: current.id }
    await store.commit([{ do: 'update', type: 'secret', id, expectVersion, set }])
  } catch {
    // A use of the key must not fail because its bookkeeping did.
  }
}
