import { expect } from 'vitest'
import type { Actor, PrincipalActor, UserActor } from '../../../src/core/actor.js'
import { describeKey } from '../../../src/core/credential.js'
import { defineCatalog } from '../../../src/core/catalog.js'
import { isKeyrungError, KeyrungError } from '../../../src/core/errors.js'
import type { ErrorCode, KeyrungError as KeyrungFault } from '../../../src/core/errors.js'
import { grantOf } from '../../../src/core/grant.js'
import { ladder, ladders } from '../../../src/core/ladder.js'
import { createFingerprints } from '../../../src/crypto/fingerprint.js'
import { readHostSecrets } from '../../../src/crypto/host-secret.js'
import { createKeyFormat } from '../../../src/crypto/key-format.js'
import { createPeppers } from '../../../src/crypto/pepper.js'
import type { Peppers } from '../../../src/crypto/pepper.js'
import { systemEntropy } from '../../../src/crypto/random.js'
import type { Entropy } from '../../../src/crypto/random.js'
import type { AuditAction, AuditEvent } from '../../../src/core/audit.js'
import { parseEvent } from '../../../src/core/audit-record.js'
import type { CredentialRow } from '../../../src/core/key.js'
import type { Lifetime } from '../../../src/core/lifetime.js'
import type { LimitRule } from '../../../src/core/limit.js'
import type { Store } from '../../../src/ports/store.js'
import { readApprovalSettings } from '../../../src/service/approval-settings.js'
import { createMoves } from '../../../src/service/approvals/moves.js'
import type { ServiceContext } from '../../../src/service/context.js'
import { parseKeySettings } from '../../../src/service/key-settings.js'
import type { KeySettingsOptions } from '../../../src/service/key-settings.js'
import { readWebhookSettings } from '../../../src/service/webhook-settings.js'
import { createWebhookSecrets } from '../../../src/crypto/webhook-secret.js'
import { createKeys } from '../../../src/service/keys.js'
import type { Keys } from '../../../src/service/keys.js'
import { memoryStore } from '../../../src/stores/memory.js'
import { manualClock } from '../../../src/testing/manual-clock.js'
import type { ManualClock } from '../../../src/testing/manual-clock.js'
import type { MakeStore } from './stores.js'

export const catalog = defineCatalog({
  resources: {
    contacts: { ladder: ladders.crud },
    email: { ladder: ladders.communication },
    forms: { ladder: [ladders.crud, ladder('send-approval', 'send')] },
    users: { ladder: ladder('read') },
  },
  renamed: { people: 'contacts' },
})

export const hourMs = 3_600_000
export const dayMs = 24 * hourMs

/** The administrator of workspace `ws`. */
export const admin: UserActor = { type: 'user', id: 'ann', workspaceId: 'ws', role: 'admin' }
export const otherAdmin: UserActor = { type: 'user', id: 'zoe', workspaceId: 'other', role: 'admin' }
export const host: Actor = { type: 'system', name: 'nightly', workspaceId: 'ws' }

export type Scopes = 'full' | readonly string[]

export interface WorldOptions {
  readonly settings?: KeySettingsOptions
  readonly store?: MakeStore
  readonly entropy?: Entropy
  readonly peppers?: Peppers
  readonly sinkNames?: readonly string[]
  /** The members of `ws`, by user; left out: no directory. */
  readonly members?: Record<string, { role: string; scopes: Scopes }>
}

export interface World {
  readonly keys: Keys<typeof catalog>
  readonly context: ServiceContext
  readonly clock: ManualClock
  readonly store: Store
  readonly members: Map<string, { role: string; scopes: Scopes }>
  readonly plan: {
    access: boolean
    ceiling: Scopes | null
    maxKeys: number | null
    limits?: readonly LimitRule[]
    lifetime?: Lifetime
  }
  /** How often a change was waited out. */
  settled: number
  /** The change events of `ws`; those of one millisecond in any order. */
  events(): Promise<AuditEvent[]>
  /** The only event of its kind. */
  event(action: AuditAction): Promise<AuditEvent>
  /** What a credential check finds for a secret. */
  credential(secret: string): Promise<CredentialRow | undefined>
  /** Whether a credential check would let a secret through now. */
  works(secret: string): Promise<boolean>
  /** A principal as a credential check makes it. */
  principal(secret: string, address?: string): Promise<PrincipalActor>
}

