import type { Actor, UserActor } from '../../../src/core/actor.js'
import type { AuditEvent } from '../../../src/core/audit.js'
import { defineCatalog } from '../../../src/core/catalog.js'
import type { Queued } from '../../../src/core/decision.js'
import { ladders } from '../../../src/core/ladder.js'
import type { Principal } from '../../../src/core/principal.js'
import { toUtf8 } from '../../../src/crypto/encoding.js'
import type { Store } from '../../../src/ports/store.js'
import type { ApprovalOptions } from '../../../src/service/approval-settings.js'
import type { QueueOptions } from '../../../src/service/approvals/setup.js'
import { createKeyrung } from '../../../src/service/create-keyrung.js'
import type { Keyrung } from '../../../src/service/keyrung.js'
import type { KeyrungOptions } from '../../../src/service/options.js'
import type { ReplayAnswer, StoredRequest } from '../../../src/service/replay.js'
import { memoryStore } from '../../../src/stores/memory.js'
import { manualClock } from '../../../src/testing/manual-clock.js'
import type { ManualClock } from '../../../src/testing/manual-clock.js'
import { hostSecret } from '../sample.js'
import type { MakeStore } from '../keys/stores.js'

export { stores } from '../keys/stores.js'
export { outcome, refusal } from '../keys/fixture.js'

export const catalog = defineCatalog({
  resources: {
    contacts: { ladder: ladders.crud },
    email: { ladder: ladders.communication },
  },
})

type Options = KeyrungOptions<typeof catalog>

export const ann: UserActor = { type: 'user', id: 'ann', workspaceId: 'ws', role: 'admin' }
export const bob: UserActor = { type: 'user', id: 'bob', workspaceId: 'ws', role: 'admin' }
export const cem: UserActor = { type: 'user', id: 'cem', workspaceId: 'ws', role: 'admin' }
export const stranger: UserActor = { type: 'user', id: 'zoe', workspaceId: 'other', role: 'admin' }

export const dayMs = 86_400_000

export interface DeskOptions {
  readonly store?: MakeStore
  readonly approvals?: ApprovalOptions
  readonly options?: Partial<Options>
  /** Members of `ws`, by user; left out: no directory. */
  readonly members?: Map<string, { role: string; scopes: 'full' | string[] }>
  readonly wrap?: (store: Store, clock: ManualClock) => Store
}

export interface Desk {
  readonly keyrung: Keyrung<typeof catalog>
  readonly clock: ManualClock
  readonly store: Store
  /** What was dispatched. */
  readonly runs: StoredRequest[]
  /** How the app answers. */
  answer: ReplayAnswer
  /** Makes a key, and the principal of its secret. */
  agent(input?: Record<string, unknown>, actor?: Actor): Promise<Principal>
  /** Has a request wait. */
  ask(principal: Principal, given?: Asked): ReturnType<Keyrung['queue']>
  events(): Promise<readonly AuditEvent[]>
  pending(keyId: string): Promise<number>
}

export interface Asked extends Partial<QueueOptions> {
  readonly request?: Partial<StoredRequest>
  readonly body?: unknown
  readonly permission?: 'contacts:write' | 'contacts:delete' | 'email:send'
}

/** A request that creates a contact. */
export function requestOf(body: unknown = { name: 'Ada' }, rest: Partial<StoredRequest> = {}): StoredRequest {
  return {
    ...{ method: 'POST', target: '/contacts', pattern: '/contacts', scheme: 'https' },
    headers: [['content-type', 'application/json']],
    body: body instanceof Uint8Array ? body : toUtf8(JSON.stringify(body)),
    isRewritten: false,
    ...rest,
  }
}

/** A keyrung with an app attached, on a clock that stands still. */
export async function openDesk(given: DeskOptions = {}): Promise<Desk> {
  const clock = manualClock()
  const made = given.store ? await given.store(clock) : memoryStore({ clock })
  const store = given.wrap ? given.wrap(made, clock) : made
  const { members } = given
  const keyrung = createKeyrung({
    ...{ catalog, clock, store, secret: hostSecret, usage: false },
    keys: { prefix: 'tp', environments: ['live', 'test'], canManage: () => true },
    notify: () => undefined,
    ...(given.approvals && { approvals: given.approvals }),
    ...(members && { directory: { rightsOf: (id) => members.get(id) ?? null }, hookLeaseMs: 0 }),
    ...given.options,
  } as Options)
  await keyrung.ready({ migrate: true })
  const desk: Desk = {
    ...{ keyrung, clock, store: made, runs: [] },
    answer: { status: 201, contentType: 'application/json', body: toUtf8('{"id":7}'), isTruncated: false },
    async agent(input = {}, actor = ann) {
      const { secret } = (await keyrung.keys.create(actor, {
        name: 'Agent',
        scopes: ['contacts:write-approval', 'email:send-approval'],
        ...input,
      } as never)) as { secret: string }
      const known = await keyrung.authenticate(secret, { ip: '203.0.113.7' })
      if (!known.ok) throw new Error(known.code)
      return known.principal
    },
    async ask(principal, asked = {}) {
      const { request, body, permission = 'contacts:write', ...options } = asked
      const decision = (await keyrung.authorize(principal, permission)) as Queued
      return keyrung.queue({ code: 'approval_required', principal, decision }, requestOf(body, request), {
        ...{ app: 'main', effect: 'unsafe' },
        ...options,
      })
    },
    async events() {
      const { events } = await keyrung.audit.list(ann, { limit: 200 })
      return [...events].reverse()
    },
    async pending(keyId) {
      return (await made.listApprovals({ workspaceId: 'ws', keyId, status: 'pending', limit: 1_000 })).length
    },
  }
  keyrung.attach({
    ...{ name: 'main', app: {} },
    async dispatch(request, ticket) {
      ticket.state = 'admitted'
      desk.runs.push(request)
      return desk.answer
    },
  })
  return desk
}
