import { invalid } from '../core/errors.js'
import type { HostSecret } from '../crypto/host-secret.js'
import { noPepperId } from '../crypto/pepper.js'
import type { Store } from '../ports/store.js'
import { countBySecret, describeOrphans } from './secret-count.js'
import type { Notify } from './notice.js'

/** Where the check values are kept: of what keys are peppered with, and of what alone seals. */
const prefixes = { peppers: 'check/', seals: 'seal/' } as const

/** How the host's secrets are used. */
export interface SecretUses {
  /** What keys are peppered with; it seals as well. */
  readonly peppers: readonly HostSecret[] | 'none'
  /** What waits for approval is sealed under; null: nothing can wait. */
  readonly seals: readonly HostSecret[] | null
}

/** A secret as the store knows it. */
interface CheckValue {
  readonly id: string
  readonly value: string
}

/**
 * Compares the host's secrets with those that the store was used with, by their check values, and notes new ones.
 *
 * @throws `config_invalid` if none of them was ever used with this store, while others were
 */
export async function checkSecrets(
  store: Store,
  { peppers, seals }: SecretUses,
  notify: Notify,
): Promise<void> {
  const mine =
    peppers === 'none'
      ? [{ id: `${prefixes.peppers}${noPepperId}`, value: noPepperId }]
      : checkValues(prefixes.peppers, peppers)
  await recognise(store, prefixes.peppers, mine, 'no key in it could be verified')
  if (peppers === 'none' && seals !== null) {
    const sealing = checkValues(prefixes.seals, seals)
    await recognise(store, prefixes.seals, sealing, 'nothing that waits in it for approval could be read')
  }
  // Counting reads them all: an instance has to start even where that cannot be done in time.
  await reportOrphans(store, configuredIds({ peppers, seals }), notify).catch(() => undefined)
}

function configuredIds({ peppers, seals }: SecretUses): ReadonlySet<string> {
  const ids = [...(peppers === 'none' ? [] : peppers), ...(seals ?? [])].map(({ id }) => id)
  return new Set(peppers === 'none' ? [noPepperId, ...ids] : ids)
}

function checkValues(prefix: string, secrets: readonly HostSecret[]): readonly CheckValue[] {
  return secrets.map((secret) => ({ id: `${prefix}${secret.id}`, value: secret.checkValue() }))
}

async function recognise(
  store: Store,
  prefix: string,
  mine: readonly CheckValue[],
  harm: string,
): Promise<void> {
  const kept = new Map((await store.findSettings(prefix)).map((setting) => [setting.id, setting.value]))
  const fits = mine.filter(({ id, value }) => kept.get(id) === value)
  const clashes = mine.some(({ id, value }) => kept.has(id) && kept.get(id) !== value)
  if (clashes || (kept.size > 0 && fits.length === 0)) {
    const message =
      `is not the one this store was used with, so ${harm}; ` +
      'to change the secret, keep the old one beside the new one: [old, new]'
    throw invalid('config_invalid', [{ path: 'secret', message }])
  }
  for (const { id, value } of mine) {
    if (kept.has(id)) continue
    // Lost only to another instance that notes the same.
    await store.commit([
      { do: 'insert', type: 'setting', record: { id, workspaceId: '', version: 1, value } },
    ])
  }
}

async function reportOrphans(store: Store, configured: ReadonlySet<string>, notify: Notify): Promise<void> {
  const orphans = describeOrphans(await countBySecret(store), configured)
  if (orphans === null) return
  const message = `What was made under host secrets that are not configured here is lost until they are added again: ${orphans}.`
  notify({ code: 'secrets_orphaned', message })
}
