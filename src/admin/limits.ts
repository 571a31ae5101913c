import { maxLimits } from '../core/limit.js'
import { ownElements, ownProperties } from '../core/own-properties.js'
import { readBy } from '../service/keys/fields.js'
import type { StandingLimit } from '../service/limit-standing.js'
import { limitBody, timestamp } from '../sinks/event-line.js'
import { answerJson } from './answer.js'
import type { Call } from './call.js'

const longestSeconds = 2_678_400

/**
 * A list of limits with windows in seconds. Only what is the wire's own is looked at; the rest is for the service to
 * refuse.
 */
export const limitsField = readBy((input) => {
  const faults = (ownElements(input, maxLimits) ?? []).flatMap((element, i) => {
    const members = ownProperties(element)
    const seconds = members?.get('window_seconds')
    return [
      ...(members?.has('windowMs')
        ? [{ path: `${i}.windowMs`, message: 'is not a field that can be set' }]
        : []),
      ...(seconds === undefined || isWindow(seconds)
        ? []
        : [
            {
              path: `${i}.window_seconds`,
              message: `must be seconds from 1 to ${longestSeconds}, which is 31 days`,
            },
          ]),
    ]
  })
  return faults.length > 0 ? { faults } : { value: input }
})

/** Milliseconds are told as thousandths of a second. */
function isWindow(value: unknown): boolean {
  if (typeof value !== 'number' || !(value >= 1 && value <= longestSeconds)) return false
  return Math.round(value * 1_000) / 1_000 === value
}

/** The same list by the names inside, windows in milliseconds; what is no list stays what it is. */
export function toLimits(value: unknown): unknown {
  return Array.isArray(value) ? value.map(toLimit) : value
}

function toLimit(value: unknown): unknown {
  const members = ownProperties(value)
  if (members === undefined) return value
  return Object.fromEntries(
    [...members].map(([name, member]) =>
      name === 'window_seconds' ? ['windowMs', Math.round((member as number) * 1_000)] : [name, member],
    ),
  )
}

function standingBody({ used, remaining, resetMs, ...limit }: StandingLimit) {
  const resetAfter = resetMs === null ? null : Math.ceil(resetMs / 1_000)
  return { ...limitBody(limit), used, remaining, reset_after: resetAfter }
}

/** `GET /keys/:id/limits`: how everything stands that limits a key. */
export async function getKeyLimits({ keyrung, actor, id }: Call): Promise<Response> {
  const { key, owner, workspace, operations } = await keyrung.keys.limits(actor, id)
  return answerJson({
    key: key.map(standingBody),
    owner: owner.map(standingBody),
    workspace: workspace.map(standingBody),
    operations: operations.map(standingBody),
  })
}

/** `GET /limits`: what limits the workspace's keys, and how counting goes. */
export async function getLimits({ keyrung, actor }: Call): Promise<Response> {
  const { keys, workspace, owner, counting, sources } = await keyrung.limits(actor)
  return answerJson({
    keys: keys.map(limitBody),
    workspace: workspace.map(standingBody),
    owner: owner.map(limitBody),
    counting: counting && { ...counting, since: timestamp(counting.since) },
    sources: sources && { ...sources, limit: limitBody(sources.limit) },
  })
}
