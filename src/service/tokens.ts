import type { AnyCatalog, ScopeOf } from '../core/catalog.js'
import type { ExchangeWish } from '../core/exchange.js'
import type { Principal } from '../core/principal.js'
import type { Jwks } from '../crypto/jwks.js'
import type { ExchangedToken } from './tokens/exchange.js'

/** Access tokens: short-lived, signed, and never worth more than the key that they come from. */
export interface Tokens<C extends AnyCatalog = AnyCatalog> {
  /** Says whether a credential claims to be an access token of this host; nothing about it is verified. */
  looksLike(credential: string): boolean
  /**
   * Exchanges a key or a token for a token that is worth less, or as much (RFC 8693), for a sub-agent say.
   *
   * It dies with the secret that it comes from, and is cut by what its key may do at the time it is used. The exchange is
   * charged to the limits of its key and leaves an audit event.
   *
   * @throws `config_invalid` without `tokens`; `input_invalid` for a wish that is malformed, lives longer than the host
   *   allows, or makes the chain of actors too long; `beyond_own_rights` for scopes or an audience that the parent has not,
   *   or where the key's owner has left or plan and owner leave it nothing; `not_entitled` without API access; `limited`; why
   *   the parent is no longer accepted; `conflict` where the key is changed all the time; `hook_failed`; `store_unavailable`
   * @example
   * ```ts
   * const caller = await keyrung.authenticate(secret)
   * if (!caller.ok) throw new Error(caller.code)
   * const { token } = await keyrung.tokens.exchange(caller.principal, {
   *   scopes: ['contacts:read'],
   *   actor: 'researcher',
   *   lifetimeMs: 60_000,
   * })
   * ```
   */
  exchange(principal: Principal, wish?: ExchangeWish<ScopeOf<C>>): Promise<ExchangedToken>
  /**
   * The public keys by which other services verify tokens (RFC 7517, 5).
   *
   * @throws `config_invalid` without `tokens`; `store_unavailable`
   */
  jwks(): Promise<Jwks>
  /** How long the public keys may be cached, in milliseconds. */
  readonly jwksCacheMs: number
}
