import type { ApprovalContentRecord, ApprovalRecord, VoteRecord } from '../../core/approval.js'
import type { EventRecord } from '../../core/audit.js'
import type { DeliveryRecord } from '../../core/delivery.js'
import type { KeyRecord, KeySecretRecord, TombstoneRecord } from '../../core/key.js'
import type {
  Change,
  IdempotencyRecord,
  MessageRecord,
  RecordType,
  Records,
  SettingRecord,
} from '../../ports/change.js'

/** An instant that all records of the suite are made around. */
export const someInstant = 1_767_225_600_000

/** An id of the form the library makes: its order is the order of the numbers. */
export function idOf(kind: string, number: number): string {
  return `${kind}_01kdve${String(number).padStart(20, '0')}`
}

/** A digest that no other number or text has. */
export function digestOf(seed: number | string): string {
  const text = `${seed}`
  // Bytes of every value, 0 and 255 included, as a real digest has them.
  return Array.from({ length: 32 }, (_, i) =>
    i < text.length ? String.fromCharCode(text.charCodeAt(i) & 0xff) : String.fromCharCode((i * 37) % 256),
  ).join('')
}

/** A key, by its number; `fields` replace its own. */
export function makeKey(number: number, fields: Partial<KeyRecord> = {}): KeyRecord {
  return {
    id: idOf('key', number),
    workspaceId: 'ws_1',
    version: 1,
    name: `Key ${number}`,
    nameSearch: `key ${number}`,
    environment: 'live',
    mode: 'custom',
    scopes: 'contacts:write email:send-approval',
    status: 'active',
    revokedAt: null,
    revokedBy: null,
    revokedReason: null,
    expiresAt: null,
    notBefore: null,
    addressRules: '',
    metadata: '{}',
    ownerId: null,
    createdBy: 'user:1',
    createdAt: someInstant + number,
    updatedAt: someInstant + number,
    limits: null,
    revocations: 0,
    webhook: null,
    ...fields,
  }
}

/** A secret of the key with the same number; `fields` replace its own. */
export function makeSecret(number: number, fields: Partial<KeySecretRecord> = {}): KeySecretRecord {
  return {
    id: idOf('sec', number),
    keyId: idOf('key', number),
    workspaceId: 'ws_1',
    version: 1,
    digest: digestOf(number),
    hostSecretId: 'none',
    lastFour: 'aB3z',
    createdAt: someInstant + number,
    endsAt: null,
    ...fields,
  }
}

/** What stays of the key with this number; `fields` replace its own. */
export function makeTombstone(number: number, fields: Partial<TombstoneRecord> = {}): TombstoneRecord {
  return {
    id: idOf('key', number),
    workspaceId: 'ws_1',
    version: 1,
    deletedAt: someInstant + number,
    ...fields,
  }
}

/** A change event, as many milliseconds after the first instant as its number says; `fields` replace its own. */
export function makeEvent(number: number, fields: Partial<EventRecord> = {}): EventRecord {
  return {
    id: idOf('evt', number),
    workspaceId: 'ws_1',
    version: 1,
    at: someInstant + number,
    actor: 'user:1',
    action: 'key.created',
    targetType: 'key',
    targetId: idOf('key', number),
    targetName: `Key ${number}`,
    reason: null,
    requestId: null,
    details: '{"before":null,"after":null,"graceEndsAt":null}',
    ...fields,
  }
}

/** A message for the destination `console`, due at once; `fields` replace its own. */
export function makeMessage(number: number, fields: Partial<MessageRecord> = {}): MessageRecord {
  return {
    id: idOf('msg', number),
    workspaceId: 'ws_1',
    version: 1,
    kind: 'sink',
    destination: 'console',
    payload: '{}',
    createdAt: someInstant,
    dueAt: someInstant,
    attempts: 0,
    ...fields,
  }
}

/** A note of a creation; `fields` replace its own. */
export function makeIdempotency(number: number, fields: Partial<IdempotencyRecord> = {}): IdempotencyRecord {
  return {
    id: `idempotency-${number}`,
    workspaceId: 'ws_1',
    version: 1,
    fingerprint: `asked-${number}`,
    resultId: idOf('key', number),
    expiresAt: someInstant + 86_400_000,
    ...fields,
  }
}

