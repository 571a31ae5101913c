import type {
  ApprovalEffect,
  ApprovalRecord,
  ApprovalStatus,
  VoteRecord,
} from '../../../src/core/approval.js'
import { pendingCounter } from '../../../src/core/approval.js'
import { runLaneOf } from '../../../src/core/approval-edges.js'
import { canonicalJson } from '../../../src/crypto/canonical-json.js'
import { createDemand } from '../../../src/core/demand.js'
import { formatId } from '../../../src/core/id.js'
import type { Json } from '../../../src/core/plain-value.js'
import { KeyrungError } from '../../../src/core/errors.js'
import { fromBase64url, toBase64url, toUtf8 } from '../../../src/crypto/encoding.js'
import type { Sealer } from '../../../src/crypto/sealer.js'
import type { Clock } from '../../../src/ports/clock.js'
import type { Store } from '../../../src/ports/store.js'
import { readApprovalSettings } from '../../../src/service/approval-settings.js'
import type { ApprovalOptions } from '../../../src/service/approval-settings.js'
import { digestAsked, openResult, sealRequest } from '../../../src/service/approvals/content.js'
import type { SaltedContent } from '../../../src/service/approvals/content.js'
import { voteId } from '../../../src/service/approvals/voters.js'
import { createMoves } from '../../../src/service/approvals/moves.js'
import type { ServiceContext } from '../../../src/service/context.js'
import { createDispatchers } from '../../../src/service/dispatchers.js'
import { createExecution } from '../../../src/service/execution.js'
import type { Execution } from '../../../src/service/execution.js'
import type { OperationDefinition, StandardSchema } from '../../../src/service/operation.js'
import { readDefinition } from '../../../src/service/operations/definition.js'
import type { DefinedOperation } from '../../../src/service/operations/definition.js'
import type { Dispatcher, ReplayAnswer, StoredRequest } from '../../../src/service/replay.js'
import { catalog, createWorld, makeKey } from '../keys/fixture.js'
import type { World, WorldOptions } from '../keys/fixture.js'

/** Bound to its place as the real one is, and no more. */
const sealer: Sealer = {
  seal: (bytes, place) => Promise.resolve(`${place} ${toBase64url(bytes)}`),
  open(text, place) {
    const [where, encoded = ''] = text.split(' ')
    const bytes = where === place ? fromBase64url(encoded) : undefined
    return bytes ? Promise.resolve(bytes) : Promise.reject(new KeyrungError('store_unavailable'))
  },
  hostSecretIds: [],
}

/** Takes whatever it is given. */
const anything: StandardSchema<Json> = {
  '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: value as Json }) },
}

/** A world with one key that asks, and what there is to approve. */
export interface ApprovalWorld extends World {
  readonly key: { readonly id: string; readonly secretId: string; readonly name: string }
}

/** Makes a world whose key may write contacts once somebody approves it. */
export async function createApprovalWorld(options: WorldOptions = {}): Promise<ApprovalWorld> {
  const world = await createWorld(options)
  const { key, secret } = await makeKey(world, { scopes: ['contacts:write-approval'] })
  const row = (await world.credential(secret))!
  return Object.assign(world, { key: { id: key.id, secretId: row.secret.id, name: key.name } })
}

/** The context of an instance on the world's store, or on what stands between. */
function contextOf(
  world: World,
  { store = world.store, clock = world.clock as Clock, approvals = {} as ApprovalOptions } = {},
): ServiceContext {
  return {
    ...world.context,
    ...{ store, clock, sealer, moves: createMoves(clock) },
    approvalSettings: readApprovalSettings(approvals, null, []),
  }
}

/** An instance of the host: what it knows, and what it runs. */
export interface InstanceOptions {
  readonly store?: Store
  readonly clock?: Clock
  readonly approvals?: ApprovalOptions
  readonly operations?: Readonly<Record<string, Partial<OperationDefinition<'contacts:write', Json>>>>
  readonly app?: (request: StoredRequest, ...rest: DispatchRest) => Promise<ReplayAnswer> | ReplayAnswer
}

type DispatchRest = Parameters<Dispatcher['dispatch']> extends [unknown, ...infer R] ? R : never

export interface Instance {
  readonly execution: Execution
  readonly context: ServiceContext
  /** One step of each job, at the same time. */
  work(): Promise<void>
}

export function createInstance(world: World, options: InstanceOptions = {}): Instance {
  const context = contextOf(world, options)
  const dispatchers = createDispatchers()
  if (options.app !== undefined) {
    const dispatch = options.app
    dispatchers.attach({ name: 'main', app: {}, dispatch: async (...args) => dispatch(...args) })
  }
  const operations = new Map<string, DefinedOperation>()
  for (const [name, given] of Object.entries(options.operations ?? {})) {
    const definition = { permission: 'contacts:write', input: anything, run: () => null, ...given }
    operations.set(
      name,
      readDefinition(name, definition, context.store.commitWith !== undefined, (permissions, rest) =>
        createDemand(catalog, permissions, rest),
      ),
    )
  }
  const execution = createExecution({
    ...{ context, dispatchers },
    findOperation: (name) => operations.get(name),
    keyrung: () => world,
  })
  return {
    execution,
    context,
    async work() {
      await Promise.all(execution.jobs.map((job) => job.step().catch(() => undefined)))
    },
  }
}

