import type { DeliveryRecord } from '../../core/delivery.js'
import type { Clock } from '../../ports/clock.js'

/** The most deliveries that are under way at once on one instance. */
const mostAtOnce = 20

/** How many of them may be of one key, and of one workspace. */
const mostOfKey = 4
const mostOfWorkspace = 8

type Owned = Pick<DeliveryRecord, 'keyId' | 'workspaceId'>

/** The places for deliveries under way, of which no key and no workspace has more than its share. */
export interface Shares {
  readonly free: number
  hasRoom(delivery: Owned): boolean
  /** Takes a place; what it answers gives it back. */
  take(delivery: Owned): () => void
  /** How long the oldest one under way of what a delivery waits behind has taken so far, in milliseconds. */
  age(delivery: Owned): number
}

/** Makes the places for the deliveries of one instance. */
export function createShares(clock: Pick<Clock, 'monotonic'>): Shares {
  const taken = new Set<Owned & { readonly since: number }>()
  const ofKey = ({ keyId }: Owned) => [...taken].filter((one) => one.keyId === keyId)
  const ofWorkspace = ({ workspaceId }: Owned) => [...taken].filter((one) => one.workspaceId === workspaceId)

  return {
    get free() {
      return mostAtOnce - taken.size
    },
    hasRoom: (delivery) =>
      taken.size < mostAtOnce &&
      ofKey(delivery).length < mostOfKey &&
      ofWorkspace(delivery).length < mostOfWorkspace,
    take({ keyId, workspaceId }) {
      const place = { keyId, workspaceId, since: clock.monotonic() }
      taken.add(place)
      return () => void taken.delete(place)
    },
    age(delivery) {
      const now = clock.monotonic()
      const before = ofKey(delivery).length < mostOfKey ? ofWorkspace(delivery) : ofKey(delivery)
      return Math.max(0, ...before.map(({ since }) => now - since))
    },
  }
}
