export { createKeyrung } from './service/create-keyrung.js'
export type { Keyrung, NoCatalog, KeyrungState, PermissionInput } from './service/keyrung.js'
export type { KeyOptions, KeyrungOptions } from './service/options.js'
export type { LimitOptions } from './service/limit-settings.js'
export type { LimitsState } from './service/limit-outage.js'
export type { HttpOptions, HttpSettings } from './service/http-settings.js'
export type { Notice, Notify } from './service/notice.js'
export type { CacheBounds } from './service/credential-source.js'

export { defineCatalog } from './core/catalog.js'
export type { AnyCatalog, Catalog, PermissionOf, ScopeOf } from './core/catalog.js'
export type { CatalogDefinition, GroupDefinition, ResourceDefinition } from './core/catalog-definition.js'
export { ladder, ladders } from './core/ladder.js'
export type { Ladder } from './core/ladder.js'
export type { BoundScope, Group, Resource, Scope, Slot } from './core/resource.js'
export type { BoundPermission, Effect, Permission } from './core/permission.js'
export { parseScopes } from './core/scope.js'
export type { ScopeSet } from './core/scope.js'
export { compileGrant, covers, fullGrant } from './core/grant.js'
export type { Grant } from './core/grant.js'
export { createDemand, demandOf } from './core/demand.js'
export type { Demand, DemandOptions } from './core/demand.js'
export { check, evaluate } from './core/evaluate.js'
export type { Layers } from './core/layers.js'
export type {
  Allowed,
  CredentialRefusal,
  Decision,
  Denied,
  DenyCode,
  Layer,
  Queued,
  Reason,
  Refusal,
} from './core/decision.js'
export { diffAccess } from './core/access-diff.js'
export type { AccessDiff, KnownScope } from './core/access-diff.js'
export { adviseGrant } from './core/advice.js'
export type { GrantAdvice, UsedPermission } from './core/advice.js'
export { explain } from './core/explain.js'
export type { Explanation, LayerFinding } from './core/explain.js'
export { reference } from './core/reference.js'
export type { ReferenceGroup, ReferenceResource, ReferenceRung } from './core/reference.js'

export { isKeyrungError, KeyrungError } from './core/errors.js'
export type { ErrorCode, Fault, KeyrungErrorOptions } from './core/errors.js'
export type { Actor, PrincipalActor, SystemActor, UserActor } from './core/actor.js'
export type { ExchangeWish } from './core/exchange.js'
export type { KeyPrincipal, Principal, TokenPrincipal } from './core/principal.js'
export { approvalActions, auditActions, keyActions, tokenActions } from './core/audit.js'
export { approvalEffects, approvalStatuses } from './core/approval.js'
export { webhookEvents } from './core/delivery.js'
export type {
  ApprovalAction,
  ApprovalSnapshot,
  AuditAction,
  AuditEvent,
  EventOf,
  KeyAction,
  DecisionEvent,
  EventRecord,
  KeySnapshot,
  TokenAction,
  TokenSnapshot,
} from './core/audit.js'
export type {
  CredentialRow,
  KeyMode,
  KeyRecord,
  KeyRow,
  KeySecretRecord,
  KeyStatus,
  TombstoneRecord,
} from './core/key.js'
export type { MaybePromise } from './core/maybe-promise.js'
export type { Json, JsonObject } from './core/plain-value.js'

export { createKeyFormat } from './crypto/key-format.js'
export type { KeyFormat, KeyFormatOptions } from './crypto/key-format.js'
export type { HostSecretInput } from './crypto/host-secret.js'
export { keyScannerRules } from './crypto/key-scanner.js'
export type { KeyScannerRules, SecretlintConfig } from './crypto/key-scanner.js'
export type { Jwks, PublicJwk } from './crypto/jwks.js'
export type { Entropy } from './crypto/random.js'
export type { TokenAlgorithm } from './crypto/token-algorithm.js'

export type { Admission, AdmissionRequest, Authentication, LimitReport } from './service/admission.js'
export type { KeyLimits, StandingLimit } from './service/limit-standing.js'
export type { LimitsView } from './service/limits.js'
export type { SourceLimitOptions, SourceState } from './service/source-allowance.js'
export type { Access, AccessResult } from './service/access.js'
export type { Keys } from './service/keys.js'
export type { CreatedKey, RepeatedKey } from './service/keys/create.js'
export type { IdentifiedKey, IdentifyingActor } from './service/keys/identify.js'
export type { CreateKeyInput, EditKeyInput } from './service/keys/input.js'
export type { ChangeOptions } from './service/change-origin.js'
export type { RevokeAllInput, RevokedKeys } from './service/keys/revoke-all.js'
export type { KeyPage, ListKeysInput } from './service/keys/list.js'
export type {
  CreateOptions,
  EditOptions,
  Reason as ChangeReason,
  RotateInput,
} from './service/keys/options.js'
export type { RotatedKey } from './service/keys/rotate.js'
export type { AdviseInput, KeyAdvice } from './service/keys/advise.js'
export type { KeyView, ProposedKey, SecretView } from './service/keys/view.js'
export type { KeySettings, KeyVerb, Lifecycle, LifecycleSwitches } from './service/key-settings.js'
export type { Audit, AuditPage, AuditQuery } from './service/audit.js'
export type { PermissionUsage, Usage, UsageDay, UsageQuery, UsageTotals } from './service/usage.js'
export type { UsageOptions } from './service/usage-settings.js'
export type { RecorderState } from './service/recorder.js'
export type { TickReport, Worker } from './service/worker.js'
export type { SinkState } from './service/outbox.js'

