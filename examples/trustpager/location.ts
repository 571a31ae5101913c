/** A record that a path names. */
export interface RecordRef {
  readonly collection: string
  readonly id: string
}

/** What a request's path stands for. */
export interface Location {
  /** The whole path as a collection: `contacts/rec_1/notes`. */
  readonly collection: string
  /** The same without the last segment: `contacts/rec_1`. */
  readonly parent: string
  /** The last segment of the route's path: `notes`. */
  readonly word: string
  /** The records named by the path's parameters, from the left. */
  readonly records: readonly RecordRef[]
  /** Whether the last segment but one is a parameter, so that the word is about that record. */
  readonly aboutRecord: boolean
}

/**
 * Reads a route's path with the parameters of a request.
 *
 * Each parameter names a record in the collection that is written before it. Ids are escaped in the names of
 * collections, so that no id, however it was encoded in the URL, can reach into another one.
 *
 * @param path the route's own, e.g. `/contacts/:id/notes`
 */
export function locate(path: string, parameters: Readonly<Record<string, string>>): Location {
  const segments = path.slice(1).split('/')
  const done: string[] = []
  const records: RecordRef[] = []
  for (const segment of segments) {
    if (!segment.startsWith(':')) {
      done.push(segment)
      continue
    }
    const id = parameters[segment.slice(1)] ?? ''
    records.push({ collection: done.join('/'), id })
    done.push(encodeURIComponent(id))
  }
  return {
    collection: done.join('/'),
    parent: done.slice(0, -1).join('/'),
    word: segments.at(-1) ?? '',
    records,
    aboutRecord: segments.at(-2)?.startsWith(':') ?? false,
  }
}
