import type { CredentialRow, KeyRecord, KeySecretRecord } from '../../core/key.js'

/** The one object that stands for a credential as long as it exists; its parts are replaced as they change. */
interface Holder {
  secret: KeySecretRecord
  key: KeyRecord
}

const none: readonly KeySecretRecord[] = []

/** Which key a digest leads to; a secret counts only together with its key, in the same workspace. */
export class CredentialIndex {
  readonly #holders = new Map<string, Holder>()
  readonly #secretsOfKey = new Map<string, readonly KeySecretRecord[]>()

  find(digest: string): CredentialRow | undefined {
    return this.#holders.get(digest)
  }

  secretsOf(keyId: string): readonly KeySecretRecord[] {
    return this.#secretsOfKey.get(keyId) ?? none
  }

  keyChanged(before: KeyRecord | undefined, after: KeyRecord | undefined): void {
    for (const secret of this.secretsOf((after ?? before)!.id)) {
      if (after) this.#link(secret, after)
      else this.#holders.delete(secret.digest)
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
      if (moved && this.#holders.get(before.digest)?.secret === before) this.#holders.delete(before.digest)
    }
    if (!after) return
    this.#secretsOfKey.set(after.keyId, [...this.secretsOf(after.keyId), after])
    if (key) this.#link(after, key)
  }

  #link(secret: KeySecretRecord, key: KeyRecord): void {
    if (secret.workspaceId !== key.workspaceId) return
    const holder = this.#holders.get(secret.digest)
    if (holder?.secret.id === secret.id) {
      holder.secret = secret
      holder.key = key
    } else {
      this.#holders.set(secret.digest, { secret, key })
    }
  }
}
