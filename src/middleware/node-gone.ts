import type { ServerResponse } from 'node:http'

/** A signal that is aborted when the client has gone before it was answered. */
export function signalGone(response: ServerResponse): AbortSignal {
  const gone = new AbortController()
  const look = (): void => {
    if (!response.writableFinished) gone.abort()
  }
  // Nobody would say so again.
  if (response.destroyed) look()
  else response.once('close', look)
  return gone.signal
}

/** Says whether the client has gone before it was answered. */
export function hasGone(response: ServerResponse): boolean {
  return (response.destroyed || response.closed) && !response.writableFinished
}
