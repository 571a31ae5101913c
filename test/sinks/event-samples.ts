import type { AuditEvent, DecisionEvent } from '../../src/core/audit.js'

/** 2026-01-01. */
const at = 1_767_225_600_000

/** Text that breaks lines, screens and encodings when it is written as it is. */
export const nasty = 'a\nb\r\nc\u2028d\u2029e\u0085f\u001b[31mg\u009bh\0i\ud800j"k\\l'

export function auditEvent(number: number, name = 'CI'): AuditEvent {
  return {
    id: `evt_${String(number).padStart(26, '0')}`,
    at: at + number,
    workspaceId: 'acme',
    actor: 'user:42',
    action: 'key.edited',
    target: { type: 'key', id: 'key_1', name },
    reason: name,
    requestId: null,
    address: null,
    userAgent: null,
    before: null,
    after: {
      name,
      mode: 'custom',
      scopes: ['contacts:read'],
      status: 'active',
      expiresAt: at,
      notBefore: null,
      addressRules: ['10.0.0.0/8'],
      ownerId: '7',
      limits: null,
      webhook: null,
    },
    graceEndsAt: at,
  }
}

export const decision: DecisionEvent = {
  firstAt: at,
  lastAt: at + 1,
  count: 3,
  workspaceId: 'acme',
  keyId: 'key_1',
  code: 'insufficient',
  permission: 'contacts:write',
}
