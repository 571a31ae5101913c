import type { KeyView } from '../service/keys/view.js'
import { limitBody, timestamp } from '../sinks/event-line.js'

/** A key as it is told over HTTP: snake_case, instants as RFC 3339 text in UTC. */
export function keyBody(key: KeyView) {
  return {
    id: key.id,
    workspace_id: key.workspaceId,
    name: key.name,
    environment: key.environment,
    mode: key.mode,
    scopes: key.scopes,
    unknown_scopes: key.unknownScopes,
    status: key.status,
    expiring: key.expiring,
    revoked_at: timestamp(key.revokedAt),
    revoked_by: key.revokedBy,
    revoked_reason: key.revokedReason,
    expires_at: timestamp(key.expiresAt),
    not_before: timestamp(key.notBefore),
    address_rules: key.addressRules,
    metadata: key.metadata,
    owner_id: key.ownerId,
    limits: key.limits?.map(limitBody) ?? null,
    webhook: key.webhook && {
      url: key.webhook.url,
      events: key.webhook.events,
      disabled_at: timestamp(key.webhook.disabledAt),
    },
    created_by: key.createdBy,
    created_at: timestamp(key.createdAt),
    updated_at: timestamp(key.updatedAt),
    last_used_at: timestamp(key.lastUsedAt),
    version: key.version,
    secrets: key.secrets.map((secret) => ({
      id: secret.id,
      last_four: secret.lastFour,
      created_at: timestamp(secret.createdAt),
      ends_at: timestamp(secret.endsAt),
    })),
  }
}
