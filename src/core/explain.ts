import type { Decision, Layer } from './decision.js'
import { scopesNeeded, type Demand } from './demand.js'
import { evaluate } from './evaluate.js'
import { layerEffects, levelAt, type Layers } from './layers.js'
import type { BoundPermission, Effect } from './permission.js'
import type { Scope } from './resource.js'

/** What one layer says to one permission. */
export interface LayerFinding {
  readonly layer: Layer
  readonly permission: string
  /** The rung the layer reaches on the permission's ladder, null for none (and for the operation itself). */
  readonly rung: string | null
  readonly effect: Effect
}

/** A decision with everything that led to it: for operators, not for callers. */
export interface Explanation {
  readonly decision: Decision
  /** Every layer that has a say, for every permission. */
  readonly layers: readonly LayerFinding[]
  /** The layer the decision fell on; null if the demand itself is at fault. */
  readonly decidedBy: Layer | null
  /** Scopes with which the credential would get through or be queued; null where none would help. */
  readonly enough: readonly Scope[] | null
}

/**
 * Tells how a decision comes about, and what would be enough.
 *
 * @example
 * ```ts
 * const { levels } = compileGrant(catalog, 'contacts:read')
 * const { decidedBy, enough } = explain(createDemand(catalog, 'contacts:write'), { key: levels })
 * ```
 */
export function explain(demand: Demand, layers: Layers): Explanation {
  const decision = evaluate(demand, layers)
  const findings = demand.bound.flatMap((bound) => findingsOf(bound, layers, demand.always))
  const hopeless = findings.some(
    ({ layer, effect }) => effect === 'deny' && (layer === 'plan' || layer === 'owner'),
  )
  const closed = decision.effect === 'deny' && decision.permission === null
  return {
    decision,
    layers: findings,
    decidedBy: decidingLayer(decision),
    enough: hopeless || closed || demand.unknown.length > 0 ? null : scopesNeeded(demand),
  }
}

function findingsOf(bound: BoundPermission, layers: Layers, always: boolean): LayerFinding[] {
  const { permission } = bound
  const effects = layerEffects(bound, layers)
  const findings: LayerFinding[] = []
  for (const layer of ['key', 'token', 'client', 'owner', 'plan'] as const) {
    const levels = layers[layer]
    const closed = layer === 'plan' && effects.plan === 'deny'
    if (levels === undefined && !closed) continue
    const level = levels === undefined ? 0 : levelAt(levels, bound.slot)
    findings.push({ layer, permission, rung: bound.rungs[level - 1] ?? null, effect: effects[layer] })
  }
  if (always) findings.push({ layer: 'operation', permission, rung: null, effect: 'approval' })
  return findings
}

function decidingLayer(decision: Decision): Layer | null {
  if (decision.effect === 'allow') return 'key'
  if (decision.effect === 'approval') {
    return decision.reasons.find(({ effect }) => effect === 'approval')?.layer ?? 'operation'
  }
  if (decision.permission === null) return 'plan'
  return decision.reasons.find(({ permission }) => permission === decision.permission)?.layer ?? null
}
