import { createServer } from 'node:http'
import type { IncomingHttpHeaders, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ApprovalRecord } from '../../../src/core/approval.js'
import { readHostSecrets } from '../../../src/crypto/host-secret.js'
import { createSealer } from '../../../src/crypto/sealer.js'
import { createOutbound } from '../../../src/net/outbound.js'
import { findNodeOutbound } from '../../../src/net/outbound-node.js'
import type { ServiceContext } from '../../../src/service/context.js'
import { readWebhookSettings } from '../../../src/service/webhook-settings.js'
import { announce } from '../../../src/service/webhooks/announce.js'
import { createDeliveryJob } from '../../../src/service/webhooks/deliver.js'
import type { Notice } from '../../../src/service/notice.js'
import { makeApproval } from '../../../src/testing/suite/records.js'
import { createWorld, makeKey } from '../keys/fixture.js'
import type { WorldOptions } from '../keys/fixture.js'

/** What a receiver answers with. */
export interface Answering {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
}

/** One message as it arrived. */
export interface Received {
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** A receiver on loopback that notes what it gets. */
export async function createReceiver(answer: (count: number) => Answering | null = () => ({ status: 204 })) {
  const received: Received[] = []
  const server: Server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      received.push({ headers: request.headers, body })
      const given = answer(received.length)
      if (given) response.writeHead(given.status, { ...given.headers }).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    received,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** An approval of a key, as it stands once a human has said no. */
function rejected(keyId: string, fields: Partial<ApprovalRecord> = {}): ApprovalRecord {
  return makeApproval(1, {
    ...{
      id: 'apr_01kdve00000000000000000001',
      workspaceId: 'ws',
      version: 2,
      status: 'rejected',
      lane: 'ended',
    },
    ...{ dueAt: 1_767_225_600_000, keyId, keyName: 'CI', lineage: keyId },
    ...{ createdAt: 1_767_225_600_000, expiresAt: 1_767_830_400_000, decidedAt: 1_767_225_601_000 },
    ...{ decidedBy: 'user:ann', reason: 'Not this one.', endedAt: 1_767_225_601_000 },
    ...fields,
  })
}

/** A key with a webhook at a receiver, and the job that delivers to it. */
export async function createHooked(
  options: WorldOptions & {
    readonly url: string
    readonly events?: readonly string[]
    readonly timeoutMs?: number
  },
) {
  const { url, events, timeoutMs, ...worldOptions } = options
  const world = await createWorld(worldOptions)
  const notices: Notice[] = []
  const given = { dangerouslyAllowAddresses: ['127.0.0.1'], ...(timeoutMs && { timeoutMs }) }
  const webhookSettings = readWebhookSettings(given, [])
  const sealer = createSealer(
    readHostSecrets('a secret of the tests, of 32 characters'),
    world.context.entropy,
  )
  const notify = (notice: Notice): void => void notices.push(notice)
  Object.assign(world.context, { webhookSettings, sealer, notify })
  const context: ServiceContext = world.context
  const made = await makeKey(world, { webhook: { url, ...(events && { events }) } })
  const job = createDeliveryJob(
    context,
    createOutbound(webhookSettings.policy, findNodeOutbound(context.clock)!),
  )
  return {
    ...{ world, context, job, notices, ...made },
    /** Commits what a rejection tells the webhook; answers how many messages that is. */
    async announce(
      fields: Partial<ApprovalRecord> = {},
      action: Parameters<typeof announce>[2] = 'approval.rejected',
    ) {
      const record = rejected(made.key.id, fields)
      const changes = await announce(context, record, action, world.clock.now(), async () => null)
      const result = await world.store.commit(changes)
      if (!result.ok) throw new Error(result.why)
      return changes.length
    },
    deliveries: () => world.store.listDeliveries({ workspaceId: 'ws', limit: 100 }),
  }
}
