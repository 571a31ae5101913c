/**
 * A map of at most `max` entries that forgets the oldest, half of them at a time.
 *
 * Deleting the first entry of a `Map` for each new one looks simpler, but finding the first means stepping over
 * the holes of those deleted before it: thousands of steps for each new key of a flood.
 */
export class Generations<V> {
  readonly #half: number
  #recent = new Map<string, V>()
  #older = new Map<string, V>()

  constructor(max: number) {
    this.#half = Math.max(1, Math.floor(max / 2))
  }

  get(key: string): V | undefined {
    return this.#recent.get(key) ?? this.#older.get(key)
  }

  /** Looks an entry up and counts it among the recent ones again. */
  use(key: string): V | undefined {
    const recent = this.#recent.get(key)
    if (recent !== undefined) return recent
    const older = this.#older.get(key)
    if (older !== undefined) this.set(key, older)
    return older
  }

  set(key: string, value: V): void {
    if (this.#recent.size >= this.#half && !this.#recent.has(key)) {
      this.#older = this.#recent
      this.#recent = new Map()
    }
    this.#older.delete(key)
    this.#recent.set(key, value)
  }

  delete(key: string): void {
    this.#recent.delete(key)
    this.#older.delete(key)
  }

  deleteWhere(matches: (key: string) => boolean): void {
    for (const entries of [this.#recent, this.#older]) {
      for (const key of entries.keys()) if (matches(key)) entries.delete(key)
    }
  }

  get size(): number {
    return this.#recent.size + this.#older.size
  }
}
