import type { Store } from '../ports/store.js'

/** Where it is kept which secret came when: `secret-order/<number>` holds the id of the secret. */
const prefix = 'secret-order/'

/**
 * Which of the host's secrets is newer, as all instances on a store agree on it: the order in which they wrote for the
 * first time.
 *
 * What was made under an older one is moved to a newer one and never back, also while instances that write with either
 * run side by side.
 */
export interface SecretOrder {
  /** Notes the secret that writes here, behind those that have written before. */
  open(): Promise<void>
  /** Says whether what was made under this secret is to be moved to the one that writes here. */
  isOlder(secretId: string): Promise<boolean>
}

/**
 * Makes the order of a store's secrets. A place in it never changes once it is noted.
 *
 * @param current the id of the secret that writes here; null: there is none
 */
export function createSecretOrder(
  store: Pick<Store, 'commit' | 'findSettings'>,
  current: string | null,
): SecretOrder {
  const places = new Map<string, number>()

  async function read(): Promise<void> {
    for (const { id, value } of await store.findSettings(prefix)) {
      places.set(value, Number(id.slice(prefix.length)))
    }
  }

  async function open(): Promise<void> {
    if (current === null || places.has(current)) return
    for (;;) {
      await read()
      if (places.has(current)) return
      const id = `${prefix}${Math.max(0, ...places.values()) + 1}`
      // A place is given once: where another instance was quicker, it is read again.
      await store.commit([
        { do: 'insert', type: 'setting', record: { id, workspaceId: '', version: 1, value: current } },
      ])
    }
  }

  return {
    open,
    async isOlder(secretId) {
      if (current === null || secretId === current) return false
      // A store in memory is used without having been made ready.
      await open()
      // A place is noted before anything is written under its secret, so what was read from there has one by now.
      if (!places.has(secretId)) await read()
      return (places.get(secretId) ?? 0) < places.get(current)!
    },
  }
}
