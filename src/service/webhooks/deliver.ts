import type { DeliveryRecord } from '../../core/delivery.js'
import { jsonLine } from '../../core/line.js'
import { formatWebhook, readWebhook } from '../../core/webhook.js'
import type { WebhookSetting } from '../../core/webhook.js'
import { fromUtf8, toUtf8 } from '../../crypto/encoding.js'
import { signWebhook } from '../../crypto/webhook-secret.js'
import type { Outbound, OutboundAnswer } from '../../net/outbound.js'
import type { Change } from '../../ports/change.js'
import type { ServiceContext } from '../context.js'
import type { Job, StepReport } from '../job.js'
import { prepareChange } from '../keys/change.js'
import { readKey } from '../keys/found.js'
import { attempt } from '../time-limit.js'
import { retryAt } from './schedule.js'
import { createShares } from './shares.js'

/** How many due deliveries are looked at together. */
const batch = 40

/** How often one look may put back what has no room, before those under way are waited for. */
const mostRounds = 100

/** The rest where nothing is due, and the longest wait for those under way before the next look, in milliseconds. */
const idleMs = 1_000

/** How soon, and how late, what has no room comes up again, in milliseconds. */
const shortestPauseMs = 100
const longestPauseMs = 60_000

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
 * `webhook-id`. The next one starts as one ends, and what is over the share of its key or workspace is put back, so that
 * a slow receiver delays no other receiver's messages.
 */
export function createDeliveryJob(context: ServiceContext, outbound: Outbound): Job {
  const { store, clock, entropy, sealer, webhookSecrets, webhookSettings, notify } = context
  const { timeoutMs, retentionMs } = webhookSettings
  const shares = createShares(clock)
  const active = new Map<string, Promise<void>>()
  const counts = { delivered: 0, failed: 0, passed: 0 }
  /** When what was put back comes up again, by the monotonic clock. */
  let backAt = Infinity
  let failure: { readonly error: unknown } | undefined

  async function step(): Promise<StepReport> {
    const until = clock.monotonic() + idleMs
    let isAll = await startDue()
    const hasFailed = (): boolean => failure !== undefined
    while ((active.size > 0 || !isAll) && !hasFailed() && clock.monotonic() < until) {
      const rest = new AbortController()
      const restMs = Math.min(until, backAt) - clock.monotonic()
      await Promise.race([...active.values(), clock.sleep(Math.max(restMs, 0), rest.signal)])
      rest.abort()
      if (!isAll) isAll = await startDue()
    }
    const { delivered, failed } = counts
    Object.assign(counts, { delivered: 0, failed: 0 })
    if (failure !== undefined) {
      const { error } = failure
      failure = undefined
      throw error
    }
    return { delivered, failed, left: active.size === 0 && isAll ? 'nothing' : 'more' }
  }

  /** Starts what is due and has room; false where there may be more. */
  async function startDue(): Promise<boolean> {
    if (backAt <= clock.monotonic()) backAt = Infinity
    for (let round = 0; round < mostRounds && shares.free > 0; round++) {
      const now = await store.now()
      const due = await store.listDueDeliveries({ status: 'waiting', now, limit: batch })
      const others = due.filter(({ id }) => !active.has(id))
      const claims: Promise<unknown>[] = []
      const blocked: DeliveryRecord[] = []
      for (const delivery of others) {
        if (shares.hasRoom(delivery)) claims.push(begin(delivery, now))
        else blocked.push(delivery)
      }
      await Promise.all(claims)
      if (failure !== undefined) return false
      if (due.length < batch) return blocked.length === 0 && backAt === Infinity
      if (claims.length > 0 || shares.free === 0) continue
      // Others may stand behind it.
      if (blocked.length > 0) await putBack(blocked, now)
    }
    return false
  }

  /** Resolves once it is claimed, or was by somebody else. */
  function begin(found: DeliveryRecord, now: number): Promise<unknown> {
    const giveBack = shares.take(found)
    const claim = write(found, { dueAt: now + claimMs(timeoutMs) })
    const running = claim
      .then((claimed) => (claimed === null ? 'passed' : deliver(claimed)))
      .then(
        (came) => void counts[came]++,
        (error: unknown) => {
          failure = { error }
        },
      )
      .finally(() => {
        giveBack()
        active.delete(found.id)
      })
    active.set(found.id, running)
    return claim.catch(() => undefined)
  }

  /** The slower those under way are, the later it comes up again. Where another was quicker with one of them, it is looked at again. */
  async function putBack(blocked: readonly DeliveryRecord[], now: number): Promise<void> {
    await store.commit(
      blocked.map((delivery): Change => {
        const pauseMs = Math.min(Math.max(shares.age(delivery), shortestPauseMs), longestPauseMs)
        backAt = Math.min(backAt, clock.monotonic() + pauseMs)
        const { id, version: expectVersion } = delivery
        return { do: 'update', type: 'delivery', id, expectVersion, set: { dueAt: now + pauseMs } }
      }),
    )
  }

  async function deliver(claimed: DeliveryRecord): Promise<'delivered' | 'failed'> {
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

  async function finish(): Promise<void> {
    await Promise.all(active.values())
  }

  return { name: 'delivery of webhooks', idleMs, step, finish }
}
