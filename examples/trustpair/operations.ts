import { KeyrungError } from 'keyrung'
import { fault, parsePage } from './input.js'
import type { Fields, Order, Records, StoredRecord } from './records.js'

/** A guarded call that may now be carried out. */
interface Call {
  readonly records: Records
  /** The caller's own; from its token, never from the request. */
  readonly workspaceId: string
  /** From the path, where it has one. */
  readonly id: string
  readonly query: URLSearchParams
  readonly fields: Fields
}

/** What a call is answered with. */
interface Reply {
  readonly status: number
  readonly body?: unknown
}

/** What a route does behind its guard. @throws KeyrungError `not_found`, `input_invalid` */
export type Operation = (call: Call) => Reply

/** A page of a collection, or of what stands below one of its records. */
export function list(collection: string, below?: string, order: Order = 'made'): Operation {
  return (call) => {
    const place = below === undefined ? placeOf(call, collection) : placeBelow(call, collection, below)
    const page = call.records.list(place, order, parsePage(call.query))
    if (!page) throw fault('cursor', 'starting_after and ending_before take the id of a record in this list')
    return { status: 200, body: page }
  }
}

/** A page of a collection by when its records were changed last. */
export function recents(collection: string): Operation {
  return list(collection, undefined, 'changed')
}

export function get(collection: string): Operation {
  return (call) => ({ status: 200, body: found(call.records.find(placeOf(call, collection), call.id)) })
}

/** Makes a record; `initial` are fields it starts with unless the caller says otherwise. */
export function create(collection: string, initial: Fields = {}): Operation {
  return (call) => ({
    status: 201,
    body: call.records.create(placeOf(call, collection), { ...initial, ...call.fields }),
  })
}

/** Makes a record below another. */
export function createBelow(collection: string, below: string, initial: Fields = {}): Operation {
  return (call) => ({
    status: 201,
    body: call.records.create(placeBelow(call, collection, below), { ...initial, ...call.fields }),
  })
}

/** Changes the fields that are sent; `forced` are changed in any case. */
export function update(collection: string, forced: Fields = {}): Operation {
  return (call) => {
    const fields = { ...call.fields, ...forced }
    return { status: 200, body: found(call.records.update(placeOf(call, collection), call.id, fields)) }
  }
}

export function remove(collection: string): Operation {
  return (call) => {
    if (!call.records.delete(placeOf(call, collection), call.id)) throw new KeyrungError('not_found')
    return { status: 204 }
  }
}

function placeOf({ workspaceId }: Call, collection: string) {
  return { workspaceId, collection }
}

function placeBelow(call: Call, collection: string, below: string) {
  const { id } = found(call.records.find(placeOf(call, collection), call.id))
  return placeOf(call, `${collection}/${id}/${below}`)
}

function found(record: StoredRecord | undefined): StoredRecord {
  if (!record) throw new KeyrungError('not_found')
  return record
}
