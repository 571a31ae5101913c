import type { Dispatcher, ReplayAnswer, StoredRequest } from '../../src/service/replay.js'
import type { AdminOptions } from '../../src/admin/handler.js'
import type { KeyrungOptions } from '../../src/service/options.js'
import { adminHost } from './host.js'
import type { catalog } from './host.js'

/** What a handler of the host's answers with, and that it was asked. */
export interface Handler {
  calls: number
  answer: () => Promise<ReplayAnswer>
}

const encoder = new TextEncoder()

export function created(text: string): ReplayAnswer {
  return { status: 201, contentType: 'application/json', body: encoder.encode(text), isTruncated: false }
}

/** A host whose keys can ask for what needs an approval; what is approved reaches a handler that counts. */
export function approvalHost(
  options: Partial<KeyrungOptions<typeof catalog>> = {},
  adminOptions: Partial<AdminOptions> = {},
) {
  const host = adminHost(options, adminOptions)
  const handler: Handler = { calls: 0, answer: async () => created('{"id":7}') }
  const dispatcher: Dispatcher = {
    name: 'crm',
    app: {},
    async dispatch(_request, ticket) {
      ticket.state = 'admitted'
      handler.calls++
      return handler.answer()
    },
  }
  host.keyrung.attach(dispatcher)

  /** Has a key ask for something, as a guard would. */
  async function queue(secret: string, text = '{"name":"Eve","card":"4111"}', idempotencyKey?: string) {
    const admission = await host.keyrung.admit(
      {
        ...{ authorization: [`Bearer ${secret}`], bare: [], address: '192.0.2.1' },
        ...{ method: 'POST', target: '/contacts?notify=1', identity: {} },
      } as Parameters<typeof host.keyrung.admit>[0],
      host.keyrung.demand('contacts:write'),
    )
    if (admission.ok || admission.code !== 'approval_required') throw new Error('it needs no approval')
    const request: StoredRequest = {
      method: 'POST',
      target: '/contacts?notify=1',
      pattern: '/contacts',
      scheme: 'https',
      headers: [['content-type', 'application/json']],
      body: encoder.encode(text),
      isRewritten: false,
    }
    const queued = await host.keyrung.queue(admission as never, request, {
      app: 'crm',
      effect: 'unsafe',
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    })
    return queued.approval
  }

  /** A key that may only ask, and what it has asked for. */
  async function makeAsked(more: object = {}) {
    const { key, secret } = await host.makeKey(['contacts:write-approval'], more)
    return { key, secret, approval: await queue(secret) }
  }

  return { ...host, handler, queue, makeAsked }
}