/** A key service on a store, with a clock that stands still and rights that a test sets. */
export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const clock = manualClock()
  const store = options.store ? await options.store(clock) : memoryStore({ clock })
  const keyFormat = createKeyFormat({ prefix: 'tp', environments: ['live', 'test'] })
  const members = new Map(Object.entries(options.members ?? {}))
  const plan: World['plan'] = { access: true, ceiling: null, maxKeys: null }
  const compile = (scopes: Scopes) => grantOf(catalog, scopes)
  const context: ServiceContext = {
    catalog,
    store,
    clock,
    entropy: options.entropy ?? systemEntropy,
    keyFormat,
    peppers: options.peppers ?? createPeppers('none'),
    keySettings: parseKeySettings(options.settings ?? {}, keyFormat.environments),
    rights: {
      hasDirectory: options.members !== undefined,
      ofUser(userId, workspaceId) {
        const member = workspaceId === 'ws' ? members.get(userId) : undefined
        return member ? { role: member.role, grant: compile(member.scopes) } : null
      },
      ofWorkspace: () => ({
        access: plan.access,
        ceiling: plan.ceiling === null ? null : compile(plan.ceiling),
        maxKeys: plan.maxKeys,
        limits: plan.limits ?? [],
        lifetime: plan.lifetime ?? {},
      }),
    },
    limits: { counted: true, forget: () => undefined, standings: {} as never },
    usageSettings: { counts: true, retentionDays: 90 },
    flushUsage: () => Promise.resolve(),
    settle: async () => void world.settled++,
    sinkNames: options.sinkNames ?? [],
    notify: () => undefined,
    webhookSettings: readWebhookSettings(undefined, []),
    webhookSecrets: createWebhookSecrets(readHostSecrets('a secret of the tests, of 32 characters')),
    approvalSettings: readApprovalSettings(undefined, null, []),
    sealer: null,
    fingerprints: createFingerprints(null),
    moves: createMoves(clock),
  }
  const world: World = {
    keys: createKeys<typeof catalog>(context),
    context,
    clock,
    store,
    members,
    plan,
    settled: 0,
    async events() {
      const records = await store.listEvents({ workspaceId: 'ws', limit: 1_000 })
      return records.map(parseEvent)
    },
    async event(action) {
      const found = (await world.events()).filter((event) => event.action === action)
      expect(found).toHaveLength(1)
      return found[0]!
    },
    async credential(secret) {
      return store.findCredential(context.peppers.current.digest(secret))
    },
    async works(secret) {
      const row = await world.credential(secret)
      const now = clock.now()
      const ends = [row?.secret.endsAt ?? Infinity, row?.key.expiresAt ?? Infinity]
      return row?.key.status === 'active' && now < Math.min(...ends) && now >= (row.key.notBefore ?? 0)
    },
    async principal(secret, address) {
      const { key, secret: held } = (await world.credential(secret))!
      const scopes = key.scopes === '' ? [] : key.scopes.split(' ')
      return { type: 'principal', principal: describeKey(key, held.id, address ?? null, scopes) }
    },
  }
  return world
}

/** A custom key for `ws`, by its administrator. */
export async function makeKey(world: World, input: Record<string, unknown> = {}) {
  return world.keys.create(admin, { name: 'CI', scopes: ['contacts:write'], ...input } as never)
}

/** The error a call throws, which has to be one of keyrung's own with this code. */
export async function refusal(call: Promise<unknown>, code: ErrorCode): Promise<KeyrungFault> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(KeyrungError)
  expect((error as KeyrungFault).code).toBe(code)
  return error as KeyrungFault
}

/** What a call came to, in one word: `ok`, or the code it was refused with. */
export async function outcome(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'ok',
    (error: unknown) => (isKeyrungError(error) ? error.code : String((error as Error).stack)),
  )
}
