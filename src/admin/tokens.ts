import * as z from 'zod/mini'
import { KeyrungError } from '../core/errors.js'
import type { ExchangeWish } from '../core/exchange.js'
import type { Scope } from '../core/resource.js'
import { objectOf } from '../service/keys/fields.js'
import { answerJson } from './answer.js'
import { readJsonBody } from './body.js'
import type { Call } from './call.js'
import { passedOn, readWire, withWireNames } from './wire.js'

const wish = objectOf({
  ...{ scopes: passedOn, audience: passedOn, actor: passedOn },
  lifetime_seconds: z.optional(z.number({ error: 'must be a number of seconds' })),
})

/**
 * `POST /tokens`: who calls with a key or a token gets a token that is worth no more; the answer has the members of a token
 * endpoint's (RFC 8693, 2.2.1).
 */
export async function exchangeToken({ keyrung, actor, request }: Call): Promise<Response> {
  if (actor.type !== 'principal') {
    throw new KeyrungError('forbidden', { message: 'This is for API keys: call it with one.' })
  }
  const { lifetime_seconds: seconds, ...rest } = readWire(wish, await readJsonBody(request))
  const input = {
    ...rest,
    ...(seconds !== undefined && { lifetimeMs: seconds * 1000 }),
  } as ExchangeWish<Scope>
  const { token, scopes, expiresAt, issuedAt } = await withWireNames({ lifetime_seconds: 'lifetimeMs' }, () =>
    keyrung.tokens.exchange(actor.principal, input),
  )
  return answerJson(
    {
      access_token: token,
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      expires_in: (expiresAt - issuedAt) / 1000,
      scope: scopes.join(' '),
    },
    201,
  )
}
