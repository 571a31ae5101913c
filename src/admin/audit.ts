import * as z from 'zod/mini'
import type { AuditQuery } from '../service/audit.js'
import { eventBody } from '../sinks/event-line.js'
import { answerJson } from './answer.js'
import { limitOf, parametersOf, readQuery } from './query.js'
import type { Call } from './call.js'
import { parseTimestamp, timeField } from './timestamp.js'
import { passedOn, readWire, withWireNames } from './wire.js'

const query = parametersOf({
  ...{ actor: passedOn, action: passedOn, target_id: passedOn, cursor: passedOn, limit: passedOn },
  from: z.optional(timeField),
  to: z.optional(timeField),
})

/** `GET /audit`: the workspace's change events, newest first. */
export async function listAudit({ keyrung, actor, request }: Call): Promise<Response> {
  const { target_id: targetId, from, to, limit, ...rest } = readWire(query, readQuery(request))
  const input = {
    ...rest,
    targetId,
    from: parseTimestamp(from),
    to: parseTimestamp(to),
    limit: limitOf(limit),
  }
  const { events, next } = await withWireNames({ target_id: 'targetId' }, () =>
    keyrung.audit.list(actor, input as unknown as AuditQuery),
  )
  return answerJson({ events: events.map(eventBody), next })
}
