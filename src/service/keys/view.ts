import type { AnyCatalog } from '../../core/catalog.js'
import type { KeyMode, KeyRecord, KeyRow, KeySecretRecord } from '../../core/key.js'
import type { WebhookEvent } from '../../core/delivery.js'
import { readLimitsText, showLimits } from '../../core/key-limits.js'
import type { Limit } from '../../core/limit.js'
import type { JsonObject } from '../../core/plain-value.js'
import { readMetadata } from '../../core/metadata.js'
import { readScopes } from '../../core/scope.js'
import { isWebhookEvent, readWebhook } from '../../core/webhook.js'
import type { Notify } from '../notice.js'
import { tellUnreadable } from '../unreadable.js'
import type { KeyFields } from './input.js'

/** A key's secret as it may be shown: only what tells one from the other. */
export interface SecretView {
  readonly id: string
  readonly lastFour: string
  readonly createdAt: number
  /** The first instant at which it no longer works, the end of its grace period; null: it ends with the key. */
  readonly endsAt: number | null
}

/** A key's webhook, without what it is signed with. */
export interface WebhookView {
  readonly url: string
  readonly events: readonly WebhookEvent[]
  /** When the receiver said that it is gone, and no more was sent; null: it is used. */
  readonly disabledAt: number | null
}

/** A key as it may be shown to whoever manages it; instants are milliseconds since 1970. */
export interface KeyView {
  readonly id: string
  readonly workspaceId: string
  readonly name: string
  readonly environment: string
  readonly mode: KeyMode
  /** Canonical; empty for a key with full access, which needs none. */
  readonly scopes: readonly string[]
  /** Scopes that this instance's catalogue does not know: they grant nothing here. */
  readonly unknownScopes: readonly string[]
  /** As of now: a key is `expired` from `expiresAt` on, unless it was revoked. */
  readonly status: 'active' | 'expired' | 'revoked'
  /** Whether it is active and expires within 14 days. */
  readonly expiring: boolean
  readonly revokedAt: number | null
  /** The actor, as `type:id`. */
  readonly revokedBy: string | null
  readonly revokedReason: string | null
  /** The first instant at which it is no longer valid. */
  readonly expiresAt: number | null
  /** The first instant at which it is valid. */
  readonly notBefore: number | null
  /** Addresses and networks (CIDR); empty: from anywhere. */
  readonly addressRules: readonly string[]
  readonly metadata: JsonObject
  /** The user whose own rights cap the key. */
  readonly ownerId: string | null
  /** Its own limits, beside which those of the plan and the host hold by other names; null: none of its own. */
  readonly limits: readonly Limit[] | null
  /** Where it is told about its approvals; null: nowhere. */
  readonly webhook: WebhookView | null
  /** The actor, as `type:id`. */
  readonly createdBy: string
  readonly createdAt: number
  readonly updatedAt: number
  /** What an edit has to name, so that nobody's change is overwritten unseen. */
  readonly version: number
  readonly lastUsedAt: number | null
  /** Those that work now, the current one first: one, or two during a grace period. */
  readonly secrets: readonly SecretView[]
}

/** A key that is to be made or changed, as it is to be. */
export type ProposedKey = Pick<
  KeyView,
  | 'workspaceId'
  | 'name'
  | 'environment'
  | 'mode'
  | 'scopes'
  | 'unknownScopes'
  | 'expiresAt'
  | 'notBefore'
  | 'addressRules'
  | 'metadata'
  | 'ownerId'
  | 'limits'
  | 'webhook'
>

/**
 * Shows a key without anything that leads to its secret.
 *
 * @param now milliseconds since 1970: secrets that have ended are left out
 * @param notify told once of a field that is not understood, which is shown as if it were empty and lets nothing through
 */
export function toKeyView(catalog: AnyCatalog, row: KeyRow, now: number, notify?: Notify): KeyView {
  const { key } = row
  if (notify) for (const name of unreadFields(key)) tellUnreadable(notify, `${name} of ${key.id}`)
  return {
    id: key.id,
    ...toProposedKey(catalog, key),
    status: isExpired(key, now) ? 'expired' : key.status,
    expiring: isExpiring(key, now),
    revokedAt: key.revokedAt,
    revokedBy: key.revokedBy,
    revokedReason: key.revokedReason,
    createdBy: key.createdBy,
    createdAt: key.createdAt,
    updatedAt: key.updatedAt,
    version: key.version,
    lastUsedAt: row.lastUsedAt,
    secrets: livingSecrets(row, now).map(({ id, lastFour, createdAt, endsAt }) => ({
      id,
      lastFour,
      createdAt,
      endsAt,
    })),
  }
}

/** Builds the view of a key as it will be after the change. */
export function toProposedKey(
  catalog: AnyCatalog,
  key: Pick<KeyRecord, 'workspaceId' | keyof KeyFields>,
): ProposedKey {
  const { scopes, unknown } = readScopes(catalog, key.scopes)
  return {
    workspaceId: key.workspaceId,
    name: key.name,
    environment: key.environment,
    mode: key.mode,
    scopes,
    unknownScopes: unknown,
    expiresAt: key.expiresAt,
    notBefore: key.notBefore,
    addressRules: splitWords(key.addressRules),
    metadata: readMetadata(key.metadata) ?? {},
    ownerId: key.ownerId,
    limits: showLimits(key.limits),
    webhook: showWebhook(key.webhook),
  }
}

/** How long before its end a key is called expiring, in milliseconds. */
export const expiringMs = 14 * 86_400_000

/** Says whether only time has ended a key. */
export function isExpired(
  { status, expiresAt }: Pick<KeyRecord, 'status' | 'expiresAt'>,
  now: number,
): boolean {
  return status === 'active' && expiresAt !== null && now >= expiresAt
}

function isExpiring({ status, expiresAt }: KeyRecord, now: number): boolean {
  return status === 'active' && expiresAt !== null && now < expiresAt && expiresAt <= now + expiringMs
}

/**
 * The secrets of a key that still work, the current one first: only it has no end of its own. When they were
 * made does not count, as clocks are set back.
 */
export function livingSecrets(row: KeyRow, now: number): readonly KeySecretRecord[] {
  const end = ({ endsAt }: KeySecretRecord): number => endsAt ?? Number.MAX_VALUE
  return row.secrets.filter((secret) => now < end(secret)).sort((a, b) => end(b) - end(a))
}

/** The words of a stored list. */
function splitWords(text: string): readonly string[] {
  return text === '' ? [] : text.split(' ')
}

function showWebhook(text: string | null): WebhookView | null {
  const setting = readWebhook(text)
  if (!setting) return null
  return { url: setting.url, events: setting.events.filter(isWebhookEvent), disabledAt: setting.disabledAt }
}

/** The fields of a key that are not understood here. */
function unreadFields(key: Pick<KeyRecord, 'metadata' | 'limits' | 'webhook'>): readonly string[] {
  return [
    ...(readMetadata(key.metadata) === undefined ? ['metadata'] : []),
    ...(readLimitsText(key.limits) === undefined ? ['limits'] : []),
    ...(readWebhook(key.webhook) === undefined ? ['webhook'] : []),
  ]
}
