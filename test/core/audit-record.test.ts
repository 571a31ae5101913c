import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { approvalStatuses } from '../../src/core/approval.js'
import { parseEvent, parseEventText } from '../../src/core/audit-record.js'
import { auditActions, eventRecord, snapshotApproval, snapshotKey } from '../../src/core/audit.js'
import type { AuditAction, AuditEvent, EventRecord } from '../../src/core/audit.js'
import { formatId } from '../../src/core/id.js'
import { makeApproval } from '../../src/testing/suite/records.js'
import { keyRecord, start } from '../service/audit-samples.js'

const instant = fc.integer({ min: 1_000_000_000_000, max: 8_640_000_000_000_000 })
const orNull = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: null })
const name = fc.string({ minLength: 1, unit: 'binary' })

const snapshot = fc.record({
  name: fc.string({ unit: 'binary' }),
  mode: fc.constantFrom('full', 'custom'),
  scopes: fc.array(fc.string()),
  status: fc.constantFrom('active', 'revoked'),
  expiresAt: orNull(instant),
  notBefore: orNull(instant),
  addressRules: fc.array(fc.string()),
  ownerId: orNull(fc.string()),
  limits: orNull(fc.constant([{ name: 'minute', limit: 60, windowMs: 60_000 }])),
  webhook: orNull(fc.webUrl()),
})

const approvalSnapshot = fc.record({
  status: fc.constantFrom(...approvalStatuses),
  outcome: orNull(fc.string()),
  keyId: name,
  permissions: fc.array(fc.string()),
  digest: fc.string(),
  votes: fc.nat(),
})

const common = {
  id: fc.tuple(instant, fc.uint8Array({ minLength: 10, maxLength: 10 })).map(([at, bytes]) => {
    return formatId('evt', at, bytes)
  }),
  at: instant,
  workspaceId: name,
  actor: name,
  reason: orNull(fc.string({ unit: 'binary' })),
  requestId: orNull(fc.string()),
  address: orNull(fc.string()),
  userAgent: orNull(fc.string()),
  graceEndsAt: orNull(instant),
}

/** A target of some type, with the snapshots that it has and the actions that are taken on it. */
function eventOf<T extends 'key' | 'approval', S>(type: T, of: fc.Arbitrary<S>) {
  const isOfType = (action: AuditAction): action is Extract<AuditAction, `${T}.${string}`> =>
    action.startsWith(`${type}.`)
  return fc.record({
    ...common,
    action: fc.constantFrom(...auditActions.filter(isOfType)),
    target: fc.record({ type: fc.constant(type), id: name, name: fc.string() }),
    before: orNull(of),
    after: orNull(of),
  })
}

const event: fc.Arbitrary<AuditEvent> = fc.oneof(
  eventOf('key', snapshot),
  eventOf('approval', approvalSnapshot),
)

const sample: AuditEvent = {
  id: formatId('evt', start, new Uint8Array(10)),
  at: start,
  workspaceId: 'acme',
  actor: 'user:42',
  action: 'key.edited',
  target: { type: 'key', id: 'key_1', name: 'CI' },
  reason: null,
  requestId: 'r-1',
  address: null,
  userAgent: null,
  before: snapshotKey(keyRecord()),
  after: snapshotKey(keyRecord({ scopes: '' })),
  graceEndsAt: null,
}

describe('a snapshot of a key', () => {
  test('has the deciding fields, lists as lists, and nothing else', () => {
    const record = keyRecord({ addressRules: '10.0.0.0/8 ::1', ownerId: '7', expiresAt: start, notBefore: 1 })
    expect(snapshotKey(record)).toEqual({
      name: 'CI',
      mode: 'custom',
      scopes: ['contacts:read', 'deals:write'],
      status: 'active',
      expiresAt: start,
      notBefore: 1,
      addressRules: ['10.0.0.0/8', '::1'],
      ownerId: '7',
      limits: null,
      webhook: null,
    })
  })

  test('of a key without scopes has an empty list', () => {
    expect(snapshotKey(keyRecord({ scopes: '' })).scopes).toEqual([])
  })
})

describe('a snapshot of an approval', () => {
  test('has what was decided about, and nothing of what was asked', () => {
    const record = makeApproval(1, {
      permissions: 'contacts:write deals:read',
      reason: 'a secret reason',
      operation: 'POST /secret',
    })
    expect(snapshotApproval(record)).toEqual({
      status: 'pending',
      outcome: null,
      keyId: record.keyId,
      permissions: ['contacts:write', 'deals:read'],
      digest: record.digest,
      votes: 0,
    })
  })
})

