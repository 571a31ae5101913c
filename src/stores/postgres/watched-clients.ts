import type { PostgresClient, PostgresPool } from './client.js'

function ignore(): void {
  // The pool drops the connection, or whoever asked it something is told.
}

const watched = new WeakSet<PostgresClient>()

/** Keeps a client that breaks at any moment from ending the host's process, for as long as it lives. */
export function watchClient(client: PostgresClient): void {
  if (watched.has(client)) return
  watched.add(client)
  client.on('error', ignore)
}

/** How many stores there are on a pool. */
const stores = new WeakMap<PostgresPool, number>()

/**
 * Keeps a connection that breaks while nobody listens to it from ending the host's process: one that lies idle, and one
 * that is just being handed out, when the pool has stopped to listen and its taker has not begun. Answers how to stop, once.
 */
export function watchPool(pool: PostgresPool): () => void {
  const others = stores.get(pool) ?? 0
  if (others === 0) {
    pool.on('error', ignore)
    // It is told of before the pool takes its own listener off.
    pool.on('acquire', watchClient)
  }
  stores.set(pool, others + 1)
  let stopped = false
  return () => {
    if (stopped) return
    stopped = true
    const left = (stores.get(pool) ?? 1) - 1
    stores.set(pool, left)
    if (left > 0) return
    pool.removeListener('error', ignore)
    pool.removeListener('acquire', watchClient)
  }
}
