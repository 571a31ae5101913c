import { randomBytes } from 'node:crypto'
import type { Database } from 'better-sqlite3'

/** Whatever a caller stores in a record. */
export type Fields = Readonly<Record<string, unknown>>

/** A record as callers see it: its fields, and what the server adds to them. */
export interface StoredRecord extends Fields {
  readonly id: string
  readonly collection: string
  /** ISO 8601. */
  readonly created_at: string
  readonly updated_at: string
}

/** Where a record lives. Nothing is ever looked up without the workspace. */
export interface Place {
  readonly workspaceId: string
  /** A path with the ids of what it stands below: `contacts/rec_1/notes`. */
  readonly collection: string
}

/** Which records to find, oldest first. */
interface RecordSearch {
  readonly workspaceId: string
  readonly collections: readonly string[]
  /** Part of any text in the record, in any case. */
  readonly text?: string | undefined
  /** Fields with exactly these values. */
  readonly equals?: Fields | undefined
  /** Only records whose id is above this one. */
  readonly after?: string | undefined
  readonly limit: number
}

/** Some records, and whether there are more. */
export interface RecordPage {
  readonly records: readonly StoredRecord[]
  /** The last id of this page where there are more. */
  readonly next: string | null
}

/** The example's own data: any JSON object in any collection of a workspace. */
export interface Records {
  create(place: Place, fields: Fields): StoredRecord
  /** Makes a record under an id of the caller's own, or replaces the one there is. */
  put(place: Place, id: string, fields: Fields): StoredRecord
  find(place: Place, id: string): StoredRecord | undefined
  /** Sets some fields, and leaves the others. */
  update(place: Place, id: string, fields: Fields): StoredRecord | undefined
  replace(place: Place, id: string, fields: Fields): StoredRecord | undefined
  /** Removes a record and all that stands below it; says whether it was there. */
  delete(place: Place, id: string): boolean
  search(search: RecordSearch): RecordPage
}

interface Row {
  readonly id: string
  readonly collection: string
  readonly created_at: number
  readonly updated_at: number
  readonly fields: string
}

/** What the server sets: a caller's values for these are passed over, so that a read record can be sent back. */
const serverSet = new Set(['id', 'collection', 'created_at', 'updated_at'])

/** Keeps records in a table of their own, in the file that keyrung's tables are in too. */
export function createRecords(database: Database): Records {
  database.exec(`
    create table if not exists trustpager_records (
      workspace_id text not null,
      collection text not null,
      id text not null,
      created_at integer not null,
      updated_at integer not null,
      fields text not null,
      primary key (workspace_id, collection, id)
    ) without rowid
  `)
  const upsert = database.prepare(`
    insert into trustpager_records (workspace_id, collection, id, created_at, updated_at, fields)
    values (@workspaceId, @collection, @id, @now, @now, @fields)
    on conflict do update set updated_at = excluded.updated_at, fields = excluded.fields
    returning id, collection, created_at, updated_at, fields
  `)
  const select = database.prepare(`
    select id, collection, created_at, updated_at, fields from trustpager_records
    where workspace_id = @workspaceId and collection = @collection and id = @id
  `)
  const write = database.prepare(`
    update trustpager_records set fields = @fields, updated_at = @now
    where workspace_id = @workspaceId and collection = @collection and id = @id
    returning id, collection, created_at, updated_at, fields
  `)
  const remove = database.prepare(`
    delete from trustpager_records where workspace_id = @workspaceId and (
      (collection = @collection and id = @id)
      or collection = @below or (collection >= @below || '/' and collection < @below || '0')
    )
  `)
  const search = database.prepare(`
    select id, collection, created_at, updated_at, fields from trustpager_records record
    where workspace_id = @workspaceId
      and collection in (select value from json_each(@collections))
      and id > @after
      and (@text is null or exists (
        select 1 from json_tree(record.fields) where type = 'text' and instr(lower(atom), lower(@text)) > 0))
      and not exists (
        select 1 from json_each(@equals) wanted where not exists (
          select 1 from json_each(record.fields) field
          where field.key = wanted.key and field.atom = wanted.atom))
    order by id limit @limit
  `)

  const records: Records = {
    create: (place, fields) => records.put(place, newId(), fields),
    put: (place, id, fields) => view(upsert.get({ ...place, id, now: Date.now(), fields: text(fields) })),
    find: (place, id) => viewIfAny(select.get({ ...place, id })),
    update: (place, id, fields) => {
      const before = select.get({ ...place, id }) as Row | undefined
      return before && records.replace(place, id, { ...(JSON.parse(before.fields) as Fields), ...fields })
    },
    replace: (place, id, fields) =>
      viewIfAny(write.get({ ...place, id, now: Date.now(), fields: text(fields) })),
    delete: (place, id) => {
      if (!select.get({ ...place, id })) return false
      remove.run({ ...place, id, below: `${place.collection}/${encodeURIComponent(id)}` })
      return true
    },
    search: ({ workspaceId, collections, text: wanted, equals, after, limit }) => {
      const found = search.all({
        workspaceId,
        collections: JSON.stringify(collections),
        text: wanted ?? null,
        equals: JSON.stringify(equals ?? {}),
        after: after ?? '',
        limit: limit + 1,
      }) as Row[]
      const rows = found.slice(0, limit)
      return { records: rows.map(view), next: found.length > limit ? (rows.at(-1)?.id ?? null) : null }
    },
  }
  return records
}

/** Sorts by the time it was made at. */
function newId(): string {
  return `rec_${Date.now().toString(36)}${randomBytes(6).toString('hex')}`
}

function text(fields: Fields): string {
  return JSON.stringify(Object.fromEntries(Object.entries(fields).filter(([name]) => !serverSet.has(name))))
}

function view(row: unknown): StoredRecord {
  const { id, collection, created_at, updated_at, fields } = row as Row
  return {
    ...(JSON.parse(fields) as Fields),
    id,
    collection,
    created_at: new Date(created_at).toISOString(),
    updated_at: new Date(updated_at).toISOString(),
  }
}

function viewIfAny(row: unknown): StoredRecord | undefined {
  return row === undefined ? undefined : view(row)
}
