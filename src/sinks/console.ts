import type { AuditSink } from '../ports/audit-sink.js'
import { decisionLine, eventLine } from './event-line.js'

/** How a console sink writes. */
export interface ConsoleSinkOptions {
  /** Takes one line without its end; `console.log` by default. */
  readonly write?: (line: string) => void
  /** The sink's name; `console` by default. */
  readonly name?: string
}

/**
 * Writes each event as one line of JSON to the console, for hosts whose logs are collected from there.
 *
 * Change events arrive at least once: the same event may be written again after a crash, with the same `id`.
 *
 * @example
 * ```ts
 * createKeyrung({ catalog, store, secret, keys, sinks: [consoleSink()] })
 * ```
 */
export function consoleSink(options: ConsoleSinkOptions = {}): AuditSink {
  const write = options.write ?? ((line: string) => console.log(line))
  return {
    name: options.name ?? 'console',
    write(events) {
      for (const event of events) write(eventLine(event))
    },
    writeDecisions(events) {
      for (const event of events) write(decisionLine(event))
    },
  }
}
