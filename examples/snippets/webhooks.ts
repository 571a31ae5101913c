import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { catalog } from './catalog.js'
import { closeServer } from './server.js'

//#region receive
import { createServer } from 'node:http'
import { Webhook } from 'standardwebhooks'

let signingSecret = '' // whsec_…, as the key's creation showed it
const heard: string[] = []

const receiver = createServer(async (request, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature } = request.headers
  const headers = { 'webhook-id': `${id}`, 'webhook-timestamp': `${at}`, 'webhook-signature': `${signature}` }
  try {
    // The bytes as they came: parsed and written anew they would be others.
    const message = new Webhook(signingSecret).verify(Buffer.concat(chunks).toString(), headers) as Message
    heard.push(`${message.type}: ${message.data.reason}`)
    response.writeHead(204).end()
  } catch {
    response.writeHead(401).end()
  }
})

interface Message {
  readonly type: string
  readonly data: { readonly reason: string | null; readonly approval: { readonly id: string } }
}
//#endregion receive
receiver.listen(0, '127.0.0.1')
await once(receiver, 'listening')
const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`

//#region options
import { createKeyrung, memoryStore } from 'keyrung'

const keyrung = createKeyrung({
  catalog,
  store: memoryStore(),
  secret: process.env['KEYRUNG_SECRET'], // signing secrets are derived from it
  keys: { prefix: 'acme' },
  // For development alone: whoever may set a webhook can then reach this machine.
  webhooks: { dangerouslyAllowAddresses: ['127.0.0.1'], timeoutMs: 5_000 },
})
//#endregion options

const actor = { type: 'user', id: 'ada', workspaceId: 'ws_1', role: 'admin' } as const

//#region create
const { key, secret, webhookSecret } = await keyrung.keys.create(actor, {
  name: 'Agent',
  scopes: ['contacts:write-approval'],
  webhook: { url, events: ['approval.rejected', 'approval.succeeded'] }, // rejections alone if left out
})
//#endregion create
signingSecret = webhookSecret!

const operation = keyrung.operation('contacts.note', {
  permission: 'contacts:write',
  input: { '~standard': { version: 1, vendor: 'snippet', validate: (value: unknown) => ({ value }) } },
  run: () => null,
})
const known = await keyrung.authenticate(secret)
if (!known.ok) throw new Error(known.code)
const called = await operation.call(known.principal, { note: 'hello' })
if (called.status === 'queued')
  await keyrung.approvals.reject(actor, called.approval.id, { reason: 'not this one' })
await keyrung.tick()

//#region rotate
const renewed = await keyrung.keys.rotateWebhook(actor, key.id, { graceMs: 86_400_000 }) // both sign for a day
console.log(`Shown this once: ${renewed.webhookSecret}`)

const { deliveries } = await keyrung.webhooks.list(actor, { keyId: key.id, status: 'given_up' })
for (const { id } of deliveries) await keyrung.webhooks.redeliver(actor, id)
//#endregion rotate

/** What came of it. */
export const outcome = { heard, renewed: renewed.webhookSecret !== webhookSecret, givenUp: deliveries.length }
await closeServer(receiver)
await keyrung.close()
