/** What a listing leaves out, as it could not be read. */
export interface Unread {
  /** Where the first value is that was not understood: `key.mode`, never the value. */
  readonly place: string
  /** How many rows were left out. */
  readonly count: number
  /** The id of the last row, whether it could be read or not: where the next page begins. */
  readonly lastId: string | null
}

const mark = Symbol.for('keyrung.unread')

/** Notes on a listing what it leaves out. */
export function markUnread<L extends readonly unknown[]>(listing: L, unread: Unread): L {
  return Object.defineProperty(listing, mark, { value: unread, enumerable: false })
}

/** What a listing leaves out; undefined: nothing. */
export function unreadOf(listing: readonly unknown[]): Unread | undefined {
  return (listing as { readonly [mark]?: Unread })[mark]
}

/** The id that the next page begins behind, of a listing that was asked for one row more than is shown; null: there is none. */
export function nextIdOf(
  rows: readonly unknown[],
  limit: number,
  idOf: (index: number) => string,
): string | null {
  if (rows.length > limit) return idOf(limit - 1)
  const unread = unreadOf(rows)
  return unread !== undefined && rows.length + unread.count > limit ? unread.lastId : null
}

/** Says whether a listing that was asked for so many rows has reached the end. */
export function isLastPage(rows: readonly unknown[], limit: number): boolean {
  return rows.length === 0 || rows.length + (unreadOf(rows)?.count ?? 0) < limit
}
