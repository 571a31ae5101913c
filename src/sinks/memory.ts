import type { AuditEvent, DecisionEvent } from '../core/audit.js'
import { invalid } from '../core/errors.js'
import type { AuditSink } from '../ports/audit-sink.js'

/** How much a memory sink keeps. */
export interface MemorySinkOptions {
  /** The most events, and the most counted refusals, it keeps: the oldest go first; 10,000 by default. */
  readonly max?: number
  /** The sink's name; `memory` by default. */
  readonly name?: string
}

/** A sink whose contents can be looked at. */
export interface MemorySink extends AuditSink {
  /** In the order of arrival; an event may be there twice, as delivery is at least once. */
  readonly events: readonly AuditEvent[]
  readonly decisions: readonly DecisionEvent[]
  writeDecisions(events: readonly DecisionEvent[]): void
}

/**
 * Keeps the latest events in memory, for tests and demonstrations.
 *
 * @throws `config_invalid` for a `max` that is not a whole number from 1
 *
 * @example
 * ```ts
 * const sink = memorySink()
 * const keyrung = createKeyrung({ catalog, store, secret, keys, sinks: [sink] })
 * await keyrung.keys.revoke(actor, id)
 * await keyrung.tick()
 * console.log(sink.events.map(({ action }) => action))
 * ```
 */
export function memorySink(options: MemorySinkOptions = {}): MemorySink {
  const max = options.max ?? 10_000
  if (!Number.isSafeInteger(max) || max < 1) {
    throw invalid('config_invalid', [{ path: 'max', message: 'must be a whole number from 1' }])
  }
  const events: AuditEvent[] = []
  const decisions: DecisionEvent[] = []
  return {
    name: options.name ?? 'memory',
    events,
    decisions,
    write: (more) => keep(events, more, max),
    writeDecisions: (more) => keep(decisions, more, max),
  }
}

function keep<T>(kept: T[], more: readonly T[], max: number): void {
  for (const item of more) kept.push(item)
  if (kept.length > max) kept.splice(0, kept.length - max)
}
