import { createAdmin } from '../../src/admin/handler.js'
import type { AdminOptions } from '../../src/admin/handler.js'
import type { Actor } from '../../src/core/actor.js'
import { defineCatalog } from '../../src/core/catalog.js'
import { ladder, ladders } from '../../src/core/ladder.js'
import { createKeyrung } from '../../src/service/create-keyrung.js'
import type { KeyrungOptions } from '../../src/service/options.js'
import { memoryStore } from '../../src/stores/memory.js'
import { manualClock } from '../../src/testing/manual-clock.js'

export const catalog = defineCatalog({
  groups: { crm: { label: 'CRM' }, admin: { label: 'Admin Only', sensitive: true } },
  resources: {
    contacts: { label: 'Contacts', group: 'crm', ladder: ladders.crud, describe: { read: 'List contacts' } },
    email: { label: 'Email', ladder: ladders.communication },
    users: { label: 'Users', group: 'admin', ladder: ladder('read') },
  },
  renamed: { people: 'contacts' },
})

/** Who can be signed in at the host, by the name in the `Session` header. */
const users: Readonly<Record<string, Actor>> = {
  admin: { type: 'user', id: 'ann', workspaceId: 'ws_1', role: 'admin' },
  member: { type: 'user', id: 'bob', workspaceId: 'ws_1', role: 'member' },
  other: { type: 'user', id: 'cleo', workspaceId: 'ws_2', role: 'admin' },
}

export interface Reply {
  readonly status: number
  readonly headers: Headers
  // What a test reads out of JSON is its own business.
  readonly body: ReturnType<JSON['parse']>
}

/** A management API on a store in memory, asked without any framework. */
export function adminHost(
  options: Partial<KeyrungOptions<typeof catalog>> = {},
  adminOptions: Partial<AdminOptions> = {},
) {
  const clock = manualClock()
  const keyrung = createKeyrung({
    catalog,
    clock,
    store: memoryStore({ clock }),
    secret: 'a secret of the host, for tests only',
    keys: { prefix: 'tp', environments: ['live', 'test'] },
    notify: () => undefined,
    ...options,
  })
  const handler = createAdmin(keyrung, {
    actor: (request) => users[request.headers.get('session') ?? ''] ?? null,
    ...adminOptions,
  })

  /** @param as a user's name, a secret, or null for nobody */
  async function ask(
    as: string | null,
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
    signal: AbortSignal | null = null,
  ): Promise<Reply> {
    const credential = as === null ? {} : as in users ? { session: as } : { authorization: `Bearer ${as}` }
    const isText = typeof body === 'string' || body instanceof Uint8Array
    const request = new Request(`http://api.example${path}`, {
      method,
      headers: {
        ...credential,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? null : isText ? (body as string) : JSON.stringify(body),
      signal,
    })
    const response = await handler(request, { peer: '127.0.0.1', prefix: '' })
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? undefined : JSON.parse(text),
    }
  }

  async function makeKey(scopes: string[] = ['contacts:read'], more: object = {}) {
    const { body } = await ask('admin', 'POST', '/keys', { name: 'Agent', scopes, ...more })
    return body as { key: { id: string; version: number; scopes: string[] }; secret: string }
  }

  return { ask, clock, handler, keyrung, makeKey }
}
