import { sealedUnder } from '../crypto/sealer.js'
import type { Change } from '../ports/change.js'
import type { SealedRow } from '../ports/sealed-store.js'
import { contentPlace } from './approvals/content.js'
import type { ServiceContext } from './context.js'
import type { Job } from './job.js'
import type { SecretOrder } from './secret-order.js'
import { claimMs, deliveryPlace } from './webhooks/deliver.js'

/** How many records one step looks at. */
const batch = 50

/** How long to rest once everything was looked at and nothing was left to do, in milliseconds. */
const restMs = 600_000

/** What is looked through, one behind the other. */
const types = ['approvalContent', 'delivery'] as const

/**
 * Makes the job that seals what was sealed under an older secret of the host under the one that writes now, so that the
 * older one can be taken out of use; none where there is a single secret.
 *
 * Each record is replaced only as it was read, and left for later where it is in use.
 */
export function resealJobs(
  context: Pick<ServiceContext, 'store' | 'clock' | 'sealer' | 'webhookSettings'>,
  order: Pick<SecretOrder, 'isOlder'>,
): readonly Job[] {
  const { store, clock, sealer, webhookSettings } = context
  if (sealer === null || sealer.hostSecretIds.length < 2) return []
  const { hostSecretIds, open, seal } = sealer
  let at = 0
  let after: string | undefined
  let isBusy = false
  let restUntil = -Infinity

  async function isMovable(id: string): Promise<boolean> {
    return hostSecretIds.includes(id) && (await order.isOlder(id))
  }

  /** The text under the current secret; as it is where it need not be moved or cannot be read. */
  async function move(text: string, place: string): Promise<string> {
    if (!(await isMovable(sealedUnder(text)))) return text
    const bytes = await open(text, place).catch(() => undefined)
    return bytes === undefined ? text : seal(bytes, place)
  }

  async function resealContent({ workspaceId, id }: SealedRow): Promise<readonly Change[]> {
    const approval = await store.findApproval(workspaceId, id)
    // The instance that runs it is about to write its result beside its request.
    if (approval?.status === 'executing') return []
    const content = await store.findApprovalContent(workspaceId, id)
    if (content === undefined) return []
    const request = await move(content.request, contentPlace(content, 'request'))
    const result = content.result && (await move(content.result, contentPlace(content, 'result')))
    if (request === content.request && result === content.result) return []
    const { version: expectVersion } = content
    return [
      ...(approval ? [{ do: 'check', type: 'approval', id, version: approval.version } as const] : []),
      { do: 'update', type: 'approvalContent', id, expectVersion, set: { request, result } },
    ]
  }

  async function resealDelivery({ workspaceId, id }: SealedRow): Promise<readonly Change[]> {
    const delivery = await store.findDelivery(workspaceId, id)
    if (delivery === undefined) return []
    const now = await store.now()
    // It may be on its way, claimed until then.
    const isClaimed = delivery.dueAt > now && delivery.dueAt <= now + claimMs(webhookSettings.timeoutMs)
    if (delivery.status === 'waiting' && isClaimed) return []
    const payload = await move(delivery.payload, deliveryPlace(id))
    if (payload === delivery.payload) return []
    return [{ do: 'update', type: 'delivery', id, expectVersion: delivery.version, set: { payload } }]
  }

  const reseal = { approvalContent: resealContent, delivery: resealDelivery }

  async function hasMovable(row: SealedRow): Promise<boolean> {
    return (await Promise.all(row.hostSecretIds.map(isMovable))).includes(true)
  }

  return [
    {
      name: 'sealing under the newest secret',
      idleMs: 60_000,
      async step() {
        if (clock.monotonic() < restUntil) return { left: 'nothing' }
        const type = types[at]!
        const rows = await store.listSealed({ type, limit: batch, ...(after !== undefined && { after }) })
        for (const row of rows) {
          if (!(await hasMovable(row))) continue
          isBusy = true
          const changes = await reseal[type](row)
          // Lost only to another change: the next round sees what it left.
          if (changes.length > 0) await store.commit(changes)
        }
        after = rows.at(-1)?.id
        if (rows.length === batch) return { left: 'more' }
        after = undefined
        at = (at + 1) % types.length
        if (at > 0) return { left: 'more' }
        if (!isBusy) restUntil = clock.monotonic() + restMs
        isBusy = false
        return { left: 'nothing' }
      },
    },
  ]
}
