import * as z from 'zod'
import { createKeyrung } from 'keyrung'
import type { Operation, Principal } from 'keyrung'
import type { Store } from '../../../src/ports/store.js'
import { catalog, hostSecret } from '../seed.js'

/** Whoever decides. */
export const approver = { type: 'user', id: 'ann', workspaceId: 'ws_1', role: 'admin' } as const

/** The name of the operation that does nothing. */
export const operationName = 'notes.keep'

/** What waits, as an approver has to name it. */
export interface Waiting {
  readonly id: string
  readonly digest: string
}

/** Makes a host on a store, with an operation that does nothing, and makes its tables. */
export async function openHost(store: Store) {
  const keyrung = createKeyrung({
    ...{ catalog, store, secret: hostSecret, keys: { prefix: 'tp' } },
    ...{ approvals: { maxPending: 10_000, waitMs: 60_000 }, storeTimeoutMs: 60_000 },
    notify: () => undefined,
  })
  await keyrung.ready({ migrate: true })
  const keep = keyrung.operation(operationName, {
    ...{ permission: 'contacts:write', input: z.strictObject({ note: z.string() }) },
    run: () => null,
  })
  return { keyrung, keep }
}

/** A host of the benchmarks. */
export type Host = Awaited<ReturnType<typeof openHost>>

/** Makes a key that may only ask, and presents it. */
export async function makeCaller({ keyrung }: Pick<Host, 'keyrung'>, name: string) {
  const { secret } = await keyrung.keys.create(approver, { name, scopes: ['contacts:write-approval'] })
  const authenticated = await keyrung.authenticate(secret)
  if (!authenticated.ok) throw new Error(authenticated.code)
  return { secret, principal: authenticated.principal }
}

/** Puts a call of the operation in front of a human. */
export async function queue(
  keep: Operation<{ note: string }>,
  principal: Principal,
  note: string,
): Promise<Waiting> {
  const answer = await keep.call(principal, { note })
  if (answer.status !== 'queued') throw new Error(`a call was ${answer.status}`)
  return answer.approval
}

/** Approves, and waits until it has run. */
export async function approve({ keyrung }: Pick<Host, 'keyrung'>, { id, digest }: Waiting): Promise<void> {
  const { status } = await keyrung.approvals.approve(approver, id, { digest })
  if (status !== 'succeeded') throw new Error(`an approval is ${status}`)
}
