import type { ApprovalAction } from '../../core/audit.js'
import type { ApprovalRecord } from '../../core/approval.js'
import type { DeliveryRecord } from '../../core/delivery.js'
import { formatId, idEntropyBytes } from '../../core/id.js'
import { isWebhookEvent, readWebhook } from '../../core/webhook.js'
import { toUtf8 } from '../../crypto/encoding.js'
import type { Change } from '../../ports/change.js'
import type { RequestView } from '../approvals/view.js'
import type { ServiceContext } from '../context.js'
import { readKey } from '../keys/found.js'
import { deliveryPlace } from './deliver.js'
import { webhookPayload } from './payload.js'

/**
 * The deliveries to put into the commit of a step: one where the key has a webhook that is to be told of it.
 *
 * @param at when it was done, in milliseconds since 1970
 * @param showRequest what was asked for, as it may be shown; only called where there is somebody to tell
 */
export async function announce(
  context: ServiceContext,
  record: ApprovalRecord,
  action: ApprovalAction,
  at: number,
  showRequest: () => Promise<RequestView | null>,
): Promise<readonly Change[]> {
  const { sealer, entropy } = context
  if (!isWebhookEvent(action) || sealer === null) return []
  const row = await readKey(context, record.workspaceId, record.keyId)
  const setting = row && readWebhook(row.key.webhook)
  if (!setting || setting.disabledAt !== null || !setting.events.includes(action)) return []
  const id = formatId('dlv', at, entropy(idEntropyBytes))
  const request = await showRequest()
  const payload = JSON.stringify(webhookPayload(record, action, request, at))
  const delivery: DeliveryRecord = {
    id,
    workspaceId: record.workspaceId,
    version: 1,
    keyId: record.keyId,
    approvalId: record.id,
    event: action,
    status: 'waiting',
    payload: await sealer.seal(toUtf8(payload), deliveryPlace(id)),
    createdAt: at,
    dueAt: at,
    attempts: 0,
    lastAttemptAt: null,
    lastStatus: null,
    lastError: null,
  }
  return [{ do: 'insert', type: 'delivery', record: delivery }]
}
