import type { ApprovalRecord } from '../../core/approval.js'
import { canonicalJson } from '../../crypto/canonical-json.js'
import { KeyrungError } from '../../core/errors.js'
import type { Json } from '../../core/plain-value.js'
import { fromBase64url, fromUtf8, toBase64url, toUtf8 } from '../../crypto/encoding.js'
import { digestOperation } from '../../crypto/request-digest.js'
import type { Entropy } from '../../crypto/random.js'
import type { Sealer } from '../../crypto/sealer.js'
import type { StoredRequest } from '../replay.js'

/** What was asked for, as it is sealed: a request to be replayed, or the input of a named operation. */
export type AskedContent = AskedRequest | AskedInput

/** A request to be replayed. */
export interface AskedRequest {
  readonly request: StoredRequest
  readonly input: null
  readonly preview: Json
  readonly precondition: string | null
}

/** What a named operation is to be run with. */
export interface AskedInput {
  readonly request: null
  /** Canonical JSON (RFC 8785) in UTF-8. */
  readonly input: Uint8Array
  /** What the operation says it would do. */
  readonly preview: Json
  /** What the operation said of its target when it was queued; null: it says nothing. */
  readonly precondition: string | null
}

/** What was asked for, with the random text that its digest is made with. */
export type SaltedContent = AskedContent & { readonly salt: string }

/** What came of a run, as it is sealed. */
export interface ResultContent {
  readonly contentType: string | null
  readonly body: Uint8Array
  /** True where there was more than is kept. */
  readonly isTruncated: boolean
}

type Place = Pick<ApprovalRecord, 'id' | 'workspaceId'>

/** What an approval is about, and who asks. */
export type Asking = Pick<
  ApprovalRecord,
  | 'workspaceId'
  | 'environment'
  | 'lineage'
  | 'chain'
  | 'tokenScopes'
  | 'address'
  | 'kind'
  | 'app'
  | 'operation'
  | 'permissions'
  | 'effect'
>

const saltBytes = 16

/** Gives what was asked for a salt of its own. */
export function saltContent(content: AskedContent, entropy: Entropy): SaltedContent {
  return { ...content, salt: toBase64url(entropy(saltBytes)) }
}

/** The digest that an approver confirms: over all that would run, and all that is shown of it. */
export function digestAsked(asking: Asking, content: SaltedContent): string {
  const { workspaceId, environment, lineage, chain, tokenScopes, address, kind, app, operation } = asking
  const { salt, request, input, preview, precondition } = content
  return digestOperation({
    ...{ salt, workspaceId, environment, lineage, chain, tokenScopes, address, kind, app, operation },
    ...{ permissions: asking.permissions, effect: asking.effect },
    request,
    body: request === null ? input : request.body,
    preview: preview === null ? null : canonicalJson(preview),
    precondition,
  })
}

/** What the same thing asked for twice may differ in. */
const incidental: ReadonlySet<string> = new Set(['user-agent', 'idempotency-key'])

/**
 * A digest over what a caller wants and how: what it has to ask for again under the same `Idempotency-Key`. Where it asks
 * from, and what the operation says of it meanwhile, may differ.
 */
export function digestSent(asking: Asking, { request, input }: AskedContent): string {
  const { workspaceId, kind, app, operation, permissions } = asking
  return digestOperation({
    ...{ salt: '', workspaceId, environment: '', lineage: '', chain: '', tokenScopes: null, address: null },
    ...{ kind, app, operation, permissions, effect: '', preview: null, precondition: null },
    request: request && {
      ...{ ...request, isRewritten: false },
      headers: request.headers.filter(([name]) => !incidental.has(name)),
    },
    body: request === null ? input : request.body,
  })
}

/** Seals what was asked for, in its approval's place. */
export function sealRequest(sealer: Sealer, approval: Place, content: SaltedContent): Promise<string> {
  const { salt, request, input, preview, precondition } = content
  const kept = {
    salt,
    request: request && { ...request, body: toBase64url(request.body) },
    input: input && toBase64url(input),
    preview,
    precondition,
  }
  return sealer.seal(toUtf8(JSON.stringify(kept)), contentPlace(approval, 'request'))
}

/** @throws KeyrungError `store_unavailable` for what was not sealed here, for this approval */
export async function openRequest(sealer: Sealer, approval: Place, sealed: string): Promise<SaltedContent> {
  const kept = await open<SaltedContent>(sealer, sealed, contentPlace(approval, 'request'))
  const { salt, request, preview, precondition } = kept
  if (request !== null) {
    return { salt, request: { ...request, body: bytesOf(request.body) }, input: null, preview, precondition }
  }
  return { salt, request, input: bytesOf(kept.input), preview, precondition }
}

/** Seals what came of a run, in its approval's place. */
export function sealResult(sealer: Sealer, approval: Place, result: ResultContent): Promise<string> {
  const { contentType, body, isTruncated } = result
  const kept = { contentType, body: toBase64url(body), isTruncated }
  return sealer.seal(toUtf8(JSON.stringify(kept)), contentPlace(approval, 'result'))
}

/** @throws KeyrungError `store_unavailable` for what was not sealed here, for this approval */
export async function openResult(sealer: Sealer, approval: Place, sealed: string): Promise<ResultContent> {
  const { contentType, body, isTruncated } = await open<ResultContent>(
    sealer,
    sealed,
    contentPlace(approval, 'result'),
  )
  return { contentType, body: bytesOf(body), isTruncated }
}

/** Where a part of an approval's content is sealed for; the workspace stands last, as it alone may hold a slash: no two places are one text. */
export function contentPlace({ id, workspaceId }: Place, part: 'request' | 'result'): string {
  return `approval/${id}/${part}/${workspaceId}`
}

/** What the type says to be bytes is still their text in base64url. */
async function open<T>(sealer: Sealer, sealed: string, place: string): Promise<T> {
  // It was sealed under the host's secret, so that nobody else can have given it another form.
  return JSON.parse(fromUtf8(await sealer.open(sealed, place))!) as T
}

function bytesOf(encoded: unknown): Uint8Array {
  const bytes = typeof encoded === 'string' ? fromBase64url(encoded) : undefined
  if (bytes) return bytes
  throw new KeyrungError('store_unavailable', { internal: 'a sealed content has no readable bytes' })
}
