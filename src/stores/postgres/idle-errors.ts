import type { PostgresPool } from './client.js'

/** How many stores there are on a pool. */
const stores = new WeakMap<PostgresPool, number>()

function ignore(): void {
  // The pool has dropped the connection already, and the next question opens another.
}

/**
 * Keeps a connection that breaks while it lies idle from ending the host's process, which it does where nobody
 * listens to the pool's errors. Answers how to stop, once.
 */
export function ignoreIdleErrors(pool: PostgresPool): () => void {
  const others = stores.get(pool) ?? 0
  if (others === 0) pool.on('error', ignore)
  stores.set(pool, others + 1)
  let stopped = false
  return () => {
    if (stopped) return
    stopped = true
    const left = (stores.get(pool) ?? 1) - 1
    stores.set(pool, left)
    if (left === 0) pool.removeListener('error', ignore)
  }
}
