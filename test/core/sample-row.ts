import type { CredentialRow, KeyRecord, KeySecretRecord } from '../../src/core/key.js'

export const now = 1_767_225_600_000

/** A credential without limits, or with what is given of its key and its secret instead. */
export function row(key: object = {}, secret: object = {}): CredentialRow {
  return {
    key: {
      ...{ id: 'key_1', workspaceId: 'ws_1', status: 'active', mode: 'custom', scopes: 'contacts:read' },
      ...{ environment: 'live', addressRules: '', ownerId: null, expiresAt: null, notBefore: null },
      limits: null,
      metadata: '{}',
      ...key,
    } as KeyRecord,
    secret: {
      ...{ id: 'sec_1', keyId: 'key_1', workspaceId: 'ws_1', endsAt: null },
      ...secret,
    } as KeySecretRecord,
  }
}
