/** What one step of background work came to. */
export interface StepReport {
  /** Audit events that reached a sink. */
  readonly delivered?: number
  /** Audit events that a sink did not take; they are tried again. */
  readonly failed?: number
  /** Last-used times, counts of usage and counted refusals that were written. */
  readonly flushed?: number
  /** Records that were removed. */
  readonly purged?: number
  /** Approvals that ended as nobody had decided in time. */
  readonly expired?: number
  /** Approved operations that were run. */
  readonly executed?: number
  /** `nothing`: all was done; `more`: another step can follow at once; `stuck`: the rest must wait. */
  readonly left: 'nothing' | 'more' | 'stuck'
}

/** A kind of background work, done in steps that are short and may be repeated or run at the same time. */
export interface Job {
  /** For notices: `delivery to "jsonl"`. */
  readonly name: string
  /** How long to rest when a step has left nothing to do, in milliseconds. */
  readonly idleMs: number
  /** Throws a `KeyrungError` when it could not be done. */
  step(): Promise<StepReport>
  /** Waits for what steps have left under way; it never throws. */
  finish?(): Promise<void>
}
