import { objectOf } from '../service/keys/fields.js'
import type { ListDeliveriesInput } from '../service/webhooks/list.js'
import type { DeliveryView } from '../service/webhooks/view.js'
import { timestamp } from '../sinks/event-line.js'
import { answerJson } from './answer.js'
import { readJsonBody } from './body.js'
import type { Call } from './call.js'
import { limitOf, parametersOf, readQuery } from './query.js'
import { passedOn, readWire, withWireNames } from './wire.js'

const listing = parametersOf({
  ...{ status: passedOn, key_id: passedOn, approval_id: passedOn, cursor: passedOn, limit: passedOn },
})
const nothing = objectOf({})

/** `GET /deliveries`: what was sent to the webhooks of the workspace's keys, newest first. */
export async function listDeliveries({ keyrung, actor, request }: Call): Promise<Response> {
  const { key_id: keyId, approval_id: approvalId, limit, ...rest } = readWire(listing, readQuery(request))
  const input = { ...rest, keyId, approvalId, limit: limitOf(limit) } as ListDeliveriesInput
  const { deliveries, next } = await withWireNames({ key_id: 'keyId', approval_id: 'approvalId' }, () =>
    keyrung.webhooks.list(actor, input),
  )
  return answerJson({ deliveries: deliveries.map(deliveryBody), next })
}

/** `POST /deliveries/:id/redeliver`: sends a message again, under the same id. */
export async function redeliverDelivery({ keyrung, actor, id, request }: Call): Promise<Response> {
  readWire(nothing, await readJsonBody(request))
  return answerJson(deliveryBody(await keyrung.webhooks.redeliver(actor, id)))
}

function deliveryBody(delivery: DeliveryView) {
  return {
    id: delivery.id,
    key_id: delivery.keyId,
    approval_id: delivery.approvalId,
    event: delivery.event,
    status: delivery.status,
    created_at: timestamp(delivery.createdAt),
    next_attempt_at: timestamp(delivery.nextAttemptAt),
    attempts: delivery.attempts,
    last_attempt_at: timestamp(delivery.lastAttemptAt),
    last_status: delivery.lastStatus,
    last_error: delivery.lastError,
  }
}
