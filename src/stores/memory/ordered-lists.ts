import { OrderedList } from './ordered-list.js'

/** Makes a list's name of its parts; no two that differ make the same, as no part has NUL in it. */
export function listName(...parts: readonly string[]): string {
  return parts.join('\0')
}

/** Ordered lists by name, each there as long as something is in it. */
export class OrderedLists<T> {
  readonly #compare: (a: T, b: T) => number
  readonly #lists = new Map<string, OrderedList<T>>()

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare
  }

  find(name: string): OrderedList<T> | undefined {
    return this.#lists.get(name)
  }

  /** The shortest of some lists; none, where one of them is empty. */
  shortest(names: readonly string[]): OrderedList<T> | undefined {
    const lists = names.map((name) => this.#lists.get(name))
    return lists.reduce((found, list) => (found && list && list.size < found.size ? list : list && found))
  }

  add(name: string, item: T): void {
    let list = this.#lists.get(name)
    if (!list) this.#lists.set(name, (list = new OrderedList(this.#compare)))
    list.add(item)
  }

  remove(name: string, item: T): void {
    const list = this.#lists.get(name)
    list?.remove(item)
    if (list?.size === 0) this.#lists.delete(name)
  }

  /** Moves an item from the lists it was in to those it belongs in now. */
  move(item: T, before: readonly string[], after: readonly string[]): void {
    for (const name of before) if (!after.includes(name)) this.remove(name, item)
    for (const name of after) if (!before.includes(name)) this.add(name, item)
  }
}
