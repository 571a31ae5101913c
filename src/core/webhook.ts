import { webhookEvents } from './delivery.js'
import type { WebhookEvent } from './delivery.js'
import { ownProperties } from './own-properties.js'

/** Which of a key's signing secrets: from which of the host's secrets it is derived, and the how-manieth it is. */
export interface SigningSecretName {
  readonly hostSecretId: string
  /** From 1. */
  readonly generation: number
}

/** Where a key's webhook goes, as its record keeps it, in JSON. */
export interface WebhookSetting extends SigningSecretName {
  readonly url: string
  /** What it is told, in the order of `webhookEvents`. */
  readonly events: readonly WebhookEvent[]
  /** The signing secret before, and the first instant at which it no longer signs. */
  readonly former: (SigningSecretName & { readonly endsAt: number }) | null
  /** When the receiver said that it is gone (410), in milliseconds since 1970; null: it is used. */
  readonly disabledAt: number | null
}

/** What a webhook is told unless more is asked for: that a human said no, and why. */
export const usualWebhookEvents: readonly WebhookEvent[] = Object.freeze(['approval.rejected'])

/** A setting as a key record keeps it: stores find the host secret's id at its beginning. */
export function formatWebhook(setting: WebhookSetting): string {
  const { hostSecretId, generation, url, events, former, disabledAt } = setting
  return JSON.stringify({ hostSecretId, generation, url, events, former, disabledAt })
}

/** What a key record keeps of a webhook that was removed: its generation. It is too short to name a secret of the host. */
const removedForm = /^removed ([1-9]\d{0,8})$/

/** Reads a stored setting; null where there is none, `undefined` for a text that was not written here. */
export function readWebhook(text: string | null): WebhookSetting | null | undefined {
  if (text === null || removedForm.test(text)) return null
  try {
    const value = JSON.parse(text) as WebhookSetting
    return isSetting(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** What a webhook is to be. */
export interface WantedWebhook {
  readonly url: string
  readonly events: readonly WebhookEvent[]
}

/**
 * A setting after a change: another place is signed for by the same secret, until that is renewed; a receiver that was
 * gone is tried again. One that was removed and is set again is signed for as it was when it was removed, never by a
 * secret that was renewed before.
 *
 * @param hostSecretId the host's secret that a new one is derived from
 */
export function changeWebhook(
  before: string | null,
  wanted: WantedWebhook | null,
  hostSecretId: string,
): string | null {
  const known = readWebhook(before)
  const removed = Number(removedForm.exec(before ?? '')?.[1] ?? 1)
  const {
    hostSecretId: id,
    generation,
    former,
  } = known ?? { hostSecretId, generation: removed, former: null }
  if (wanted === null) return generation === 1 ? null : `removed ${generation}`
  return formatWebhook({ ...wanted, hostSecretId: id, generation, former, disabledAt: null })
}

/** Says whether a value names something that webhooks can be told. */
export function isWebhookEvent(value: unknown): value is WebhookEvent {
  return (webhookEvents as readonly unknown[]).includes(value)
}

/** Where a webhook leads, without what its path and query may hold as a secret: for audit events. */
export function webhookOrigin(text: string | null): string | null {
  const setting = readWebhook(text)
  return setting ? (/^[a-z]+:\/\/[^/?#]+/.exec(setting.url)?.[0] ?? null) : null
}

function isSetting(value: unknown): value is WebhookSetting {
  const fields = ownProperties(value)
  if (!fields || !isSecretName(value)) return false
  const [url, events, former, disabledAt] = ['url', 'events', 'former', 'disabledAt'].map((name) =>
    fields.get(name),
  )
  return (
    typeof url === 'string' &&
    Array.isArray(events) &&
    // Of a newer version some may be: kept, never sent here, and no reason not to send the others.
    events.every((event) => typeof event === 'string') &&
    (former === null || (isSecretName(former) && isCount((former as { endsAt?: unknown }).endsAt))) &&
    (disabledAt === null || isCount(disabledAt))
  )
}

function isSecretName(value: unknown): value is SigningSecretName {
  const name = value as Partial<SigningSecretName>
  return (
    typeof name === 'object' &&
    name !== null &&
    typeof name.hostSecretId === 'string' &&
    isCount(name.generation)
  )
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
