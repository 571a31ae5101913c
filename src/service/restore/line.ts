import { parseEventText } from '../../core/audit-record.js'
import type { AuditEvent } from '../../core/audit.js'

/** What one line of a trail holds: a change event, something else that is whole, or nothing that can be read. */
export type TrailLine = AuditEvent | 'other' | 'torn'

/** Reads a line as the sinks write them: JSON in snake_case with instants as RFC 3339 text. */
export function readLine(line: string): TrailLine {
  if (line.trim() === '') return 'other'
  try {
    const { type, ...body } = JSON.parse(line) as Record<string, unknown>
    if (type === 'decision') return 'other'
    return type === 'change' ? parseEventText(JSON.stringify(fromBody(body))) : 'torn'
  } catch {
    return 'torn'
  }
}

/** The names and values of an event's body as the event itself has them. */
function fromBody(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fromBody)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, held]) => fromField(name, held)))
}

function fromField(name: string, value: unknown): readonly [string, unknown] {
  if (name === 'window_seconds') return ['windowMs', Math.round(Number(value) * 1_000)]
  const camel = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
  const isTime = name === 'at' || name.endsWith('_at') || name === 'not_before'
  return [camel, isTime && typeof value === 'string' ? Date.parse(value) : fromBody(value)]
}
