import Database from 'better-sqlite3'
import { defineCatalog } from '../../src/core/catalog.js'
import type { ScopeOf } from '../../src/core/catalog.js'
import { ladder, ladders } from '../../src/core/ladder.js'
import type { CredentialRow } from '../../src/core/key.js'
import type { Principal } from '../../src/core/principal.js'
import type { MaybePromise } from '../../src/core/maybe-promise.js'
import type { Entitlement } from '../../src/core/entitlement.js'
import type { Store } from '../../src/ports/store.js'
import { createKeyrung } from '../../src/service/create-keyrung.js'
import type { HttpOptions } from '../../src/service/http-settings.js'
import type { CreateKeyInput } from '../../src/service/keys/input.js'
import type { Keyrung } from '../../src/service/keyrung.js'
import type { LimitOptions } from '../../src/service/limit-settings.js'
import type { Limit } from '../../src/core/limit.js'
import type { TokenOptions } from '../../src/service/token-settings.js'
import type { Notice } from '../../src/service/notice.js'
import type { Clock } from '../../src/ports/clock.js'
import { memoryStore } from '../../src/stores/memory.js'
import { sqliteStore } from '../../src/stores/sqlite.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import type { ManualClock } from '../../src/testing/manual-clock.js'
import { watchedLimits } from '../service/meter-sample.js'
import type { WatchedLimits } from '../service/meter-sample.js'

/** What the hosts of these tests protect. */
export const catalog = defineCatalog({
  resources: {
    contacts: { ladder: ladders.crud },
    email: { ladder: ladders.communication },
    users: { ladder: ladder('read') },
  },
  renamed: { people: 'contacts' },
})

/** The host itself, which may do everything in its one workspace. */
export const operator = { type: 'system', name: 'test', workspaceId: 'ws_1' } as const

/** How a host is set up, where it differs from the usual. */
export interface HostSetup {
  readonly http?: HttpOptions
  /** What each key may do by default. */
  readonly keyLimits?: readonly Limit[]
  readonly limits?: Omit<LimitOptions, 'store'>
  readonly tokens?: TokenOptions
  /** Units are counted somewhere that is asked by promises. */
  readonly isCountedElsewhere?: boolean
  /** The host is not made ready. */
  readonly isStarting?: boolean
  /** The role of every user. @defaultValue `'member'` */
  readonly role?: string
  /** The size of headers that the host's server takes, in bytes. */
  readonly maxHeaderSize?: number
}

/** One keyrung with what is needed to look at it from outside. */
export interface Host {
  readonly keyrung: Keyrung<typeof catalog>
  readonly clock: ManualClock
  /** Where units are counted. */
  readonly counted: WatchedLimits
  readonly notices: Notice[]
  /** Names of the handlers that have run, in order. */
  readonly ran: string[]
  /** Every secret there is: none of them may be seen anywhere. */
  readonly secrets: string[]
  /** Whom the handlers found as their callers, in order. */
  readonly callers: Principal[]
  /** How often the store was asked for a credential. */
  lookups: number
  /** Instead of asking the store, if set. */
  fault: ((digest: string) => MaybePromise<CredentialRow | undefined>) | undefined
  /** What the plans say; every user may read contacts, and no more. */
  plan: () => MaybePromise<Entitlement<ScopeOf<typeof catalog>> | null>
  /** Makes a key with these scopes and answers its id and its secret. */
  makeKey(
    scopes: readonly ScopeOf<typeof catalog>[] | 'full',
    more?: Partial<Omit<CreateKeyInput<string, 'live'>, 'mode' | 'scopes'>>,
  ): Promise<{ readonly id: string; readonly secret: string }>
}

/** What hosts keep their keys in; `promises` is the memory store with answers that come later. */
export const storeKinds = ['memory', 'promises', 'sqlite'] as const

/** One of them. */
export type StoreKind = (typeof storeKinds)[number]

function makeStore(kind: StoreKind, clock: Clock): Store {
  if (kind !== 'sqlite') return memoryStore({ clock })
  const database = new Database(':memory:')
  const store = sqliteStore({ database, clock })
  return {
    ...store,
    async close() {
      await store.close()
      database.close()
    },
  }
}

/** Builds keyrung at a standing clock; a durable store has still to be made ready. */
export function createHost(setup: HostSetup, kind: StoreKind): Host {
  const clock = manualClock()
  const notices: Notice[] = []
  const secrets: string[] = []
  const store = makeStore(kind, clock)
  const watched: Store = {
    ...store,
    ...(kind === 'promises' && { freshness: 'strict', synchronous: false }),
    findCredential: (digest) => {
      host.lookups += 1
      return host.fault ? host.fault(digest) : store.findCredential(digest)
    },
    findCredentials: async (digests) => {
      host.lookups += 1
      if (!host.fault) return store.findCredentials(digests)
      const row = await host.fault(digests[0]!)
      return row ? [row] : []
    },
  }
  const counted = watchedLimits(clock)
  if (setup.isCountedElsewhere) counted.delay = () => Promise.resolve()
  const keyrung = createKeyrung({
    catalog,
    clock,
    store: setup.isStarting ? { ...watched, durable: true } : watched,
    secret: 'a secret of the host, long enough to be one',
    keys: { prefix: 'tp', environments: ['live'], ...(setup.keyLimits && { limits: setup.keyLimits }) },
    limits: { store: counted, ...setup.limits },
    notify: (notice) => void notices.push(notice),
    ...(setup.http && { http: setup.http }),
    ...(setup.tokens && { tokens: setup.tokens }),
    directory: { rightsOf: () => ({ role: setup.role ?? 'member', scopes: ['contacts:read'] }) },
    entitlements: { of: () => host.plan() },
  })
  const host: Host = {
    keyrung,
    counted,
    clock,
    notices,
    secrets,
    ran: [],
    callers: [],
    lookups: 0,
    fault: undefined,
    plan: () => ({ access: true }),
    async makeKey(scopes, more = {}) {
      const rights = scopes === 'full' ? { mode: 'full' as const } : { scopes }
      const { key, secret } = await keyrung.keys.create(operator, { name: 'test', ...more, ...rights })
      secrets.push(secret)
      return { id: key.id, secret }
    },
  }
  return host
}
