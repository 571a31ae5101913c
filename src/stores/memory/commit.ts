import type { KeySecretRecord } from '../../core/key.js'
import type { Change, CommitResult, RecordType, Records } from '../../ports/change.js'
import { takeChange } from '../intake.js'
import type { TakenChange } from '../intake.js'
import { recordOf, valuesOf } from '../record-values.js'
import type { Tables } from './tables.js'

type AnyRecord = Records[RecordType]
type Why = Extract<CommitResult, { ok: false }>['why']

/** What a commit would leave behind, beside the tables until all of it is known to be possible. */
class Stage {
  readonly #tables: Tables
  readonly #records = new Map<RecordType, Map<string, AnyRecord | null>>()
  readonly #digests = new Map<string, string | null>()
  readonly #counters = new Map<string, number>()

  constructor(tables: Tables) {
    this.#tables = tables
  }

  find(type: RecordType, id: string): AnyRecord | undefined {
    const staged = this.#records.get(type)?.get(id)
    return staged === undefined ? this.#tables.find(type, id) : (staged ?? undefined)
  }

  /** Answers false, and changes nothing, where a unique column is taken. */
  put(type: RecordType, id: string, after: AnyRecord | null): boolean {
    if (type === 'secret' && !this.#putDigest(id, after as KeySecretRecord | null)) return false
    let records = this.#records.get(type)
    if (!records) this.#records.set(type, (records = new Map()))
    records.set(id, after)
    return true
  }

  add(name: string, delta: number, max: number): boolean {
    const sum = (this.#counters.get(name) ?? this.#tables.counters.get(name) ?? 0) + delta
    if (sum > max) return false
    this.#counters.set(name, sum)
    return true
  }

  apply(): void {
    for (const [type, records] of this.#records) {
      for (const [id, after] of records) this.#tables.replace(type, id, after)
    }
    for (const [name, value] of this.#counters) this.#tables.counters.set(name, value)
  }

  #putDigest(id: string, after: KeySecretRecord | null): boolean {
    const before = this.find('secret', id) as KeySecretRecord | undefined
    if (after) {
      const staged = this.#digests.get(after.digest)
      const owner = staged === undefined ? this.#tables.digests.get(after.digest) : staged
      if (owner !== undefined && owner !== null && owner !== id) return false
    }
    if (before) this.#digests.set(before.digest, null)
    if (after) this.#digests.set(after.digest, id)
    return true
  }
}

function stageChange(stage: Stage, change: TakenChange): Why | null {
  if (change.do === 'counter') return stage.add(change.name, change.delta, change.max) ? null : 'limit'
  const { type, id } = change
  const found = stage.find(type, id)
  if (change.do === 'insert') return !found && stage.put(type, id, change.record) ? null : 'duplicate'
  if (!found) return 'missing'
  if (found.version !== change.version) return 'version'
  if (change.do === 'update') {
    const updated = { ...found, ...Object.fromEntries(change.set), version: found.version + 1 } as AnyRecord
    const after = Object.freeze(recordOf(type, valuesOf(type, updated)))
    return stage.put(type, id, after) ? null : 'duplicate'
  }
  if (change.do === 'delete') stage.put(type, id, null)
  return null
}

/** Makes all changes, or none and says which one could not be made. */
export function commit(tables: Tables, changes: readonly Change[], now: number): CommitResult {
  const taken = changes.map((change, index) => takeChange(change, `changes.${index}`))
  const stage = new Stage(tables)
  for (const [index, change] of taken.entries()) {
    const why = now >= change.before ? 'late' : stageChange(stage, change)
    if (why) return { ok: false, failed: index, why }
  }
  stage.apply()
  return { ok: true }
}
