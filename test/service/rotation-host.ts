import * as z from 'zod'
import type { Principal } from '../../src/core/principal.js'
import type { Store } from '../../src/ports/store.js'

import type { ManualClock } from '../../src/testing/manual-clock.js'
import { admin, sample } from './sample.js'

/** Everything of a host that hangs on its secret, and what instances with other secrets make of it. */
export async function startInstance(options: {
  readonly clock: ManualClock
  readonly store: Store
  readonly secret: string | readonly string[]
}) {
  const { keyrung, notices } = sample({
    ...options,
    tokens: { issuer: 'https://api.example.com', audience: 'api' },
    webhooks: { dangerouslyAllowAddresses: ['127.0.0.1'] },
  })
  await keyrung.ready({ migrate: true })
  const echo = keyrung.operation('echo', {
    permission: 'contacts:write',
    approval: 'always',
    input: z.strictObject({ text: z.string() }),
    run: ({ text }) => ({ said: text }),
  })

  async function principalOf(credential: string): Promise<Principal> {
    const known = await keyrung.authenticate(credential)
    if (!known.ok) throw new Error(known.code)
    return known.principal
  }

  return {
    ...{ keyrung, notices, principalOf },
    /** A key that is told of what is queued. */
    async makeKey(url: string) {
      const input = { name: 'agent', scopes: ['contacts:write'] as const, webhook: { url, events } }
      const { key, secret, webhookSecret } = await keyrung.keys.create(admin, input as never)
      return { id: key.id, secret, webhookSecret: webhookSecret! }
    },
    /** Queues an operation; the approval's id. */
    async ask(secret: string, text: string): Promise<string> {
      const answer = await echo.call(await principalOf(secret), { text })
      if (answer.status !== 'queued') throw new Error(answer.status)
      return answer.approval.id
    },
    /** What approving it comes to. */
    async approve(id: string): Promise<string | undefined> {
      const { digest } = await keyrung.approvals.get(admin, id)
      const { status, result } = await keyrung.approvals.approve(admin, id, { digest })
      return status === 'succeeded' ? result?.text : status
    },
    async exchange(secret: string): Promise<string> {
      return (await keyrung.tokens.exchange(await principalOf(secret))).token
    },
    /** Goes on with background work until a round of sealing is over. */
    async work(): Promise<void> {
      for (let i = 0; i < 3; i++) {
        await keyrung.tick()
        await options.clock.advance(61_000)
      }
    },
    counts: async () => Object.fromEntries(await keyrung.keys.countBySecret()),
  }
}

const events = ['approval.queued']
