import * as z from 'zod/mini'
import { invalid, isKeyrungError, KeyrungError } from '../core/errors.js'
import { objectOf } from '../service/keys/fields.js'
import type { Keys } from '../service/keys.js'
import { createKeyInputs } from '../service/keys/input.js'
import type { KeyFields, KeyInputs } from '../service/keys/input.js'
import type { ListKeysInput } from '../service/keys/list.js'
import type { EditOptions, RotateInput } from '../service/keys/options.js'
import type { KeyView } from '../service/keys/view.js'
import { answerJson, answerNothing } from './answer.js'
import { readJsonBody } from './body.js'
import { keyBody } from './key-body.js'
import { limitsField, toLimits } from './limits.js'
import { limitOf, parametersOf, readQuery } from './query.js'
import type { Call } from './call.js'
import { nullableTimeField, parseTimestamp, timeField } from './timestamp.js'
import { formatVersionTag, readVersionTag, passedOn, readWire, readWireFor, withWireNames } from './wire.js'

const names = {
  expires_at: 'expiresAt',
  not_before: 'notBefore',
  address_rules: 'addressRules',
  owner_id: 'ownerId',
  grace_seconds: 'graceMs',
  window_seconds: 'windowMs',
} as const

const shared = {
  ...{ name: passedOn, mode: passedOn, scopes: passedOn, metadata: passedOn },
  ...{ address_rules: passedOn, owner_id: passedOn, webhook: passedOn },
  expires_at: z.optional(nullableTimeField),
  not_before: z.optional(nullableTimeField),
  limits: z.optional(limitsField),
}
const creation = objectOf({ ...shared, environment: passedOn })
const edition = objectOf(shared)
const reasoned = objectOf({ reason: passedOn })
const mass = objectOf({ owner_id: passedOn, reason: passedOn })
const rotation = objectOf({
  reason: passedOn,
  grace_seconds: z.optional(
    z.custom<number>((value) => Number.isSafeInteger(value) && (value as number) >= 0, {
      error: 'must be whole seconds, 0 or more',
    }),
  ),
})
const listing = parametersOf({
  ...{ status: passedOn, text: passedOn, cursor: passedOn, limit: passedOn },
  ...{ owner_id: passedOn, created_by: passedOn },
  expires_before: z.optional(timeField),
})

/** `POST /keys`: 201 with the secret, which is shown this once; 200 without it for a repetition. */
export async function createKey({ keyrung, actor, request, origin }: Call): Promise<Response> {
  const body = await readWireFor(creation, await readJsonBody(request), names, (sound) =>
    inputsOf(keyrung).create(toInput(sound), 0),
  )
  const input = toInput(body) as unknown as Parameters<Keys['create']>[1]
  const idempotencyKey = readIdempotencyKey(request)
  const made = await withWireNames({ ...names, 'Idempotency-Key': 'idempotencyKey' }, () =>
    keyrung.keys.create(actor, input, { ...origin, idempotencyKey }),
  )
  const { key, secret, webhookSecret } = made
  const answer = { key: keyBody(key), secret, webhook_secret: webhookSecret }
  return answerJson(answer, secret === null ? 200 : 201, {
    etag: formatVersionTag(key.version),
  })
}

/** `GET /keys`. */
export async function listKeys({ keyrung, actor, request }: Call): Promise<Response> {
  const { limit, owner_id, created_by, expires_before, ...filters } = readWire(listing, readQuery(request))
  const input = {
    ...{ ...filters, limit: limitOf(limit), ownerId: owner_id, createdBy: created_by },
    expiresBefore: parseTimestamp(expires_before),
  } as ListKeysInput
  const wireNames = { owner_id: 'ownerId', created_by: 'createdBy', expires_before: 'expiresBefore' }
  const { keys, next } = await withWireNames(wireNames, () => keyrung.keys.list(actor, input))
  return answerJson({ keys: keys.map(keyBody), next })
}

/** `GET /keys/:id`. */
export async function getKey({ keyrung, actor, id }: Call): Promise<Response> {
  return answerKey(await keyrung.keys.get(actor, id))
}

/** `PATCH /keys/:id`, with the version it was read at in `If-Match`. */
export async function editKey({ keyrung, actor, id, request, origin }: Call): Promise<Response> {
  const body = await readWireFor(edition, await readJsonBody(request), names, (sound) =>
    inputsOf(keyrung).edit(toInput(sound), anyKey, 0),
  )
  const input = toInput(body) as Parameters<Keys['edit']>[2]
  const options = { version: readVersionTag(request.headers.get('if-match')), ...origin } as EditOptions
  const key = await withWireNames({ ...names, 'If-Match': 'version' }, () =>
    keyrung.keys.edit(actor, id, input, options),
  ).catch((error: unknown) => {
    // On the wire a version is an entity tag, as the code's usual text says.
    throw isKeyrungError(error) && error.code === 'version_required' ? new KeyrungError(error.code) : error
  })
  return answerKey(key)
}

