import { Credential } from '../../core/credential.js'
import type { CredentialRow, KeyRecord, KeySecretRecord } from '../../core/key.js'

const none: readonly KeySecretRecord[] = []

/** Which key a digest leads to; a secret counts only together with its key, in the same workspace. */
export class CredentialIndex {
  readonly #rows = new Map<string, CredentialRow>()
  readonly #secretsOfKey = new Map<string, readonly KeySecretRecord[]>()

  find(digest: string): CredentialRow | undefined {
    return this.#rows.get(digest)
  }

  secretsOf(keyId: string): readonly KeySecretRecord[] {
    return this.#secretsOfKey.get(keyId) ?? none
  }

  keyChanged(before: KeyRecord | undefined, after: KeyRecord | undefined): void {
    for (const secret of this.secretsOf((after ?? before)!.id)) {
      if (after) this.#link(secret, after)
      else this.#rows.delete(secret.digest)
    }
  }

  /** @param key the key that the secret belongs to, if it is there */
  secretChanged(
    before: KeySecretRecord | undefined,
    after: KeySecretRecord | undefined,
    key: KeyRecord | undefined,
  ): void {
    if (before) {
      const rest = this.secretsOf(before.keyId).filter((secret) => secret !== before)
      if (rest.length > 0) this.#secretsOfKey.set(before.keyId, rest)
      else this.#secretsOfKey.delete(before.keyId)
      // Another secret may have been given this digest in the same commit.
      const moved = !after || after.digest !== before.digest || after.keyId !== before.keyId
      if (moved && this.#rows.get(before.digest)?.secret === before) this.#rows.delete(before.digest)
    }
    if (!after) return
    this.#secretsOfKey.set(after.keyId, [...this.secretsOf(after.keyId), after])
    if (key) this.#link(after, key)
  }

  #link(secret: KeySecretRecord, key: KeyRecord): void {
    if (secret.workspaceId !== key.workspaceId) return
    const row = { secret, key }
    // Records are frozen, so what is found sound now is so until they are replaced.
    this.#rows.set(secret.digest, Credential.from(row) ?? row)
  }
}
