import { KeyrungError } from '../../core/errors.js'
import { fromUtf8, toUtf8 } from '../../crypto/encoding.js'
import { sealedUnder } from '../../crypto/sealer.js'
import type { Sealer } from '../../crypto/sealer.js'
import type { SettingRecord } from '../../ports/change.js'
import type { Store } from '../../ports/store.js'
import { formatKeySet, readKeySet, type KeySet } from './key-set.js'

/** The name of the setting that holds the generated keys. */
export const signingKeysSetting = 'signing-keys'

/** A set of keys as it was read, and what it takes to change it. */
export interface KeptSet {
  readonly version: number
  readonly set: KeySet
  /** False where it has entries that are not understood here, so that nothing may be written over it. */
  readonly isWhole: boolean
  /** The id of the host secret that it is sealed under. */
  readonly hostSecretId: string
}

/** Where generated keys are kept: sealed as a whole, so that who can only write to the store can add none. */
export interface KeptKeys {
  find(): Promise<KeptSet | undefined>
  /** Writes a set over the one that was read, or as the first; false where another instance was quicker. */
  write(set: KeySet, over: KeptSet | undefined): Promise<boolean>
}

/** Keeps keys in the store's settings, changed by compare-and-set. */
export function createKeptKeys(store: Store, sealer: Sealer): KeptKeys {
  async function read(record: SettingRecord): Promise<KeptSet> {
    const bytes = await sealer.open(record.value, signingKeysSetting)
    const found = readKeySet(fromUtf8(bytes) ?? '')
    if (found === undefined) {
      throw new KeyrungError('store_unavailable', { internal: `setting ${signingKeysSetting} holds no keys` })
    }
    return { version: record.version, ...found, hostSecretId: sealedUnder(record.value) }
  }

  return {
    async find() {
      const records = await store.findSettings(signingKeysSetting)
      const record = records.find(({ id }) => id === signingKeysSetting)
      return record && read(record)
    },
    async write(set, over) {
      const value = await sealer.seal(toUtf8(formatKeySet(set)), signingKeysSetting)
      const id = signingKeysSetting
      const { ok } = await store.commit([
        over
          ? { do: 'update', type: 'setting', id, expectVersion: over.version, set: { value } }
          : { do: 'insert', type: 'setting', record: { id, workspaceId: '', version: 1, value } },
      ])
      return ok
    },
  }
}
