import { Generations } from '../../core/generations.js'
import type { CredentialRow } from '../../core/key.js'
import type { ServiceContext } from '../context.js'
import type { SecretOrder } from '../secret-order.js'

/** How many rows are remembered that need no other attempt; of more, the idlest cost one more. */
const maxTried = 10_000

/**
 * Makes the function that renews the digest of a secret that was found under an older pepper, so that the host secret
 * it hangs on can be taken out of use some day.
 *
 * It replaces only that secret's own row, and only as it was read, so it never undoes a change; it tries once for each
 * state of a row, and again at the next use where the store failed. It never throws and never rejects.
 *
 * @returns a function of the row that was found, and the text that was presented
 */
export function createRenewal(
  { store, peppers }: Pick<ServiceContext, 'store' | 'peppers'>,
  order: Pick<SecretOrder, 'isOlder'>,
): (row: CredentialRow, secret: string) => Promise<void> {
  const { current } = peppers
  const tried = new Generations<true>(maxTried)
  return async (row, secret) => {
    const { id, version: expectVersion, hostSecretId } = row.secret
    if (hostSecretId === current.id) return
    const attempt = `${id} ${expectVersion}`
    if (tried.use(attempt) !== undefined) return
    tried.set(attempt, true)
    try {
      if (!(await order.isOlder(hostSecretId))) return
      const set = { digest: current.digest(secret), hostSecretId: current.id }
      await store.commit([{ do: 'update', type: 'secret', id, expectVersion, set }])
    } catch {
      // A use of the key must not fail because its bookkeeping did.
      tried.delete(attempt)
    }
  }
}
