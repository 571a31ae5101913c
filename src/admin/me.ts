import { KeyrungError } from '../core/errors.js'
import { timestamp } from '../sinks/event-line.js'
import { answerJson } from './answer.js'
import type { Call } from './call.js'

/** `GET /me`: what a calling key may do; what is hidden from it is not in the answer. */
export async function getMe({ keyrung, actor }: Call): Promise<Response> {
  if (actor.type !== 'principal') {
    throw new KeyrungError('forbidden', { message: 'This is for API keys: call it with one.' })
  }
  const { principal } = actor
  const access = await keyrung.access(principal)
  if (!access.ok) throw new KeyrungError(access.code)
  const effects = new Map([
    ...access.allowed.map((permission) => [permission, 'allow'] as const),
    ...access.queued.map((permission) => [permission, 'approval'] as const),
  ])
  const resources = keyrung.catalog.resources.map(({ name, label }) => ({
    name,
    label,
    permissions: [...effects]
      .filter(([permission]) => permission.startsWith(`${name}:`))
      .map(([permission, effect]) => ({ permission, effect })),
  }))
  return answerJson({
    key: {
      id: principal.keyId,
      name: principal.keyName,
      environment: principal.environment,
      workspace_id: principal.workspaceId,
    },
    ...(principal.type === 'token' && {
      token: {
        id: principal.tokenId,
        scopes: principal.scopes,
        expires_at: timestamp(principal.expiresAt),
        actors: principal.chain,
      },
    }),
    mode: access.full ? 'full' : 'custom',
    scopes: access.scopes,
    resources: resources.filter(({ permissions }) => permissions.length > 0),
  })
}