export const request: StoredRequest = {
  method: 'POST',
  target: '/contacts?notify=1',
  pattern: '/contacts',
  scheme: 'https',
  headers: [['content-type', 'application/json']],
  body: toUtf8('{"name":"Ada"}'),
  isRewritten: false,
}

/** What waits to be run. */
export interface Wanted {
  readonly kind?: 'named' | 'replay'
  readonly operation?: string
  readonly effect?: ApprovalEffect
  readonly input?: Json
  readonly precondition?: string | null
  readonly set?: Partial<ApprovalRecord>
}

let count = 0

/** Puts an approval into the store that was approved and waits to be run, or, where `set` says so, for its first vote. */
export async function approved(world: ApprovalWorld, wanted: Wanted = {}): Promise<ApprovalRecord> {
  const { kind = 'named', effect = 'unsafe', input = { id: 7 }, precondition = null, set = {} } = wanted
  const at = world.clock.now()
  const id = formatId(
    'apr',
    at,
    Uint8Array.of(0, 0, 0, 0, 0, 0, count >> 16, count >> 8, count & 255, count++ & 255),
  )
  const salt = 'salt'
  const content: SaltedContent =
    kind === 'replay'
      ? { salt, request, input: null, preview: null, precondition }
      : { salt, request: null, input: toUtf8(canonicalJson(input)), preview: null, precondition }
  const asking = {
    ...{ workspaceId: 'ws', environment: 'live', lineage: world.key.id, chain: '[]', tokenScopes: null },
    address: null,
    ...{ tokenId: null, kind, effect },
    app: kind === 'replay' ? 'main' : '',
    operation: wanted.operation ?? (kind === 'replay' ? 'POST /contacts' : 'contacts.merge'),
    permissions: 'contacts:write',
  }
  const record: ApprovalRecord = {
    ...{ id, version: 1, status: 'approved', lane: runLaneOf(asking), dueAt: at },
    ...{ keyId: world.key.id, secretId: world.key.secretId, keyName: world.key.name, ownerId: null },
    ...{ keyRevocations: 0, ...asking, queued: 'contacts:write', resource: 'contacts' },
    ...{ digest: digestAsked(asking, content), quorum: 1, votes: 1, createdAt: at, expiresAt: at + 1e9 },
    ...{ decidedAt: at, decidedBy: 'user:ann', reason: null, fence: 0, startedAt: null, endedAt: null },
    ...{ outcome: null, resultStatus: null, ...set },
  }
  const vote: VoteRecord = {
    ...{
      id: voteId(id, 0, 'user:ann', { marks: new Set(['user:ann']), isKnown: true }),
      workspaceId: 'ws',
      version: 1,
      approvalId: id,
      keyId: world.key.id,
    },
    ...{ actor: 'user:ann', role: 'admin', secretId: null, at, reason: null },
  }
  const result = await world.store.commit([
    { do: 'insert', type: 'approval', record },
    {
      do: 'insert',
      type: 'approvalContent',
      record: {
        ...{ id, workspaceId: 'ws', version: 1, keyId: world.key.id, result: null },
        request: await sealRequest(sealer, record, content),
      },
    },
    record.status === 'pending'
      ? { do: 'counter', name: pendingCounter(world.key.id), delta: 1, max: null }
      : { do: 'insert', type: 'vote', record: vote },
  ])
  if (!result.ok) throw new Error(`not inserted: ${result.why}`)
  return record
}

/** How an approval stands: `status outcome`. */
export async function standing(world: World, id: string): Promise<string> {
  const { status, outcome } = await read(world, id)
  return outcome === null ? status : `${status} ${outcome}`
}

export async function read(world: World, id: string): Promise<ApprovalRecord> {
  return (await world.store.findApproval('ws', id))!
}

/** The kept result, as text. */
export async function resultOf(world: World, id: string) {
  const content = await world.store.findApprovalContent('ws', id)
  if (!content?.result) return null
  const { body, ...rest } = await openResult(sealer, { id, workspaceId: 'ws' }, content.result)
  return { ...rest, body: new TextDecoder().decode(body) }
}

/** The steps an approval has taken, by its events, oldest first. */
export async function stepsOf(world: World, id: string): Promise<string[]> {
  const events = await world.events()
  return events
    .filter(({ target }) => target.id === id)
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ action }) => action.replace('approval.', ''))
}

/** Changes an approval as a human does who settles an unknown run. */
export async function settle(world: World, id: string, status: ApprovalStatus): Promise<void> {
  const record = await read(world, id)
  const set = { status, lane: runLaneOf(record), dueAt: world.clock.now(), outcome: null }
  const result = await world.store.commit([
    { do: 'update', type: 'approval', id, expectVersion: record.version, set },
  ])
  if (!result.ok) throw new Error(result.why)
}
