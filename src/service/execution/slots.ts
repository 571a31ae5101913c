/** A bounded number of places, of which no one owner has more than a share. */
export interface Slots {
  readonly free: number
  /** Says whether an owner would be given a place at once. */
  hasRoom(owner: string): boolean
  /** Resolves when a place is taken, in the order asked for in among those with room; false: they were closed. */
  take(owner: string): Promise<boolean>
  give(owner: string): void
  /** Lets nobody in any more, those who wait included. */
  close(): void
}

/** Makes a number of places, and says how many of them one owner may have. */
export function createSlots(count: number, share: number): Slots {
  let free = count
  let isClosed = false
  const held = new Map<string, number>()
  const waiting: { readonly owner: string; readonly settle: (taken: boolean) => void }[] = []

  const heldBy = (owner: string): number => held.get(owner) ?? 0
  const hasRoom = (owner: string): boolean => free > 0 && heldBy(owner) < share

  function occupy(owner: string): void {
    free--
    held.set(owner, heldBy(owner) + 1)
  }

  return {
    get free() {
      return free
    },
    hasRoom,
    take(owner) {
      if (isClosed) return Promise.resolve(false)
      if (hasRoom(owner)) {
        occupy(owner)
        return Promise.resolve(true)
      }
      return new Promise((settle) => waiting.push({ owner, settle }))
    },
    give(owner) {
      free++
      if (heldBy(owner) > 1) held.set(owner, heldBy(owner) - 1)
      else held.delete(owner)
      const next = waiting.findIndex((one) => hasRoom(one.owner))
      for (const { owner: nextOwner, settle } of next < 0 ? [] : waiting.splice(next, 1)) {
        occupy(nextOwner)
        settle(true)
      }
    },
    close() {
      isClosed = true
      for (const { settle } of waiting.splice(0)) settle(false)
    },
  }
}
