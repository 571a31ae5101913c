/** Where time comes from; all in milliseconds. */
export interface Clock {
  /** Since 1970; may be stepped in either direction. */
  now(): number
  /** Since some fixed moment; never goes back. */
  monotonic(): number
  /** Resolves when that much time has passed, or early when the signal is aborted; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /**
   * Calls back once, when that much time has passed; what it answers calls that off. For limits that are seldom met:
   * an aborted signal costs twenty times as much.
   */
  after(ms: number, ring: () => void): () => void
}
