import { KeyrungError } from '../core/errors.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import { toBase64url, toUtf8 } from '../crypto/encoding.js'
import type { Jwks } from '../crypto/jwks.js'
import type { HttpSettings } from '../service/http-settings.js'
import type { Notify } from '../service/notice.js'
import type { FetchHandler } from './fetch-handler.js'
import { answerError, buildResponse } from './outcome.js'

/** Where published keys come from. */
export interface JwksSource {
  readonly tokens: {
    jwks(): MaybePromise<Jwks>
    /** How long they may be cached, in milliseconds. */
    readonly jwksCacheMs: number
  }
  readonly http: HttpSettings
  readonly notify?: Notify
}

/**
 * Makes the handler that publishes the keys access tokens are verified with (RFC 7517, 5), for `/.well-known/jwks.json` or
 * wherever the host likes. Caches may keep them for as long as each key is published before it signs, with room to spare.
 *
 * @example
 * ```ts
 * const publish = jwksHandler(keyrung)
 * const request = new Request('https://api.acme.example/.well-known/jwks.json')
 * const response = await publish(request, { peer: undefined, prefix: '' })
 * ```
 */
export function jwksHandler(keyrung: JwksSource): FetchHandler {
  const { tokens } = keyrung

  async function answer(request: Request): Promise<Response> {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      const refused = buildResponse(answerError(new KeyrungError('method_not_allowed'), keyrung))
      refused.headers.set('allow', 'GET, HEAD')
      return refused
    }
    const body = JSON.stringify(await tokens.jwks())
    const digest = await crypto.subtle.digest('SHA-256', toUtf8(body) as Uint8Array<ArrayBuffer>)
    const etag = `"${toBase64url(new Uint8Array(digest, 0, 16))}"`
    const headers = {
      'content-type': 'application/jwk-set+json',
      'cache-control': `public, max-age=${Math.floor(tokens.jwksCacheMs / 1000)}`,
      etag,
    }
    if (matches(request.headers.get('if-none-match'), etag)) {
      return new Response(null, { status: 304, headers: { 'cache-control': headers['cache-control'], etag } })
    }
    return new Response(request.method === 'HEAD' ? null : body, { headers })
  }

  return async (request) => {
    try {
      return await answer(request)
    } catch (error) {
      return buildResponse(answerError(error, keyrung))
    }
  }
}

/** Compares weakly, as a condition of a GET is (RFC 9110, 13.1.2). */
function matches(condition: string | null, etag: string): boolean {
  if (condition === null) return false
  return condition.split(',').some((part) => ['*', etag, `W/${etag}`].includes(part.trim()))
}