export type {
  ApprovalContentRecord,
  ApprovalEffect,
  ApprovalKind,
  ApprovalLane,
  ApprovalOutcome,
  ApprovalRecord,
  ApprovalStatus,
  VoteRecord,
} from './core/approval.js'
export type { DeliveryRecord, DeliveryStatus, WebhookEvent } from './core/delivery.js'
export type { ApprovalListRequest, ApprovalQueries, DueApprovalsRequest } from './ports/approval-store.js'
export { sealedKinds, sealedParts } from './ports/sealed-store.js'
export type {
  SealedCount,
  SealedKind,
  SealedListRequest,
  SealedQueries,
  SealedRow,
  SealedType,
} from './ports/sealed-store.js'
export type { SecretCount } from './service/secret-count.js'
export type { DeliveryListRequest, DeliveryQueries, DueDeliveriesRequest } from './ports/delivery-store.js'
export type { AuditSink } from './ports/audit-sink.js'
export type { AuditQueries, EventListRequest } from './ports/audit-store.js'
export type {
  Change,
  CommitResult,
  IdempotencyRecord,
  MessageRecord,
  Records,
  RecordType,
  SettingRecord,
  Settable,
  Timed,
} from './ports/change.js'
export type { Clock } from './ports/clock.js'
export type { Directory, UserRights } from './ports/directory.js'
export type { CalendarLimit, Limit, LimitRule, RollingLimit } from './core/limit.js'
export type { LimitMeter } from './core/limit-window.js'
export type { LimitAnswer, LimitCharge, LimitRefund, LimitRequest, LimitStore } from './ports/limit-store.js'
export type { Entitlement } from './core/entitlement.js'
export type { Lifetime } from './core/lifetime.js'
export type { Entitlements } from './ports/entitlements.js'
export type { KeyFilter, KeyListRequest, KeyQueries, KeyUse } from './ports/key-store.js'
export type { DueRequest, OutboxQueries } from './ports/outbox-store.js'
export type { Freshness, PurgeRequest, Store } from './ports/store.js'
export type { UsageEntry, UsageQueries, UsageRequest, UsageRow } from './ports/usage-store.js'
export type { UsageOutcome } from './core/usage.js'

export { memoryLimits } from './stores/memory-limits.js'
export type { MemoryLimitsOptions } from './stores/memory-limits.js'
export { memoryStore } from './stores/memory.js'
export type { MemoryStoreOptions } from './stores/memory.js'
export type { ApprovalOptions, ApprovalSettings, ApprovalVerb } from './service/approval-settings.js'
export type {
  Approvals,
  ApproveInput,
  ApproveOptions,
  ResolveInput,
  TrackOptions,
} from './service/approvals.js'
export type { QueuedApproval } from './service/approvals/queue.js'
export type { AwaitingAdmission, QueueOptions } from './service/approvals/setup.js'
export type {
  ApprovalDetail,
  ApprovalView,
  BodyView,
  RequestView,
  VoteView,
} from './service/approvals/view.js'
export type {
  Operation,
  OperationContext,
  OperationDefinition,
  OperationResult,
  StandardSchema,
} from './service/operation.js'
export type { RestoreOptions, RestoreProgress, RestoreReport } from './service/restore.js'
export type { ApprovalResult } from './service/restore/approvals.js'
export type { KeyLoss, KeyResult } from './service/restore/keys.js'
export type { Trail } from './service/restore/trail.js'
export type { Dispatcher, ReplayAnswer, ReplayTicket, StoredRequest } from './service/replay.js'
export type { ApprovalPage, ListApprovalsInput } from './service/approvals/list.js'
export type { DeliveryPage, ListDeliveriesInput } from './service/webhooks/list.js'
export type { DeliveryView } from './service/webhooks/view.js'
export type { OutboundRules } from './net/outbound-url.js'
export type { Webhooks } from './service/webhooks.js'
export type { TokenOptions } from './service/token-settings.js'
export type { Tokens } from './service/tokens.js'
export type { ExchangedToken } from './service/tokens/exchange.js'
export type { WebhookOptions } from './service/webhook-settings.js'
export type { WebhookInput } from './service/keys/input.js'
export type { WebhookView } from './service/keys/view.js'
export type { RotatedWebhook } from './service/keys/webhook.js'
