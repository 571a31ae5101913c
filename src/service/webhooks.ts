import type { Actor } from '../core/actor.js'
import { createOutbound } from '../net/outbound.js'
import { findNodeOutbound } from '../net/outbound-node.js'
import type { ServiceContext } from './context.js'
import type { Job } from './job.js'
import { createDeliveryJob } from './webhooks/deliver.js'
import { listDeliveries } from './webhooks/list.js'
import type { DeliveryPage, ListDeliveriesInput } from './webhooks/list.js'
import { redeliver } from './webhooks/redeliver.js'
import type { DeliveryView } from './webhooks/view.js'

/** What was sent to the webhooks of a workspace's keys. */
export interface Webhooks {
  /** Lists deliveries, newest first, a page at a time; `canManage` is asked for `list`. */
  list(actor: Actor, input?: ListDeliveriesInput): Promise<DeliveryPage>
  /**
   * Sends a message again, under the same id and from the first attempt on; `canManage` is asked for `edit`.
   *
   * @throws KeyrungError `not_found`, `conflict` where it is being sent at the moment
   */
  redeliver(actor: Actor, id: string): Promise<DeliveryView>
}

/** Makes the service of webhooks' deliveries. */
export function createWebhooks(context: ServiceContext): Webhooks {
  return Object.freeze<Webhooks>({
    list: (actor, input) => listDeliveries(context, actor, input),
    redeliver: (actor, id) => redeliver(context, actor, id),
  })
}

/** The job that delivers, where this runtime can send anything at all. */
export function webhookJobs(context: ServiceContext): readonly Job[] {
  const means = findNodeOutbound(context.clock)
  if (means === undefined) return []
  return [createDeliveryJob(context, createOutbound(context.webhookSettings.policy, means))]
}