/** `POST /keys/:id/rotate`: the new secret is shown this once. */
export async function rotateKey({ keyrung, actor, id, request, origin }: Call): Promise<Response> {
  const input = toRotation(readWire(rotation, await readJsonBody(request)))
  const { key, secret } = await withWireNames(names, () => keyrung.keys.rotate(actor, id, input, origin))
  return answerJson({ key: keyBody(key), secret }, 200, { etag: formatVersionTag(key.version) })
}

/** `POST /keys/:id/rotate-webhook`: what its webhook is signed with from now on is shown this once. */
export async function rotateKeyWebhook({ keyrung, actor, id, request, origin }: Call): Promise<Response> {
  const input = toRotation(readWire(rotation, await readJsonBody(request)))
  const { key, webhookSecret } = await withWireNames(names, () =>
    keyrung.keys.rotateWebhook(actor, id, input, origin),
  )
  const etag = formatVersionTag(key.version)
  return answerJson({ key: keyBody(key), webhook_secret: webhookSecret }, 200, { etag })
}

/** `POST /keys/:id/revoke`. */
export async function revokeKey({ keyrung, actor, id, request, origin }: Call): Promise<Response> {
  const { reason } = readWire(reasoned, await readJsonBody(request))
  return answerKey(await keyrung.keys.revoke(actor, id, toReason(reason), origin))
}

/** `POST /keys/revoke-all`: every key of one user. */
export async function revokeAllKeys({ keyrung, actor, request, origin }: Call): Promise<Response> {
  const { owner_id, reason } = readWire(mass, await readJsonBody(request))
  const input = { ownerId: owner_id as string, ...toReason(reason) }
  return answerJson(await withWireNames(names, () => keyrung.keys.revokeAll(actor, input, origin)))
}

/** `POST /keys/:id/activate`. */
export async function activateKey({ keyrung, actor, id, request, origin }: Call): Promise<Response> {
  const { reason } = readWire(reasoned, await readJsonBody(request))
  return answerKey(await keyrung.keys.activate(actor, id, toReason(reason), origin))
}

/** `DELETE /keys/:id`. */
export async function deleteKey({ keyrung, actor, id, request, origin }: Call): Promise<Response> {
  const { reason } = readWire(reasoned, await readJsonBody(request))
  await keyrung.keys.delete(actor, id, toReason(reason), origin)
  return answerNothing()
}

/** The service's own readers of inputs, for what they have to say beside the wire's faults. */
function inputsOf({ catalog, keyFormat }: Call['keyrung']): KeyInputs {
  return createKeyInputs(catalog, keyFormat.environments)
}

/** A key that any edit fits. */
const anyKey: KeyFields = {
  ...{ name: 'any', environment: '', mode: 'custom', scopes: '', expiresAt: null, notBefore: null },
  ...{ addressRules: '', metadata: '{}', ownerId: null, limits: null, webhook: null },
}

function answerKey(key: KeyView): Response {
  return answerJson({ key: keyBody(key) }, 200, { etag: formatVersionTag(key.version) })
}

function toReason(reason: unknown): { reason?: string } {
  return reason === undefined ? {} : { reason: reason as string }
}

function toRotation({ reason, grace_seconds: grace }: z.output<typeof rotation>): RotateInput {
  return { ...toReason(reason), ...(grace === undefined ? {} : { graceMs: grace * 1_000 }) }
}

/** The members by their names inside; times and windows as milliseconds. */
function toInput(body: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const input: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(body)) {
    const isTime = name === 'expires_at' || name === 'not_before'
    const read =
      name === 'limits' ? toLimits(value) : isTime && value !== null ? parseTimestamp(value) : value
    input[names[name as keyof typeof names] ?? name] = read
  }
  return input
}

/**
 * Reads the idempotency key of a request.
 *
 * @throws KeyrungError `input_invalid` if there is a comma, by which `Headers` joins two values
 */
function readIdempotencyKey(request: Request): string | undefined {
  const value = request.headers.get('idempotency-key')
  if (!value?.includes(',')) return value ?? undefined
  const message = 'must be there once, without a comma'
  throw invalid('input_invalid', [{ path: 'Idempotency-Key', message }])
}
