import type { Actor } from '../../core/actor.js'
import { invalid, KeyrungError } from '../../core/errors.js'
import type { Fault } from '../../core/errors.js'
import type { KeyRecord } from '../../core/key.js'
import { formatWebhook, readWebhook } from '../../core/webhook.js'
import { formatWebhookSecret } from '../../crypto/webhook-secret.js'
import type { ServiceContext } from '../context.js'
import { prepareChange } from './change.js'
import { commitParts } from './commit.js'
import { demandRights } from './coverage.js'
import { findForActor } from './found.js'
import { readRotation } from './options.js'
import type { KeyView } from './view.js'

/** A key whose webhook has a new signing secret. */
export interface RotatedWebhook {
  readonly key: KeyView
  /** Shown this once; it cannot be had again. */
  readonly webhookSecret: string
}

/** What stands against a webhook: nothing to sign with, or a place that must not be reached. */
export function findWebhookFaults(
  { webhookSecrets, webhookSettings }: Pick<ServiceContext, 'webhookSecrets' | 'webhookSettings'>,
  { webhook }: { readonly webhook?: string | null },
): readonly Fault[] {
  const setting = readWebhook(webhook ?? null)
  if (!setting) return []
  if (webhookSecrets === null) return [{ path: 'webhook', message: 'needs the option secret, to sign with' }]
  const target = webhookSettings.policy.readUrl(setting.url)
  return typeof target === 'string' ? [{ path: 'webhook.url', message: target }] : []
}

/** Says whether a webhook goes to another place, or tells more, than before: less, or nothing any more, is for everyone. */
export function leadsElsewhere(before: string | null, after: string | null): boolean {
  const [old, next] = [readWebhook(before), readWebhook(after)]
  if (!next) return false
  return old?.url !== next.url || next.events.some((event) => !old.events.includes(event))
}

/** What a key's webhook is signed with, as its receiver is given it; null where it has none. */
export function showSigningSecret(
  { webhookSecrets }: Pick<ServiceContext, 'webhookSecrets'>,
  { id, webhook }: Pick<KeyRecord, 'id' | 'webhook'>,
): string | null {
  const setting = readWebhook(webhook)
  const secret = setting && webhookSecrets?.find(id, setting)
  return secret ? formatWebhookSecret(secret) : null
}

/** Gives a key's webhook a new signing secret; of several rotations at once, one is made. */
export async function rotateWebhook(
  context: ServiceContext,
  given: Actor,
  id: unknown,
  input: unknown,
  options: unknown,
): Promise<RotatedWebhook> {
  const found = await findForActor(context, given, 'rotate', id)
  const { graceMs, reason, origin } = readRotation(context, input, options)
  const { key } = found.row
  const setting = readWebhook(key.webhook)
  const { webhookSecrets } = context
  if (!setting || webhookSecrets === null) {
    throw invalid('input_invalid', [{ path: 'id', message: 'is a key that has no webhook' }])
  }
  const held = await demandRights(context, found.actor, key)
  const { hostSecretId, generation } = setting
  const former = graceMs === 0 ? null : { hostSecretId, generation, endsAt: found.now + graceMs }
  const next = { ...setting, hostSecretId: webhookSecrets.hostSecretId, generation: generation + 1, former }
  const webhook = formatWebhook(next)
  const change = prepareChange(context, found, 'key.edited', { webhook }, { reason, origin })
  const loss = await commitParts(context.store, { held, update: change.update, event: change.event })
  if (loss !== null) {
    throw new KeyrungError(loss.part === 'update' && loss.why === 'missing' ? 'not_found' : 'conflict')
  }
  return { key: change.view, webhookSecret: showSigningSecret(context, { id: key.id, webhook })! }
}
