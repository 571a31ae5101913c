import type { CredentialRow, KeyRecord, KeySecretRecord } from './key.js'
import { KeyrungError } from './errors.js'
import { readMetadata } from './metadata.js'
import type { JsonObject } from './plain-value.js'
import type { KeyPrincipal } from './principal.js'

/**
 * A credential row that was found sound, with what every check asks of it side by side: reading a dozen fields of
 * two records among a million means waiting for memory a dozen times.
 */
export class Credential implements CredentialRow {
  readonly digest: string
  readonly environment: string
  /** Active at all times and from everywhere. */
  readonly isOpen: boolean
  #principal: KeyPrincipal | undefined
  /** The principal's, kept here too: to look into it means waiting for memory once more. */
  #address: string | null = null
  #metadata: JsonObject | undefined

  private constructor(
    readonly secret: KeySecretRecord,
    readonly key: KeyRecord,
  ) {
    this.digest = secret.digest
    this.environment = key.environment
    this.isOpen =
      key.status === 'active' &&
      key.addressRules === '' &&
      key.expiresAt === null &&
      key.notBefore === null &&
      secret.endsAt === null
  }

  /**
   * Looks at what a store answered; `undefined` where it cannot be decided on, as a field that decides is missing or
   * of another kind, or secret and key do not belong together. The records must not change afterwards.
   */
  static from(row: CredentialRow): Credential | undefined {
    if (typeof row !== 'object' || row === null) return undefined
    // A private field, which no copy has: what was changed on its way is looked at again.
    if (#principal in row) return row
    return isSound(row) ? new Credential(row.secret, row.key) : undefined
  }

  /**
   * Who it stands for; the same frozen value for as long as it comes from the same address.
   *
   * @param scopesOf the scopes of a key, which depend on its record alone
   * @throws KeyrungError `store_unavailable` for metadata that no store could have been given
   */
  principal(address: string | null, scopesOf: (key: KeyRecord) => readonly string[]): KeyPrincipal {
    if (this.#principal !== undefined && this.#address === address) return this.#principal
    this.#metadata ??= metadataOf(this.key)
    const secretId = this.secret.id
    this.#principal = describeKey(this.key, secretId, address, scopesOf(this.key), this.#metadata)
    this.#address = address
    return this.#principal
  }
}

/** Describes a key as a caller with one of its secrets, from an address. */
export function describeKey(
  key: KeyRecord,
  secretId: string,
  address: string | null,
  scopes: readonly string[],
  metadata: JsonObject = metadataOf(key),
): KeyPrincipal {
  return Object.freeze<KeyPrincipal>({
    type: 'key',
    keyId: key.id,
    secretId,
    keyName: key.name,
    workspaceId: key.workspaceId,
    environment: key.environment,
    ownerId: key.ownerId,
    address,
    scopes,
    metadata,
  })
}

function metadataOf({ id, metadata }: KeyRecord): JsonObject {
  const read = readMetadata(metadata)
  if (read !== undefined) return read
  throw new KeyrungError('store_unavailable', { internal: `the metadata of ${id} is not a JSON object` })
}

const isInstantOrNull = (value: unknown): boolean => value === null || Number.isSafeInteger(value)

function isSound({ key, secret }: CredentialRow): boolean {
  return (
    typeof key === 'object' &&
    typeof secret === 'object' &&
    key !== null &&
    secret !== null &&
    typeof key.id === 'string' &&
    secret.keyId === key.id &&
    typeof key.workspaceId === 'string' &&
    key.workspaceId !== '' &&
    secret.workspaceId === key.workspaceId &&
    typeof secret.id === 'string' &&
    (key.status === 'active' || key.status === 'revoked') &&
    (key.mode === 'custom' || key.mode === 'full') &&
    typeof key.scopes === 'string' &&
    typeof key.environment === 'string' &&
    typeof key.addressRules === 'string' &&
    (key.ownerId === null || typeof key.ownerId === 'string') &&
    (key.limits === null || typeof key.limits === 'string') &&
    isInstantOrNull(key.expiresAt) &&
    isInstantOrNull(key.notBefore) &&
    isInstantOrNull(secret.endsAt)
  )
}
