import type { Actor } from '../core/actor.js'
import { KeyrungError } from '../core/errors.js'
import { clientAddress } from '../net/client-address.js'
import type { FetchContext } from '../http/fetch-handler.js'
import { answerSource } from '../http/outcome.js'
import type { Answer } from '../http/outcome.js'
import { lacksScheme, missingScheme, readCredential } from '../service/credential.js'
import type { AnyCatalog } from '../core/catalog.js'
import type { Keyrung } from '../service/keyrung.js'
import { hookFailed, hookMisanswered } from '../service/hook-failure.js'
import { parseActor } from '../service/management.js'
import { errorWord } from '../service/time-limit.js'

/**
 * The host's word on who is signed in; null for nobody. The second argument is the framework's own object for the
 * request, with its session: Express's request, Koa's context; undefined where a host of `fetch` passes none.
 */
export type ActorHook<Native = unknown> = (
  request: Request,
  native: Native,
) => Actor | null | Promise<Actor | null>

/**
 * Finds out who is calling: the key that was presented, or whoever the host says is signed in. A source that has
 * presented too many credentials that are not valid is answered with how long it has to wait.
 *
 * A bearer credential that looks neither like a key of this host nor like one of its access tokens is left to the host, whose own tokens may come in
 * the same header.
 *
 * @throws `actor_missing`, `hook_failed`, and the codes of a credential that is refused
 */
export async function findActor(
  keyrung: Keyrung<AnyCatalog>,
  hook: ActorHook,
  request: Request,
  { native }: FetchContext,
  address: string | undefined,
): Promise<{ readonly actor: Actor } | { readonly answer: Answer }> {
  const { http, keyFormat } = keyrung
  const valuesOf = (name: string): string[] => {
    const value = request.headers.get(name)
    return value === null ? [] : [value]
  }
  const bare = http.credentialHeader === null ? [] : valuesOf(http.credentialHeader)
  const looksLike = (text: string) => keyFormat.looksLike(text) || keyrung.tokens.looksLike(text)
  const presented = readCredential(valuesOf('authorization'), bare)
  const isKey = presented.ok
    ? bare.length > 0 || looksLike(presented.secret)
    : presented.code === 'credential_repeated'
  if (
    !presented.ok &&
    lacksScheme(valuesOf('authorization'), bare) &&
    looksLike(valuesOf('authorization')[0]!)
  ) {
    throw new KeyrungError('credential_invalid', { message: missingScheme })
  }
  if (!isKey) return { actor: await askHost(hook, request, native) }
  if (!presented.ok) throw new KeyrungError(presented.code)
  const known = await keyrung.authenticate(presented.secret, address === undefined ? {} : { ip: address })
  if (!known.ok && known.code === 'limited') return { answer: answerSource(http, known.limits) }
  if (!known.ok) throw new KeyrungError(known.code)
  return { actor: { type: 'principal', principal: known.principal } }
}

/** The caller's address, behind the host's own proxies. */
export function addressOf(
  { http }: Pick<Keyrung, 'http'>,
  { headers }: Request,
  { peer }: FetchContext,
): string | undefined {
  const valuesOf = (name: string): string[] => {
    const value = headers.get(name)
    return value === null ? [] : [value]
  }
  const sources = { peer, forwarded: valuesOf('forwarded'), xForwardedFor: valuesOf('x-forwarded-for') }
  return clientAddress(sources, http.trustedProxies, http.forwardedHeader)
}

async function askHost(hook: ActorHook, request: Request, native: unknown): Promise<Actor> {
  let actor: Actor | null
  try {
    actor = await hook(request, native)
  } catch (error) {
    throw hookFailed('actor', `threw ${errorWord(error)}`, error)
  }
  if (actor === null || actor === undefined) throw new KeyrungError('actor_missing')
  try {
    return parseActor(actor)
  } catch (error) {
    // What the host's code got wrong is no fault of the end user's.
    throw hookMisanswered('actor', error)
  }
}
