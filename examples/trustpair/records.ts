import { randomBytes } from 'node:crypto'
import type { Database } from 'better-sqlite3'

/** Whatever a caller stores in a record. */
export type Fields = Readonly<Record<string, unknown>>

/** A record as callers see it: its fields, and what the server adds to them. */
export interface StoredRecord extends Fields {
  readonly id: string
  /** ISO 8601. */
  readonly created_at: string
  readonly updated_at: string
}

/** Where a record lives. Nothing is ever looked up without the workspace. */
interface Place {
  readonly workspaceId: string
  /** A path with the id of what it stands below: `cases/rec_1/comments`. */
  readonly collection: string
}

/** A part of a list, newest first. */
export interface Page {
  readonly limit: number
  /** The id of the record that the page goes on after, towards older ones. */
  readonly startingAfter?: string | undefined
  /** The id of the record that the page ends before. */
  readonly endingBefore?: string | undefined
}

/** Some records, and whether there are more in the direction that was asked for. */
interface RecordPage {
  readonly data: readonly StoredRecord[]
  readonly has_more: boolean
}

/** What is newest: what was made last, or what was changed last. */
export type Order = 'made' | 'changed'

/** The example's own data: any JSON object in any collection of a workspace. */
export interface Records {
  /** @param id made up unless given */
  create(place: Place, fields: Fields, id?: string): StoredRecord
  find(place: Place, id: string): StoredRecord | undefined
  /** Sets some fields, and leaves the others. */
  update(place: Place, id: string, fields: Fields): StoredRecord | undefined
  /** Says whether it was there. */
  delete(place: Place, id: string): boolean
  /** `undefined` for a page that goes by a record that is not there. */
  list(place: Place, order: Order, page: Page): RecordPage | undefined
}

interface Row {
  readonly id: string
  readonly made: number
  readonly changed: number
  readonly created_at: number
  readonly updated_at: number
  readonly fields: string
}

/** Keeps records in a table of their own, in the file that keyrung's tables are in too. */
export function createRecords(database: Database): Records {
  // Two running numbers, as many records share a millisecond: when each was made, and when it was changed.
  database.exec(`
    create table if not exists trustpair_records (
      made integer primary key,
      changed integer not null,
      workspace_id text not null,
      collection text not null,
      id text not null,
      created_at integer not null,
      updated_at integer not null,
      fields text not null,
      unique (workspace_id, collection, id)
    );
    create index if not exists trustpair_records_made on trustpair_records (workspace_id, collection, made);
    create index if not exists trustpair_records_changed on trustpair_records (workspace_id, collection, changed);
    create index if not exists trustpair_records_last_change on trustpair_records (changed);
  `)
  const here = 'workspace_id = @workspaceId and collection = @collection'
  const nextChange = '(select coalesce(max(changed), 0) + 1 from trustpair_records)'
  const insert = database.prepare(`
    insert into trustpair_records (changed, workspace_id, collection, id, created_at, updated_at, fields)
    values (${nextChange}, @workspaceId, @collection, @id, @now, @now, @fields) returning *
  `)
  const select = database.prepare(`select * from trustpair_records where ${here} and id = @id`)
  const write = database.prepare(`
    update trustpair_records set fields = @fields, updated_at = @now, changed = ${nextChange}
    where ${here} and id = @id returning *
  `)
  const remove = database.prepare(`delete from trustpair_records where ${here} and id = @id`)
  const pages = (order: Order) => ({
    older: database.prepare(
      `select * from trustpair_records where ${here} and ${order} < @at order by ${order} desc limit @most`,
    ),
    newer: database.prepare(
      `select * from trustpair_records where ${here} and ${order} > @at order by ${order} limit @most`,
    ),
  })
  const statements = { made: pages('made'), changed: pages('changed') }
  const findRow = (place: Place, id: string): Row | undefined =>
    select.get({ ...place, id }) as Row | undefined

  return {
    create: (place, fields, id = `rec_${randomBytes(9).toString('hex')}`) =>
      view(insert.get({ ...place, id, now: Date.now(), fields: JSON.stringify(fields) }) as Row),
    find: (place, id) => {
      const row = findRow(place, id)
      return row && view(row)
    },
    update: (place, id, fields) => {
      const before = findRow(place, id)
      if (!before) return undefined
      const after = JSON.stringify({ ...(JSON.parse(before.fields) as Fields), ...fields })
      return view(write.get({ ...place, id, now: Date.now(), fields: after }) as Row)
    },
    delete: (place, id) => remove.run({ ...place, id }).changes > 0,
    list: (place, order, { limit, startingAfter, endingBefore }) => {
      const cursor = startingAfter ?? endingBefore
      const row = cursor === undefined ? undefined : findRow(place, cursor)
      if (cursor !== undefined && !row) return undefined
      const at = row?.[order] ?? Number.MAX_SAFE_INTEGER
      const { older, newer } = statements[order]
      // One more than asked for tells whether there are more.
      const found = (endingBefore === undefined ? older : newer).all({
        ...place,
        at,
        most: limit + 1,
      }) as Row[]
      const shown = found.slice(0, limit)
      return {
        data: (endingBefore === undefined ? shown : shown.toReversed()).map(view),
        has_more: found.length > limit,
      }
    },
  }
}

function view({ id, created_at, updated_at, fields }: Row): StoredRecord {
  return {
    ...(JSON.parse(fields) as Fields),
    id,
    created_at: new Date(created_at).toISOString(),
    updated_at: new Date(updated_at).toISOString(),
  }
}
