import { invalid } from '../core/errors.js'
import type { HostSecret } from '../crypto/host-secret.js'
import { noPepperId } from '../crypto/pepper.js'
import type { Store } from '../ports/store.js'
import type { Notify } from './notice.js'

const prefix = 'check/'

/**
 * Compares the host's secrets with those that the store was used with, by their check values, and notes new ones.
 *
 * @throws `config_invalid` if none of them was ever used with this store, while others were
 */
export async function checkSecrets(
  store: Store,
  secrets: readonly HostSecret[] | 'none',
  notify: Notify,
): Promise<void> {
  const mine =
    secrets === 'none'
      ? [{ id: `${prefix}${noPepperId}`, value: noPepperId }]
      : secrets.map((secret) => ({ id: `${prefix}${secret.id}`, value: secret.checkValue() }))
  const kept = new Map((await store.findSettings(prefix)).map((setting) => [setting.id, setting.value]))
  const fits = mine.filter(({ id, value }) => kept.get(id) === value)
  const clashes = mine.some(({ id, value }) => kept.has(id) && kept.get(id) !== value)
  if (clashes || (kept.size > 0 && fits.length === 0)) {
    throw invalid('config_invalid', [
      {
        path: 'secret',
        message:
          'is not the one this store was used with, so no key in it could be verified; ' +
          'to change the secret, keep the old one beside the new one: [old, new]',
      },
    ])
  }
  for (const { id, value } of mine) {
    if (kept.has(id)) continue
    // Lost only to another instance that notes the same.
    await store.commit([
      { do: 'insert', type: 'setting', record: { id, workspaceId: '', version: 1, value } },
    ])
  }
  // Counting reads them all: an instance has to start even where that cannot be done in time.
  await reportOrphans(store, mine, notify).catch(() => undefined)
}

async function reportOrphans(store: Store, mine: readonly { id: string }[], notify: Notify): Promise<void> {
  let orphans = 0
  for (const [id, count] of await store.countSecrets()) {
    if (!mine.some((secret) => secret.id === `${prefix}${id}`)) orphans += count
  }
  if (orphans > 0) {
    notify({
      code: 'secrets_orphaned',
      message: `${orphans} secrets of keys were made under a host secret that is not configured here; they are refused.`,
    })
  }
}