/** A setting; `fields` replace its own. */
export function makeSetting(id: string, fields: Partial<SettingRecord> = {}): SettingRecord {
  return { id, workspaceId: '', version: 1, value: '1', ...fields }
}

/** A pending approval of the key with the same number, as many milliseconds later as its number says. */
export function makeApproval(number: number, fields: Partial<ApprovalRecord> = {}): ApprovalRecord {
  return {
    id: idOf('apr', number),
    workspaceId: 'ws_1',
    version: 1,
    status: 'pending',
    lane: 'pending',
    dueAt: someInstant + 604_800_000,
    keyId: idOf('key', number),
    secretId: idOf('sec', number),
    keyName: `Key ${number}`,
    environment: 'live',
    lineage: idOf('key', number),
    chain: '[]',
    tokenId: null,
    tokenScopes: null,
    ownerId: null,
    address: null,
    keyRevocations: 0,
    kind: 'replay',
    operation: 'POST /contacts',
    app: 'main',
    permissions: 'contacts:write',
    queued: 'contacts:write',
    resource: 'contacts',
    effect: 'unsafe',
    digest: 'ab'.repeat(32),
    quorum: 1,
    votes: 0,
    createdAt: someInstant + number,
    expiresAt: someInstant + 604_800_000,
    decidedAt: null,
    decidedBy: null,
    reason: null,
    fence: 0,
    startedAt: null,
    endedAt: null,
    outcome: null,
    resultStatus: null,
    ...fields,
  }
}

/** What was asked with the approval of the same number; `fields` replace its own. */
export function makeContent(
  number: number,
  fields: Partial<ApprovalContentRecord> = {},
): ApprovalContentRecord {
  return {
    id: idOf('apr', number),
    workspaceId: 'ws_1',
    version: 1,
    keyId: idOf('key', number),
    request: 'a.h1.c2VhbGVk',
    result: null,
    ...fields,
  }
}

/** A vote for the approval with the same number; `fields` replace its own. */
export function makeVote(number: number, fields: Partial<VoteRecord> = {}): VoteRecord {
  return {
    id: `vote-${number}`,
    workspaceId: 'ws_1',
    version: 1,
    approvalId: idOf('apr', number),
    keyId: idOf('key', number),
    actor: 'user:1',
    role: 'admin',
    secretId: null,
    at: someInstant + number,
    reason: null,
    ...fields,
  }
}

/** A delivery about the approval with the same number, due at once; `fields` replace its own. */
export function makeDelivery(number: number, fields: Partial<DeliveryRecord> = {}): DeliveryRecord {
  return {
    id: idOf('dlv', number),
    workspaceId: 'ws_1',
    version: 1,
    keyId: idOf('key', number),
    approvalId: idOf('apr', number),
    event: 'approval.rejected',
    status: 'waiting',
    payload: 'a.h1.c2VhbGVk',
    createdAt: someInstant + number,
    dueAt: someInstant,
    attempts: 0,
    lastAttemptAt: null,
    lastStatus: null,
    lastError: null,
    ...fields,
  }
}

/** An insert of one record. */
export function insert<T extends RecordType>(type: T, record: Records[T]): Change {
  return { do: 'insert', type, record } as unknown as Change
}

/** The inserts of a key and its secret. */
export function insertKey(
  number: number,
  fields: Partial<KeyRecord> = {},
  secret: Partial<KeySecretRecord> = {},
): readonly Change[] {
  const key = makeKey(number, fields)
  return [
    insert('key', key),
    insert('secret', makeSecret(number, { keyId: key.id, workspaceId: key.workspaceId, ...secret })),
  ]
}

/** One record of every kind. */
export const oneOfEach: { readonly [T in RecordType]: Records[T] } = {
  key: makeKey(1),
  secret: makeSecret(1),
  tombstone: makeTombstone(9),
  event: makeEvent(1),
  message: makeMessage(1),
  idempotency: makeIdempotency(1),
  setting: makeSetting('one'),
  approval: makeApproval(1),
  approvalContent: makeContent(1),
  vote: makeVote(1),
  delivery: makeDelivery(1),
}

/** The kinds of records, for cases that go through all of them. */
export const everyType = Object.keys(oneOfEach) as readonly RecordType[]
