/** How many items a block has at most: few enough that one is put between others at once. */
const longestBlock = 1024

/**
 * Items kept in ascending order, none equal to another. They lie in blocks, so that one that is added or removed
 * anywhere moves a block's items and not all of them; as ids and times grow, nearly every item goes to the end.
 */
export class OrderedList<T> {
  readonly #compare: (a: T, b: T) => number
  readonly #blocks: T[][] = []
  #size = 0

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare
  }

  get size(): number {
    return this.#size
  }

  add(item: T): void {
    this.#size++
    const last = this.#blocks.at(-1)
    if (!last || this.#compare(last.at(-1)!, item) < 0) {
      if (last && last.length < longestBlock) last.push(item)
      else this.#blocks.push([item])
      return
    }
    const at = this.#blockOf(item)
    const block = this.#blocks[at]!
    block.splice(this.#placeIn(block, item), 0, item)
    if (block.length > longestBlock) this.#blocks.splice(at + 1, 0, block.splice(longestBlock / 2))
  }

  remove(item: T): void {
    const at = this.#blockOf(item)
    const block = this.#blocks[at]
    const place = block ? this.#placeIn(block, item) : 0
    if (!block || this.#compare(block[place]!, item) !== 0) return
    this.#size--
    block.splice(place, 1)
    if (block.length === 0) this.#blocks.splice(at, 1)
  }

  /** From the first item that is above a bound (none: from the start) up. */
  *ascending(above?: T): Generator<T, void> {
    const first = above === undefined ? 0 : this.#blockOf(above)
    for (let b = first; b < this.#blocks.length; b++) {
      const block = this.#blocks[b]!
      let i = above !== undefined && b === first ? this.#placeIn(block, above) : 0
      if (i < block.length && above !== undefined && this.#compare(block[i]!, above) === 0) i++
      for (; i < block.length; i++) yield block[i]!
    }
  }

  /** From the last item that is below a bound (none: from the end) down. */
  *descending(below?: T): Generator<T, void> {
    const last = below === undefined ? this.#blocks.length - 1 : this.#blockOf(below)
    for (let b = Math.min(last, this.#blocks.length - 1); b >= 0; b--) {
      const block = this.#blocks[b]!
      const end = below !== undefined && b === last ? this.#placeIn(block, below) : block.length
      for (let i = end - 1; i >= 0; i--) yield block[i]!
    }
  }

  /** The first block whose last item is not below a bound; as many as there are, where none is. */
  #blockOf(bound: T): number {
    let low = 0
    let high = this.#blocks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#compare(this.#blocks[middle]!.at(-1)!, bound) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  /** The place of the first item of a block that is not below a bound. */
  #placeIn(block: readonly T[], bound: T): number {
    let low = 0
    let high = block.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#compare(block[middle]!, bound) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}
