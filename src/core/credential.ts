import type { CredentialRow, KeyRecord, KeySecretRecord } from './key.js'
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

  /** Who it stands for; the same frozen value for as long as it comes from the same address. */
  principal(address: string | null): KeyPrincipal {
    if (this.#principal !== undefined && this.#address === address) return this.#principal
    this.#address = address
    return (this.#principal = Object.freeze(describe(this, address)))
  }
}

function describe({ key, secret }: CredentialRow, address: string | null): KeyPrincipal {
  return {
    type: 'key',
    keyId: key.id,
    secretId: secret.id,
    keyName: key.name,
    workspaceId: key.workspaceId,
    environment: key.environment,
    ownerId: key.ownerId,
    address,
  }
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
