/** How far from the end an item is still put in its place at once; one further off has all of them sorted anew. */
const nearEnd = 1024

/**
 * Items kept in ascending order. As ids and times grow, nearly every item goes to the end; sorting is put off
 * until somebody reads. What was removed stays until half of the items are gone.
 */
export class OrderedList<T> {
  readonly #compare: (a: T, b: T) => number
  #items: T[] = []
  #sorted = true
  #removed = new Set<T>()

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare
  }

  get size(): number {
    return this.#items.length - this.#removed.size
  }

  add(item: T): void {
    // The same text may come back after a removal: the place it had is its place again.
    if (this.#removed.delete(item)) return
    const items = this.#items
    const last = items[items.length - 1]
    if (!this.#sorted || last === undefined || this.#compare(last, item) < 0) {
      items.push(item)
      return
    }
    const place = this.#firstNotBelow(item)
    if (items.length - place <= nearEnd) {
      items.splice(place, 0, item)
    } else {
      items.push(item)
      this.#sorted = false
    }
  }

  remove(item: T): void {
    this.#removed.add(item)
    if (this.#removed.size * 2 < this.#items.length) return
    this.#items = this.#items.filter((kept) => !this.#removed.has(kept))
    this.#removed = new Set()
  }

  /** From the first item up. */
  *ascending(): Generator<T, void> {
    this.#sort()
    for (const item of this.#items) if (!this.#removed.has(item)) yield item
  }

  /** From the last item that is below a bound (none: from the end) down. */
  *descending(below?: T): Generator<T, void> {
    this.#sort()
    const from = below === undefined ? this.#items.length : this.#firstNotBelow(below)
    for (let i = from - 1; i >= 0; i--) {
      const item = this.#items[i]!
      if (!this.#removed.has(item)) yield item
    }
  }

  #sort(): void {
    if (this.#sorted) return
    this.#items.sort(this.#compare)
    this.#sorted = true
  }

  #firstNotBelow(bound: T): number {
    let low = 0
    let high = this.#items.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#compare(this.#items[middle]!, bound) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}
