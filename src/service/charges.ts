import type { Demand } from '../core/demand.js'
import { KeyrungError } from '../core/errors.js'
import { Generations } from '../core/generations.js'
import type { KeyRecord } from '../core/key.js'
import { createBounded } from '../core/bounded.js'
import { formatLimits, readLimitsText } from '../core/key-limits.js'
import { limitsOfKey } from '../core/limit-ceiling.js'
import type { LimitRule } from '../core/limit.js'
import type { LimitCharge, LimitRequest } from '../ports/limit-store.js'

/** The most keys whose charges are kept ready. */
const maxPrepared = 10_000

/** The limits that a host has configured. */
export interface ConfiguredLimits {
  /** The defaults of each key. */
  readonly keys: readonly LimitRule[]
  readonly workspace: readonly LimitRule[]
  readonly owner: readonly LimitRule[]
}

/** What of a demand decides what it costs. */
export interface Chargeable extends Pick<Demand, 'cost' | 'limit'> {
  /** How much of its cost was charged already, to all but the operation's own limit. */
  readonly paid?: number
}

/** What requests cost whom. */
export interface Charges {
  /**
   * What a request costs; null: nothing that anybody counts.
   *
   * @param plan the limits of the workspace's plan
   * @throws KeyrungError `store_unavailable` for a key whose own limits cannot be read
   */
  of(key: KeyRecord, plan: readonly LimitRule[], demand: Chargeable): LimitRequest | null
}

/** What a key is counted under. */
export function keySubject(keyId: string): string {
  return `key:${keyId}`
}

/** What a key's use of an operation with a limit of its own is counted under. */
export function operationSubject(limitName: string, keyId: string): string {
  return `operation:${limitName}:${keyId}`
}

/** Everything about a key that decides what it is charged, and what came of it. */
interface Prepared {
  readonly workspaceId: string
  readonly ownerId: string | null
  readonly limits: string | null
  readonly plan: readonly LimitRule[]
  /** For an operation that costs 1 and has no limit of its own. */
  readonly usual: LimitRequest | null
}

/** Makes the part of the meter that says what a request costs whom; it asks nobody. */
export function createCharges({ keys, workspace, owner }: ConfiguredLimits): Charges {
  const prepared = new Generations<Prepared>(maxPrepared)
  const someAreShared = workspace.length > 0 || owner.length > 0

  // Equal lists come out as one value, so that neither plans that are read anew nor many keys take more room.
  const merged = createBounded(1_000, (text) => {
    const [plan, own] = (JSON.parse(text) as [string | null, string | null]).map(readLimitsText)
    if (plan === undefined || own === undefined) {
      throw new KeyrungError('store_unavailable', { internal: 'the limits of a key are no list of limits' })
    }
    return Object.freeze(limitsOfKey(keys, plan, own))
  })

  function prepare(key: KeyRecord, plan: readonly LimitRule[]): Prepared {
    const { id, workspaceId, ownerId, limits } = key
    const isPlain = plan.length === 0 && limits === null
    const rules = isPlain ? keys : merged(JSON.stringify([formatLimits(plan), limits]))
    const charges: LimitCharge[] = []
    if (rules.length > 0) charges.push({ subject: keySubject(id), rules, cost: 1 })
    if (owner.length > 0 && ownerId !== null) {
      charges.push({ subject: `owner:${ownerId}`, rules: owner, cost: 1 })
    }
    if (workspace.length > 0) charges.push({ subject: 'workspace', rules: workspace, cost: 1 })
    const made = {
      ...{ workspaceId, ownerId, limits, plan },
      usual: charges.length === 0 ? null : { workspaceId, charges },
    }
    prepared.set(id, made)
    return made
  }

  /** One list for each operation's limit, so that a store can know it again. */
  const operations = new WeakMap<LimitRule, readonly LimitRule[]>()

  function special(key: KeyRecord, { usual }: Prepared, demand: Chargeable): LimitRequest | null {
    const { cost, limit, paid = 0 } = demand
    const rest = cost - paid
    const charges = rest > 0 ? (usual?.charges ?? []).map((charge) => ({ ...charge, cost: rest })) : []
    if (limit !== null) {
      let rules = operations.get(limit)
      if (rules === undefined) operations.set(limit, (rules = Object.freeze([limit])))
      charges.push({ subject: operationSubject(limit.name, key.id), rules, cost })
    }
    return charges.length === 0 ? null : { workspaceId: key.workspaceId, charges }
  }

  return {
    of(key, plan, demand) {
      if (demand.cost === 0) return null
      const isLimited = someAreShared || keys.length > 0 || plan.length > 0 || key.limits !== null
      if (!isLimited && demand.limit === null) return null
      let known = prepared.use(key.id)
      if (
        known === undefined ||
        known.plan !== plan ||
        known.limits !== key.limits ||
        known.ownerId !== key.ownerId ||
        known.workspaceId !== key.workspaceId
      ) {
        known = prepare(key, plan)
      }
      return demand.cost === 1 && demand.limit === null && !demand.paid
        ? known.usual
        : special(key, known, demand)
    },
  }
}
