import type { AnyCatalog } from '../core/catalog.js'
import type { Fingerprints } from '../crypto/fingerprint.js'
import type { Sealer } from '../crypto/sealer.js'
import type { KeyFormat } from '../crypto/key-format.js'
import type { Peppers } from '../crypto/pepper.js'
import type { WebhookSecrets } from '../crypto/webhook-secret.js'
import type { Entropy } from '../crypto/random.js'
import type { Clock } from '../ports/clock.js'
import type { Store } from '../ports/store.js'
import type { ApprovalSettings } from './approval-settings.js'
import type { Moves } from './approvals/moves.js'
import type { KeySettings } from './key-settings.js'
import type { Standings } from './limit-standing.js'
import type { Notify } from './notice.js'
import type { Rights } from './rights.js'
import type { UsageSettings } from './usage-settings.js'
import type { WebhookSettings } from './webhook-settings.js'

/** What the services of one keyrung share; each takes the part it needs. */
export interface ServiceContext {
  readonly catalog: AnyCatalog
  /** The host's store behind time-outs and redaction: it throws nothing but `KeyrungError`s. */
  readonly store: Store
  readonly clock: Clock
  readonly entropy: Entropy
  readonly keyFormat: KeyFormat
  readonly peppers: Peppers
  readonly keySettings: KeySettings
  readonly rights: Rights
  /** How keys' limits are counted. */
  readonly limits: {
    /** False where there is no limit store, so that a key with limits could never be used. */
    readonly counted: boolean
    /** Forgets what a deleted key has spent; nobody waits for it. */
    forget(workspaceId: string, keyId: string): void
    readonly standings: Standings
  }
  readonly usageSettings: UsageSettings
  /** Writes what this instance has counted and not yet written, as far as the store takes it; it never throws. */
  flushUsage(): Promise<void>
  /** Resolves when no cached answer from before this call can be in use any more, on any instance. */
  settle(): Promise<void>
  /** The names of the sinks that change events are to reach. */
  readonly sinkNames: readonly string[]
  readonly notify: Notify
  readonly approvalSettings: ApprovalSettings
  /** Null where the host has no secret, so that nothing can be sealed, and nothing queued. */
  readonly sealer: Sealer | null
  /** By what the store recognises inputs that are repeated. */
  readonly fingerprints: Fingerprints
  readonly webhookSettings: WebhookSettings
  /** Null where the host has no secret to derive them from. */
  readonly webhookSecrets: WebhookSecrets | null
  /** Wakes those of this process who wait for an approval to move on. */
  readonly moves: Moves
}