describe('an event as a row', () => {
  test('comes back as it went in', () => {
    fc.assert(
      fc.property(event, (given) => {
        expect(parseEvent(eventRecord(given))).toEqual(given)
      }),
    )
  })

  test('as text too', () => {
    fc.assert(
      fc.property(event, (given) => {
        expect(parseEventText(JSON.stringify(given))).toEqual(given)
      }),
    )
  })

  test('takes nothing from its details but what belongs there', () => {
    const record = eventRecord(sample)
    const details = JSON.stringify({ ...JSON.parse(record.details), workspaceId: 'other', actor: 'user:1' })
    expect(parseEvent({ ...record, details })).toEqual(sample)
  })
})

describe('a malformed row is refused as an outage, never shown in part', () => {
  const refused = expect.objectContaining({ code: 'store_unavailable' })
  const details = JSON.parse(eventRecord(sample).details) as Record<string, unknown>

  const rows: [string, Partial<Record<keyof EventRecord, unknown>>][] = [
    ['an id of another kind', { id: 'key_1' }],
    ['a time in seconds', { at: 1_767_225_600 }],
    ['a time as text', { at: String(start) }],
    ['no workspace', { workspaceId: '' }],
    ['no actor', { actor: null }],
    ['an unknown action', { action: 'key.sold' }],
    ['an inherited word as action', { action: 'constructor' }],
    ['an unknown target', { targetType: 'plan' }],
    ['no target id', { targetId: '' }],
    ['a target without a name', { targetName: undefined }],
    ['a reason of a wrong type', { reason: 7 }],
    ['a request id of a wrong type', { requestId: {} }],
    ['details that are no text', { details: 7 }],
    ['details that are no JSON', { details: '{' }],
    ['details that are a list', { details: '[]' }],
    ['details that are null', { details: 'null' }],
    ['details without before', { details: JSON.stringify({ ...details, before: undefined }) }],
    ['details with before as text', { details: JSON.stringify({ ...details, before: 'x' }) }],
    ['a grace in seconds', { details: JSON.stringify({ ...details, graceEndsAt: 1_767_225_600 }) }],
  ]
  const wrong = { name: 1, mode: null, scopes: 'a', status: 2, expiresAt: 'x', notBefore: {}, ownerId: 3 }
  for (const [field, value] of Object.entries({ ...wrong, addressRules: [1] })) {
    const after = { ...(details['after'] as object), [field]: value }
    rows.push([`a snapshot with a wrong ${field}`, { details: JSON.stringify({ ...details, after }) }])
  }

  const approval = snapshotApproval(makeApproval(1))
  const approved: AuditEvent = {
    ...sample,
    action: 'approval.approved',
    target: { type: 'approval', id: 'apr_1', name: 'POST /contacts' },
    before: approval,
    after: { ...approval, status: 'approved', votes: 1 },
  }

  const wrongOfApproval: [string, unknown][] = [
    ...([
      ['status', 1],
      ['outcome', 2],
      ['keyId', ''],
      ['permissions', 'a:b'],
      ['digest', null],
    ] as const),
    ...([
      ['votes', '1'],
      ['votes', 0.5],
    ] as const),
  ].map(([field, value]) => [`${field} ${String(value)}`, { ...approved.after, [field]: value }])

  test.each(wrongOfApproval)('a snapshot of an approval with a wrong %s', (_, after) => {
    const record = eventRecord(approved)
    expect(parseEvent(record)).toEqual(approved)
    const details = JSON.stringify({ before: null, after, graceEndsAt: null })
    expect(() => parseEvent({ ...record, details })).toThrow(refused)
  })

  test('an action of one kind of target on another', () => {
    const record = eventRecord(approved)
    expect(() => parseEvent({ ...record, action: 'key.edited' })).toThrow(refused)
    expect(() => parseEvent({ ...record, targetType: 'key' })).toThrow(refused)
    expect(() => parseEvent({ ...eventRecord(sample), action: 'approval.approved' })).toThrow(refused)
  })

  test.each(rows)('%s', (_, changes) => {
    const record = { ...eventRecord(sample), ...changes } as EventRecord
    expect(() => parseEvent(record)).toThrow(refused)
  })

  test.each(['', 'null', '7', '[]', '{"id":', '{"__proto__":{}}'])('the text %j', (text) => {
    expect(() => parseEventText(text)).toThrow(refused)
  })
})
