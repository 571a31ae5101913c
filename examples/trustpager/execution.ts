import { KeyrungError } from 'keyrung'
import { parseEquals, parseFields, parseIds, parsePage, parseText } from './input.js'
import type { Location, RecordRef } from './location.js'
import { endsInParameter, isApprovalOperation, type RecordOperation } from './operation.js'
import type { Fields, Place, RecordPage, Records, StoredRecord } from './records.js'
import type { PlannedRoute } from './route-plan.js'

/** A guarded call that may now be carried out. */
export interface Call {
  readonly route: PlannedRoute
  /** The caller's own; from the key, never from the request. */
  readonly workspaceId: string
  readonly location: Location
  readonly query: Readonly<Record<string, unknown>>
  readonly body: unknown
}

/** What a call is answered with. */
export interface Reply {
  readonly status: number
  readonly body?: unknown
  /** Path of what was made. */
  readonly created?: string
}

/** What each operation does. @throws KeyrungError `not_found`, `input_invalid` */
type Executions = Readonly<Record<RecordOperation, (call: Call, records: Records) => Reply>>

const executions: Executions = {
  list: (call, records) => {
    const { workspaceId, location, query } = call
    const page = parsePage(query['limit'], query['cursor'])
    const collections = [location.collection]
    return ok(pageBody(records.search({ workspaceId, collections, equals: named(call), ...page })))
  },

  search: (call, records) => {
    const { workspaceId, location } = call
    const body = parseFields(call.body)
    return ok(
      pageBody(
        records.search({
          workspaceId,
          collections: searched(call.route, location),
          text: parseText(body['text']),
          equals: parseEquals(body['where']),
          ...parsePage(body['limit'], body['cursor']),
        }),
      ),
    )
  },

  read: (call, records) => ok(found(records.find(...target(call)))),
  update: (call, records) => ok(found(records.update(...target(call), parseFields(call.body)))),
  replace: (call, records) => ok(found(records.replace(...target(call), parseFields(call.body)))),

  delete: (call, records) => {
    if (!records.delete(...target(call))) throw new KeyrungError('not_found')
    return { status: 204 }
  },

  create: (call, records) => {
    const record = records.create(placeOf(call), { ...named(call), ...parseFields(call.body) })
    return { status: 201, body: record, created: `/${call.location.collection}/${record.id}` }
  },

  link: (call, records) => {
    const [place, id] = target(call)
    if (!/^[\w-]{1,64}$/.test(id)) throw new KeyrungError('not_found')
    const status = records.find(place, id) ? 200 : 201
    return { status, body: records.put(place, id, parseFields(call.body)) }
  },

  'delete-many': (call, records) => {
    const place = { workspaceId: call.workspaceId, collection: call.location.parent }
    const ids = parseIds(parseFields(call.body)['ids'])
    return ok({ deleted: ids.filter((id) => records.delete(place, id)).length })
  },

  'read-document': (call, records) => ok(records.find(...document(call)) ?? {}),
  'update-document': (call, records) => {
    const before = records.find(...document(call)) ?? {}
    return ok(records.put(...document(call), { ...before, ...parseFields(call.body) }))
  },
  'replace-document': (call, records) => ok(records.put(...document(call), parseFields(call.body))),

  act: (call, records) => {
    const { workspaceId, location } = call
    const done = { action: location.word, input: parseFields(call.body), done_at: new Date().toISOString() }
    const subject = location.records.at(-1)
    if (location.aboutRecord && subject) {
      const record = records.update({ workspaceId, collection: subject.collection }, subject.id, {
        last_action: done,
      })
      return ok({ ...done, record })
    }
    const { id } = records.create(placeOf(call), done)
    return ok({ id, ...done })
  },
}

/**
 * Carries a call out. Whatever record its path stands below must be there.
 *
 * @throws KeyrungError `not_found`, `input_invalid`
 */
export function execute(call: Call, records: Records): Reply {
  const { operation } = call.route
  // Approvals are no records: their routes are keyrung's own.
  if (isApprovalOperation(operation)) throw new KeyrungError('not_found')
  for (const { collection, id } of above(call)) {
    if (!records.find({ workspaceId: call.workspaceId, collection }, id)) throw new KeyrungError('not_found')
  }
  return executions[operation](call, records)
}

/** The records that must exist for the call to make sense: all its path names but the one it ends in. */
function above({ route, location }: Call): readonly RecordRef[] {
  return endsInParameter(route.path) ? location.records.slice(0, -1) : location.records
}

/** `/contacts/search` is about contacts; `/search` about whatever the route's scopes name, in the paths' words. */
function searched(route: PlannedRoute, location: Location): readonly string[] {
  return location.parent ? [location.parent] : route.scopes.map((scope) => scope.split(':')[0]!)
}

/** What the query says of the parameters that the file names for the route. */
function named({ route, query }: Call): Fields {
  const given = route.filters.filter((name) => Object.hasOwn(query, name))
  return parseEquals(Object.fromEntries(given.map((name) => [name, query[name]])))
}

function target(call: Call): [Place, string] {
  const record = call.location.records.at(-1)
  if (!record) throw new KeyrungError('not_found')
  return [{ workspaceId: call.workspaceId, collection: record.collection }, record.id]
}

function placeOf({ workspaceId, location }: Call): Place {
  return { workspaceId, collection: location.collection }
}

/** A document is the one record of its path. */
function document(call: Call): [Place, string] {
  return [placeOf(call), 'document']
}

function found(record: StoredRecord | undefined): StoredRecord {
  if (!record) throw new KeyrungError('not_found')
  return record
}

function pageBody({ records, next }: RecordPage): unknown {
  return { data: records, next_cursor: next }
}

function ok(body: unknown): Reply {
  return { status: 200, body }
}
