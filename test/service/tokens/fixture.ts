import type { ExchangeWish } from '../../../src/core/exchange.js'
import type { Principal } from '../../../src/core/principal.js'
import type { KeyrungOptions } from '../../../src/service/options.js'
import type { ExchangedToken } from '../../../src/service/tokens/exchange.js'
import { admin, sample } from '../sample.js'
import type { catalog, SampleScope } from '../sample.js'

export const tokens = { issuer: 'https://api.example.com', audience: 'api' } as const

/** A keyrung with access tokens, and one key in it. */
export async function openTokens(
  scopes: readonly string[] = ['contacts:write', 'email:send-approval'],
  options: Partial<KeyrungOptions<typeof catalog>> = {},
) {
  const { keyrung, clock, notices } = sample({ tokens, ...options })
  await keyrung.ready({ migrate: true })
  const made = await keyrung.keys.create(admin, { name: 'agent', scopes: scopes as never })

  async function principalOf(credential: string): Promise<Principal> {
    const known = await keyrung.authenticate(credential)
    if (!known.ok) throw new Error(known.code)
    return known.principal
  }

  /** Exchanges a key's secret, or a token. */
  async function exchange(credential: string, wish?: ExchangeWish<SampleScope>): Promise<ExchangedToken> {
    return keyrung.tokens.exchange(await principalOf(credential), wish)
  }

  /** What comes of a request for a permission with a credential. */
  async function ask(credential: string, permission: string): Promise<string> {
    const authorization = [`Bearer ${credential}`]
    const admission = await keyrung.admit({ authorization }, keyrung.demand(permission as never))
    return admission.ok ? 'allow' : admission.code
  }

  return { keyrung, clock, notices, ...made, principalOf, exchange, ask }
}
