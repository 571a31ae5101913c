import type { DeliveryRecord } from '../../core/delivery.js'
import { jsonLine } from '../../core/line.js'
import { formatWebhook, readWebhook } from '../../core/webhook.js'
import type { WebhookSetting } from '../../core/webhook.js'
import { fromUtf8, toUtf8 } from '../../crypto/encoding.js'
import { signWebhook } from '../../crypto/webhook-secret.js'
import type { Outbound, OutboundAnswer } from '../../net/outbound.js'
import type { ServiceContext } from '../context.js'
import type { Job, StepReport } from '../job.js'
import { prepareChange } from '../keys/change.js'
import { readKey } from '../keys/found.js'
import { attempt } from '../time-limit.js'
import { retryAt } from './schedule.js'

/** The most deliveries that are under way at once on one instance. */
const mostAtOnce = 20

/** What a claim outlasts a receiver's time by, in milliseconds. */
const claimMarginMs = 30_000

/** Who does what nobody asked for. */
const author = 'webhooks'

/** How long a delivery is claimed for, in milliseconds, where a receiver may take `timeoutMs`. */
export function claimMs(timeoutMs: number): number {
  return timeoutMs + claimMarginMs
}

/** Where a delivery's payload is sealed for. */
export function deliveryPlace(id: string): string {
  return `delivery/${id}/payload`
}

/**
 * Makes the job that delivers webhooks (Standard Webhooks, 1.0). A step claims what is due by moving its `dueAt` on,
 * sends it, and notes what came of it; whatever crashes in between comes up again when the claim is over, with the same
 * `webhook-id`.
 */
export function createDeliveryJob(context: ServiceContext, outbound: Outbound): Job {
  const { store, clock, entropy, sealer, webhookSecrets, webhookSettings, notify } = context
  const { timeoutMs, retentionMs } = webhookSettings

  async function step(): Promise<StepReport> {
    const now = await store.now()
    const due = await store.listDueDeliveries({ status: 'waiting', now, limit: mostAtOnce })
    const sent = await Promise.all(due.map((delivery) => deliver(delivery, now)))
    const delivered = sent.filter((came) => came === 'delivered').length
    const failed = sent.filter((came) => came === 'failed').length
    return { delivered, failed, left: due.length < mostAtOnce ? 'nothing' : 'more' }
  }

  /** `passed` is for another: the claim was lost. */
  async function deliver(found: DeliveryRecord, at: number): Promise<'delivered' | 'failed' | 'passed'> {
    const claimed = await write(found, { dueAt: at + claimMs(timeoutMs) })
    if (claimed === null) return 'passed'
    const row = await readKey(context, claimed.workspaceId, claimed.keyId)
    const setting = row && readWebhook(row.key.webhook)
    // Where there is no webhook any more, what it was to be told is nobody's.
    if (!setting || setting.disabledAt !== null) {
      await giveUp(claimed, setting ? 'disabled' : 'no_webhook')
      return 'failed'
    }
    const answer = await send(claimed, setting)
    const now = await store.now()
    const tried = { attempts: claimed.attempts + 1, lastAttemptAt: now }
    const lastStatus = answer.ok ? answer.status : null
    if (answer.ok && answer.status >= 200 && answer.status < 300) {
      const set = {
        ...tried,
        lastStatus,
        lastError: null,
        status: 'delivered',
        dueAt: now + retentionMs,
      } as const
      await write(claimed, set)
      return 'delivered'
    }
    const failed = { ...tried, lastStatus, lastError: answer.ok ? null : answer.why }
    if (lastStatus === 410) {
      await giveUp(claimed, 'gone', failed)
      await disable(claimed)
      return 'failed'
    }
    const dueAt = retryAt(tried.attempts, now, answer.ok ? answer.retryAfter : null, entropy)
    if (dueAt === null) await giveUp(claimed, failed.lastError, failed)
    else await write(claimed, { ...failed, dueAt })
    return 'failed'
  }

  async function send(delivery: DeliveryRecord, setting: WebhookSetting): Promise<OutboundAnswer> {
    const secrets = secretsOf(delivery.keyId, setting)
    if (secrets.length === 0 || sealer === null) return { ok: false, why: 'secret_missing' }
    const payload = await sealer
      .open(delivery.payload, deliveryPlace(delivery.id))
      .then(fromUtf8, () => undefined)
    if (payload === undefined) return { ok: false, why: 'payload_lost' }
    const at = Math.floor(clock.now() / 1_000)
    const headers = {
      'content-type': 'application/json',
      'content-length': `${toUtf8(payload).length}`,
      'user-agent': 'keyrung-webhooks/1',
      'webhook-id': delivery.id,
      'webhook-timestamp': `${at}`,
      'webhook-signature': signWebhook(delivery.id, at, payload, secrets),
    }
    const end = new AbortController()
    const message = { url: setting.url, headers, body: payload }
    const answer = await attempt(clock, timeoutMs, () => outbound.post(message, end.signal))
    end.abort()
    return answer.ok ? answer.value : { ok: false, why: answer.why }
  }

  /** The secrets that sign now, the current one first: two while it is renewed. */
  function secretsOf(keyId: string, { former, ...current }: WebhookSetting): readonly Uint8Array[] {
    const isSigning = former !== null && clock.now() < former.endsAt
    return [current, ...(isSigning ? [former] : [])]
      .map((name) => webhookSecrets?.find(keyId, name))
      .filter((secret) => secret !== undefined)
  }

  async function giveUp(
    delivery: DeliveryRecord,
    why: string | null,
    tried: Partial<DeliveryRecord> = {},
  ): Promise<void> {
    const dueAt = (await store.now()) + retentionMs
    await write(delivery, { ...tried, lastError: why, status: 'given_up', dueAt })
    notify({
      code: 'webhook_failing',
      message: `The webhook of the key ${jsonLine(delivery.keyId)} does not take ${delivery.id} (${why ?? tried.lastStatus}); it is given up.`,
    })
  }

  /** The receiver has said that it is gone for good (RFC 9110, 15.5.11): it is told nothing more until it is set anew. */
  async function disable({ workspaceId, keyId }: DeliveryRecord): Promise<void> {
    const row = await readKey(context, workspaceId, keyId)
    const setting = row && readWebhook(row.key.webhook)
    if (!setting || setting.disabledAt !== null) return
    const now = clock.now()
    const found = { actor: { type: 'system', name: author, workspaceId } as const, row, now }
    const webhook = formatWebhook({ ...setting, disabledAt: now })
    const note = { reason: 'the receiver answered 410' }
    const { update, event } = prepareChange(context, found, 'key.edited', { webhook }, note)
    // Lost only to another change of the key; the next message finds out again.
    await store.commit([update, ...event])
  }

  /** The delivery as it is after the write; null where another has written it meanwhile. */
  async function write(
    delivery: DeliveryRecord,
    set: Partial<Omit<DeliveryRecord, 'id' | 'workspaceId' | 'version'>>,
  ): Promise<DeliveryRecord | null> {
    const { id, version: expectVersion } = delivery
    const result = await store.commit([{ do: 'update', type: 'delivery', id, expectVersion, set }])
    return result.ok ? { ...delivery, ...set, version: expectVersion + 1 } : null
  }

  return { name: 'delivery of webhooks', idleMs: 1_000, step }
}
