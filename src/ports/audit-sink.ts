import type { AuditEvent, DecisionEvent } from '../core/audit.js'
import type { MaybePromise } from '../core/maybe-promise.js'

/** Somewhere audit events go; several can be configured. */
export interface AuditSink {
  /** Unique among the sinks of a host and the same on every start: undelivered events are kept under it. */
  readonly name: string
  /** Takes change events, in order as far as there is one; a throw or rejection has them delivered again later. */
  write(events: readonly AuditEvent[]): MaybePromise<void>
  /** Takes counted refusals, at most once; a sink without it does not get them. */
  writeDecisions?(events: readonly DecisionEvent[]): MaybePromise<void>
  /** Lets go of files and sockets. */
  close?(): MaybePromise<void>
}
