import type { Actor } from '../../src/core/actor.js'
import type { KeyRecord, KeySecretRecord } from '../../src/core/key.js'
import type { Entropy } from '../../src/crypto/random.js'
import type { AuditEvent, KeyAction } from '../../src/core/audit.js'
import type { AuditSink } from '../../src/ports/audit-sink.js'
import type { Change } from '../../src/ports/change.js'
import type { Store } from '../../src/ports/store.js'
import type { Notice } from '../../src/service/notice.js'
import { changeEvent } from '../../src/service/outbox.js'
import type { ChangeMade } from '../../src/service/outbox.js'

/** 2026-01-01, where a manual clock starts. */
export const start = 1_767_225_600_000

export const admin: Actor = { type: 'user', id: '42', workspaceId: 'acme', role: 'admin' }

/** Bytes that count up, so that no two ids are the same and a run can be repeated. */
export function countingEntropy(): Entropy {
  let next = 0
  return (length) => {
    const bytes = new Uint8Array(length)
    let rest = next++
    for (let i = length - 1; i >= 0; i--) {
      bytes[i] = rest % 256
      rest = Math.floor(rest / 256)
    }
    return bytes
  }
}

type KeyChange = Extract<ChangeMade, { readonly action: KeyAction }>

export const created: KeyChange = {
  actor: admin,
  action: 'key.created',
  target: { id: 'key_1', name: 'CI' },
  before: null,
  after: {
    name: 'CI',
    mode: 'custom',
    scopes: ['contacts:read'],
    status: 'active',
    expiresAt: null,
    notBefore: null,
    addressRules: [],
    ownerId: null,
    limits: null,
    webhook: null,
  },
}

/** Commits so many change events, one a commit as changes are, and answers their ids in order. */
export async function commitEvents(
  store: Store,
  count: number,
  options: { sinkNames: readonly string[]; at: number; entropy: Entropy; made?: Partial<KeyChange> },
): Promise<string[]> {
  const ids: string[] = []
  for (let i = 0; i < count; i++) {
    const changes = changeEvent(options, { ...created, ...options.made }, options.at + i)
    const result = await store.commit(changes)
    if (!result.ok) throw new Error(result.why)
    ids.push(eventIdOf(changes))
  }
  return ids
}

export function eventIdOf(changes: readonly Change[]): string {
  const [first] = changes
  if (first?.do !== 'insert' || first.type !== 'event') throw new Error('no event')
  return first.record.id
}

/** A sink that does as it is told and remembers what it took. */
export interface ScriptedSink extends AuditSink {
  readonly taken: AuditEvent[][]
  /** What the next writes do; by default they are taken. */
  act: (events: readonly AuditEvent[]) => void | Promise<void>
}

export function scriptedSink(name: string): ScriptedSink {
  const sink: ScriptedSink = {
    name,
    taken: [],
    act: () => undefined,
    async write(events) {
      await sink.act(events)
      sink.taken.push([...events])
    },
  }
  return sink
}

export function idsOf(sink: ScriptedSink): string[] {
  return sink.taken.flat().map((event) => event.id)
}

/** Collects notices. */
export function noticeLog(): { readonly notices: Notice[]; readonly notify: (notice: Notice) => void } {
  const notices: Notice[] = []
  return { notices, notify: (notice) => void notices.push(notice) }
}

export const never = (): Promise<never> => new Promise(() => undefined)

export function keyRecord(changes: Partial<KeyRecord> = {}): KeyRecord {
  return {
    id: 'key_1',
    workspaceId: 'acme',
    version: 1,
    name: 'CI',
    nameSearch: 'ci',
    environment: 'live',
    mode: 'custom',
    scopes: 'contacts:read deals:write',
    status: 'active',
    revokedAt: null,
    revokedBy: null,
    revokedReason: null,
    expiresAt: null,
    notBefore: null,
    addressRules: '',
    metadata: '{}',
    ownerId: null,
    createdBy: 'user:42',
    createdAt: start,
    updatedAt: start,
    limits: null,
    revocations: 0,
    webhook: null,
    ...changes,
  }
}

export function secretRecord(changes: Partial<KeySecretRecord> = {}): KeySecretRecord {
  return {
    id: 'sec_1',
    keyId: 'key_1',
    workspaceId: 'acme',
    version: 1,
    digest: 'd'.repeat(32),
    hostSecretId: 'none',
    lastFour: 'wxyz',
    createdAt: start,
    endsAt: null,
    ...changes,
  }
}
