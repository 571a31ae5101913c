import { approvalStatuses, hasEnded } from '../core/approval.js'
import type { ApprovalOutcome, ApprovalStatus } from '../core/approval.js'
import { errorTexts, KeyrungError } from '../core/errors.js'
import type { ErrorCode } from '../core/errors.js'

/** How an approval is followed. */
export interface ApprovedOptions {
  /** Sent along each time: the credential above all, as it was with the request itself. */
  readonly headers?: Readonly<Record<string, string>>
  /** Where the approval is found, where the answer does not tell, or tells another origin. */
  readonly url?: string | URL
  /** Gives up when it is aborted. */
  readonly signal?: AbortSignal
  /** Gives up after so many milliseconds, with a `TimeoutError`. @defaultValue never */
  readonly timeoutMs?: number
  /** @defaultValue the global one */
  readonly fetch?: typeof fetch
  /** Waits so many milliseconds between two looks. @defaultValue by a timer */
  readonly sleep?: (ms: number, signal: AbortSignal | undefined) => Promise<void>
}

/** How an approval ended, as the API tells it to the caller. */
export interface EndedApproval {
  readonly id: string
  readonly status: ApprovalStatus
  readonly outcome?: ApprovalOutcome | null
  /** What the human who decided gave as a reason. */
  readonly reason?: string | null
  /** The status with which the request was answered when it was run. */
  readonly result_status?: number | null
  /** What it was answered with. */
  readonly result?: {
    readonly content_type: string | null
    readonly encoding: 'utf8' | 'base64'
    readonly text: string
    readonly truncated?: boolean
  } | null
}

/** How long an answer may be put off at a time, in seconds. */
const waitSeconds = 30
const pauseSeconds = 5
const longestPauseSeconds = 300
const maxBackoffSeconds = 60
/** A request without an answer for this long is sent again. */
const requestTimeoutMs = 90_000
/** Answers of a proxy, a limit or an API in trouble, which say nothing of the approval. */
const isTransient = (status: number): boolean => status >= 500 || [408, 425, 429].includes(status)

/**
 * Waits until a request that was answered with 202 has been decided, and run if it was approved: however that ends, it
 * is returned. Null for any other answer, which had not to wait.
 *
 * @throws KeyrungError the code with which the API refuses to tell; `input_invalid` where it is not known where to ask,
 *   or the answer leads to another origin, to which no credential is sent unasked
 *
 * @example
 * ```ts
 * const headers = { authorization: `Bearer ${secret}` }
 * const body = JSON.stringify({ name: 'Ada' })
 * const response = await fetch('https://crm.example/contacts', { method: 'POST', headers, body })
 * const approval = await approved(response, { headers })
 * if (approval?.status === 'rejected') console.log(approval.reason)
 * ```
 */
export async function approved(
  response: Response,
  options: ApprovedOptions = {},
): Promise<EndedApproval | null> {
  if (response.status !== 202) return null
  const { headers = {}, timeoutMs, fetch = globalThis.fetch, sleep = pause } = options
  const url = options.url ?? whereTo(response)
  const deadline = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs)
  const signal = AbortSignal.any([options.signal, deadline].filter((given) => given !== undefined))
  let failures = 0
  for (;;) {
    signal.throwIfAborted()
    const answer = await ask(fetch, url, headers, signal)
    signal.throwIfAborted()
    if (answer?.ok && isApproval(answer.body)) {
      failures = 0
      if (hasEnded(answer.body.status)) return answer.body
      // An answer that was put off has waited already.
      if (answer.headers.has('preference-applied')) continue
    } else if (answer && !isTransient(answer.status)) throw errorOf(answer.body)
    else failures++
    await sleep(pauseOf(answer?.headers, failures), signal)
  }
}

interface ClientAnswer {
  readonly ok: boolean
  readonly status: number
  readonly headers: Headers
  readonly body: unknown
}

/** Asks once; `undefined` if there was no answer, or it broke off. */
async function ask(
  fetch: typeof globalThis.fetch,
  url: string | URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<ClientAnswer | undefined> {
  try {
    const answer = await fetch(url, {
      headers: { ...headers, accept: 'application/json', prefer: `wait=${waitSeconds}` },
      // Whoever is sent elsewhere would take the credential along.
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]),
    })
    const { ok, status } = answer
    const body: unknown = await answer.json().catch(() => undefined)
    return ok && body === undefined ? undefined : { ok, status, headers: answer.headers, body }
  } catch {
    return undefined
  }
}

function whereTo(response: Response): URL {
  const location = response.headers.get('location')
  const url = location !== null && URL.canParse(location, response.url) && new URL(location, response.url)
  if (!url) throw unfollowed('The answer does not say where its approval is found: pass its url.')
  if (url.origin !== new URL(response.url).origin) {
    throw unfollowed('The answer leads to another origin: pass the url if the credential may be sent there.')
  }
  return url
}

function unfollowed(message: string): KeyrungError {
  return new KeyrungError('input_invalid', { message })
}

function isApproval(value: unknown): value is EndedApproval {
  const { status } = (typeof value === 'object' && value !== null ? value : {}) as { status?: unknown }
  return approvalStatuses.includes(status as ApprovalStatus)
}

function errorOf(body: unknown): KeyrungError {
  const { code } = (typeof body === 'object' && body !== null ? body : {}) as { code?: unknown }
  const isKnown = typeof code === 'string' && Object.hasOwn(errorTexts, code)
  return new KeyrungError(isKnown ? (code as ErrorCode) : 'store_unavailable')
}

/** The pause that the answer asks for, else one that doubles with each failure in a row. */
function pauseOf(headers: Headers | undefined, failures: number): number {
  const given = headers?.get('retry-after') ?? ''
  const backoff = failures === 0 ? pauseSeconds : Math.min(2 ** (failures - 1), maxBackoffSeconds)
  const seconds = /^\d+$/.test(given) ? Number(given) : backoff
  return Math.min(Math.max(seconds, 1), longestPauseSeconds) * 1_000
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(settle, ms)
    signal?.addEventListener('abort', settle, { once: true })
    function settle(): void {
      clearTimeout(timer)
      signal?.removeEventListener('abort', settle)
      if (signal?.aborted) reject(signal.reason as Error)
      else resolve()
    }
  })
}
