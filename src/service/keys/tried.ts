/** What came of reading something, kept until it is wanted. */
export interface Tried<T> {
  /** Undefined where reading it threw. */
  readonly value: T | undefined
  /** Answers it, or throws what reading it threw. */
  get(): T
}

/** Reads something at once and keeps what it throws. */
export function tried<T>(read: () => T): Tried<T> {
  try {
    const value = read()
    return { value, get: () => value }
  } catch (error) {
    return {
      value: undefined,
      get() {
        throw error
      },
    }
  }
}
