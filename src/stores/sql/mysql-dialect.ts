import { DummyDriver, Kysely, MysqlAdapter, MysqlIntrospector, MysqlQueryCompiler, sql } from 'kysely'
import type { ColumnKind } from '../columns.js'
import type { SqlDialect } from './dialect.js'

/**
 * Texts are kept as the bytes of their UTF-8.
 *
 * No character set compares byte by byte on both MySQL and MariaDB: `utf8mb4_bin` passes over trailing blanks,
 * `utf8mb4_0900_bin` is MySQL's alone and `utf8mb4_nopad_bin` MariaDB's. Bytes compare as they are, in the order of
 * code points, and no connection's character set is ever applied to them. A name of 255 UTF-16 units has at most 765
 * bytes, so that an index over three of them stays below InnoDB's limit of 3,072. The other types hold more than a packet can
 * bring: where `sql_mode` has a server cut off what is too long, there is nothing to cut.
 */
const types: Readonly<Record<ColumnKind, string>> = {
  name: 'varbinary(765)',
  text: 'longblob',
  instant: 'bigint',
  count: 'bigint',
  digest: 'binary(32)',
}

/** MySQL from 8.0 and MariaDB from 10.6 on. */
export const mysqlDialect: SqlDialect = {
  compiler: new Kysely({
    dialect: {
      createAdapter: () => new MysqlAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new MysqlIntrospector(db),
      createQueryCompiler: () => new MysqlQueryCompiler(),
    },
  }),
  columnType: (kind) => types[kind],
  // Rows of more than 767 bytes of index are not to hang on the server's default format.
  tableEnd: 'engine=innodb row_format=dynamic',
  indexesInTable: true,
  listing: { newest: { query: sql`desc`, index: sql`` }, oldest: { query: sql`asc`, index: sql`` } },
  along: (indexes) => sql`force index (${sql.join(indexes.map((name) => sql.ref(name)))})`,
  findTable(name) {
    const [table, schema] = name.split('.').reverse() as [string, string?]
    const where = schema === undefined ? sql`database()` : sql`${schema}`
    return sql`select 1 from information_schema.tables where table_schema = ${where} and table_name = ${table}`
  },
  // It is used for counters alone, and no insert has an end that says it without naming a column.
  orIgnore: sql`on duplicate key update ${sql.ref('value')} = ${sql.ref('value')}`,
  // An insert that is refused leaves the transaction as it was.
  orDuplicate: sql``,
  orLarger: (_key, column) =>
    sql`on duplicate key update ${sql.ref(column)} = greatest(${sql.ref(column)}, values(${sql.ref(column)}))`,
  orAdded: (_key, column) =>
    sql`on duplicate key update ${sql.ref(column)} = ${sql.ref(column)} + values(${sql.ref(column)})`,
  sum: (column) => sql`sum(${column})`,
  // MySQL says `for share` too, MariaDB only this.
  holdRow: sql`lock in share mode`,
  keepRow: sql`lock in share mode`,
  lockRow: sql`for update`,
  note: (number) => sql`last_insert_id(${number})`,
  // Of the server's clock alone: `unix_timestamp` goes through the session's time zone, where an hour may come twice.
  now: sql`(timestampdiff(microsecond, '1970-01-01 00:00:00', utc_timestamp(6)) div 1000)`,
  list: null,
  position: (text, within) => sql`instr(${within}, ${text})`,
  // Bytes have no case, so the text is made one for a moment, and its bytes are compared again.
  lower: (text) => sql`cast(lower(convert(${text} using utf8mb4)) as binary)`,
}
