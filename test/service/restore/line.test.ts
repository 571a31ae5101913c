import { expect, test } from 'vitest'
import { readLine } from '../../../src/service/restore/line.js'
import { decisionLine, eventLine } from '../../../src/sinks/event-line.js'
import { auditEvent, decision, nasty } from '../../sinks/event-samples.js'
import type { AuditEvent } from '../../../src/core/audit.js'

const ofKey = auditEvent(1) as Extract<AuditEvent, { target: { type: 'key' } }>
const origin = { requestId: 'r', address: '192.0.2.7', userAgent: 'curl/8' }
const head = { id: auditEvent(7).id, at: ofKey.at, workspaceId: 'acme', actor: 'user:42', ...origin }
const rest = { reason: 'why', graceEndsAt: null, before: null }
const events: readonly AuditEvent[] = [
  ofKey,
  {
    ...ofKey,
    before: ofKey.after,
    after: {
      ...ofKey.after!,
      expiresAt: null,
      notBefore: ofKey.at,
      limits: [
        { name: 'calls', limit: 5, windowMs: 1_500 },
        { name: 'monthly', limit: 9, calendar: 'month' },
      ],
      webhook: 'https://hooks.example',
    },
  },
  {
    ...{
      ...head,
      ...rest,
      action: 'approval.rejected',
      target: { type: 'approval', id: 'apr_1', name: 'x' },
    },
    after: {
      ...{ status: 'rejected', outcome: null, keyId: 'key_1', permissions: ['a:b'], digest: 'd', votes: 0 },
    },
  },
  {
    ...{ ...head, ...rest, action: 'token.exchanged', target: { type: 'token', id: 'tok_1', name: 'x' } },
    after: {
      ...{ keyId: 'key_1', secretId: 'sec_1', parentId: null, scopes: ['a:b'], audience: ['me'] },
      ...{ expiresAt: ofKey.at, chain: ['agent_at'] },
    },
  },
]

test.each(events)('a line of $action is read back as the event that was written', (event) => {
  expect(readLine(eventLine(event))).toEqual(event)
})

test('what is no change, and an empty line, is something else; what is not whole is torn', () => {
  const line = eventLine(ofKey)
  expect([decisionLine(decision), '', '  '].map(readLine)).toEqual(['other', 'other', 'other'])
  for (let length = 1; length < line.length; length++) expect(readLine(line.slice(0, length))).toBe('torn')
  expect([`${line.slice(0, 50)}${line}`, '{"type":"change"}', 'null', '7', nasty].map(readLine)).toEqual(
    Array(5).fill('torn'),
  )
})
