import { createKeyrung, memoryStore } from 'keyrung'
import { catalog } from './catalog.js'

const keyrung = createKeyrung({
  catalog,
  store: memoryStore(),
  secret: process.env['KEYRUNG_SECRET'],
  keys: { prefix: 'acme' },
})

//#region gate
import { buildResponse, createGate } from 'keyrung/http'

const readContacts = createGate(keyrung, 'contacts:read') // a typo stops the start

/** A fetch-style handler; `peer` is the address of the socket's other end. */
async function handle(request: Request, peer: string | undefined): Promise<Response> {
  const result = await readContacts({
    // A `Request` has joined doubles already: two credentials come as one value with a comma, and are refused.
    headers: (name) => {
      const value = request.headers.get(name)
      return value === null ? [] : [value]
    },
    peer,
    method: request.method,
    target: new URL(request.url).pathname,
    identity: request,
  })
  if (!result.ok) return buildResponse(result.answer)
  const response = Response.json({ key: result.principal.keyName })
  // Caches must know what the answer hangs on, callers how their limits stand.
  if (result.vary !== null) response.headers.append('vary', result.vary)
  for (const [name, value] of result.headers ?? []) response.headers.set(name, value)
  return response
}
//#endregion gate

const actor = { type: 'system', name: 'setup', workspaceId: 'ws_1' } as const
const { secret } = await keyrung.keys.create(actor, { name: 'Edge', scopes: ['contacts:read'] })
const ask = async (headers: [string, string][]) => {
  const response = await handle(new Request('https://api.example/contacts', { headers }), '192.0.2.1')
  return { status: response.status, body: await response.json() }
}
/** What came of it. */
export const outcome = {
  known: await ask([['authorization', `Bearer ${secret}`]]),
  nobody: await ask([]),
  two: await ask([
    ['authorization', `Bearer ${secret}`],
    ['authorization', `Bearer ${secret}`],
  ]),
}
await keyrung.close()
