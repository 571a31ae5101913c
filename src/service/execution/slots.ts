/** A bounded number of places, taken in the order they are asked for in. */
export interface Slots {
  readonly free: number
  /** Resolves when a place is taken; false: they were closed. */
  take(): Promise<boolean>
  give(): void
  /** Lets nobody in any more, those who wait included. */
  close(): void
}

/** Makes a number of places. */
export function createSlots(count: number): Slots {
  let free = count
  let isClosed = false
  const waiting: ((taken: boolean) => void)[] = []

  return {
    get free() {
      return free
    },
    take() {
      if (isClosed) return Promise.resolve(false)
      if (free > 0) {
        free--
        return Promise.resolve(true)
      }
      return new Promise((resolve) => waiting.push(resolve))
    },
    give() {
      const next = waiting.shift()
      if (next === undefined) free++
      else next(true)
    },
    close() {
      isClosed = true
      for (const turnAway of waiting.splice(0)) turnAway(false)
    },
  }
}
