import type { Notify } from './notice.js'

const told = new WeakMap<Notify, Set<string>>()
const mostTold = 1_000

/** Tells the operator once of stored text that is not understood here, so that it is left out or grants nothing. */
export function tellUnreadable(notify: Notify, place: string): void {
  const known = told.get(notify) ?? new Set()
  if (known.has(place) || known.size >= mostTold) return
  told.set(notify, known.add(place))
  const message = `The store holds something that is not understood here, perhaps of a newer version; it is left out and lets nothing through: ${place}`
  notify({ code: 'record_unreadable', message })
}
