import {
  approveApproval,
  cancelApproval,
  getApproval,
  listApprovals,
  rejectApproval,
  resolveApproval,
} from './approvals.js'
import { listAudit } from './audit.js'
import { getCatalog, getPermissions } from './catalog.js'
import { listDeliveries, redeliverDelivery } from './deliveries.js'
import {
  activateKey,
  createKey,
  deleteKey,
  editKey,
  getKey,
  listKeys,
  revokeAllKeys,
  revokeKey,
  rotateKey,
  rotateKeyWebhook,
} from './keys.js'
import type { Call } from './call.js'
import { getKeyLimits, getLimits } from './limits.js'
import { getMe } from './me.js'
import { exchangeToken } from './tokens.js'
import { getAdvice, getKeyUsage, getUsage } from './usage.js'

type Verb = (call: Call) => Response | Promise<Response>

/** Every path, with what each method does there. */
const routes: Readonly<Record<string, Readonly<Record<string, Verb>>>> = {
  '/keys': { GET: listKeys, POST: createKey },
  '/keys/revoke-all': { POST: revokeAllKeys },
  '/keys/:id': { GET: getKey, PATCH: editKey, DELETE: deleteKey },
  '/keys/:id/rotate': { POST: rotateKey },
  '/keys/:id/rotate-webhook': { POST: rotateKeyWebhook },
  '/keys/:id/revoke': { POST: revokeKey },
  '/keys/:id/activate': { POST: activateKey },
  '/keys/:id/limits': { GET: getKeyLimits },
  '/keys/:id/usage': { GET: getKeyUsage },
  '/keys/:id/advice': { GET: getAdvice },
  '/approvals': { GET: listApprovals },
  '/approvals/:id': { GET: getApproval },
  '/approvals/:id/approve': { POST: approveApproval },
  '/approvals/:id/reject': { POST: rejectApproval },
  '/approvals/:id/resolve': { POST: resolveApproval },
  '/approvals/:id/cancel': { POST: cancelApproval },
  '/deliveries': { GET: listDeliveries },
  '/deliveries/:id/redeliver': { POST: redeliverDelivery },
  '/usage': { GET: getUsage },
  '/catalog': { GET: getCatalog },
  '/permissions': { GET: getPermissions },
  '/audit': { GET: listAudit },
  '/limits': { GET: getLimits },
  '/me': { GET: getMe },
  '/tokens': { POST: exchangeToken },
}

/** What a request comes to: a verb, a path with other methods, or nothing. */
export type Match =
  { readonly verb: Verb; readonly id: string } | { readonly verb: null; readonly methods: readonly string[] }

/** Finds what a method and a path come to; `undefined` for a path that is not there. */
export function findRoute(method: string, path: string): Match | undefined {
  const [, first, id, last] = /^\/([a-z]+)(?:\/([^/]+)(?:\/([a-z-]+))?)?$/.exec(path) ?? []
  const general = `/${first}${id === undefined ? '' : '/:id'}${last === undefined ? '' : `/${last}`}`
  // A path that is written out comes before an id.
  const pattern = Object.hasOwn(routes, path) && id !== ':id' ? path : general
  if (!Object.hasOwn(routes, pattern)) return undefined
  const verbs = routes[pattern]!
  // A HEAD is a GET whose body is not sent (RFC 9110, 9.3.2).
  const wanted = method === 'HEAD' ? 'GET' : method
  if (Object.hasOwn(verbs, wanted)) return { verb: verbs[wanted]!, id: id ?? '' }
  const methods = Object.keys(verbs)
  return { verb: null, methods: methods.includes('GET') ? [...methods, 'HEAD'] : methods }
}
