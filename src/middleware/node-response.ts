import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { HeaderPairs } from '../http/limit-headers.js'
import type { Answer } from '../http/outcome.js'

/** Sends an answer as it is and ends the response. */
export function sendAnswer(response: ServerResponse, { status, headers, body }: Answer): void {
  response.statusCode = status
  setHeaders(response, Object.entries(headers))
  response.end(body)
}

/** Sets headers in place of those there are; what others have put into `Vary` stays. */
export function setHeaders(
  response: ServerResponse,
  headers: HeaderPairs | readonly (readonly [string, string | string[]])[],
): void {
  for (const [name, value] of headers) {
    if (name === 'vary') addVary(response, String(value))
    else response.setHeader(name, value)
  }
}

/** Adds to `Vary` what is not there yet; what others have put there stays. */
export function addVary(response: ServerResponse, names: string): void {
  const present = response.getHeader('vary')
  if (present === undefined) {
    response.setHeader('vary', names)
    return
  }
  const all = String(present)
  const listed = new Set(all.toLowerCase().split(/[\s,]+/))
  const missing = names.split(', ').filter((name) => !listed.has(name))
  if (missing.length > 0 && !listed.has('*')) response.setHeader('vary', [all, ...missing].join(', '))
}

/** The headers of a web response for Node: each cookie is a header of its own. */
export function headerPairs(headers: Headers): readonly (readonly [string, string | string[]])[] {
  const pairs: [string, string | string[]][] = []
  for (const [name, value] of headers) if (name !== 'set-cookie') pairs.push([name, value])
  const cookies = headers.getSetCookie()
  if (cookies.length > 0) pairs.push(['set-cookie', cookies])
  return pairs
}

/** A web response's body as a Node stream, or null without one. */
export function bodyStream({ body }: Response): Readable | null {
  // The two declarations of web streams, Node's and the DOM's, differ in name only.
  return body === null ? null : Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0])
}

/**
 * Sends a web response, its body as it comes; stops reading it when the client has gone.
 *
 * It rejects if the body breaks off; the connection is then closed, so that the client sees it too.
 */
export async function sendResponse(response: ServerResponse, answer: Response): Promise<void> {
  const body = bodyStream(answer)
  if (response.destroyed) {
    body?.destroy()
    return
  }
  response.statusCode = answer.status
  setHeaders(response, headerPairs(answer.headers))
  if (body === null || response.req.method === 'HEAD') {
    body?.destroy()
    response.end()
    return
  }
  let hasGone = false
  response.once('close', () => (hasGone = !response.writableFinished && !body.errored))
  try {
    await pipeline(body, response)
  } catch (error) {
    if (!hasGone) throw error
  }
}
