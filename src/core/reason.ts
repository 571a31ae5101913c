import { denial, type Decision, type Layer, type Reason, type Refusal } from './decision.js'
import { scopeNeeded, scopesNeeded, type Demand } from './demand.js'
import { blindLayer, lacksAccess, layerEffects, type Layers } from './layers.js'
import type { BoundPermission } from './permission.js'

const precedence: readonly Refusal[] = [
  'unknown_permission',
  'hidden',
  'not_entitled',
  'owner_insufficient',
  'insufficient',
]

/** Decides with all reasons, one for each permission; `evaluate` comes here when it cannot simply allow. */
export function judge(demand: Demand, layers: Layers): Decision {
  const { permissions, always } = demand
  if (permissions.length === 0 && lacksAccess(layers)) return denial('not_entitled')
  const reasons = [
    ...demand.unknown.map((permission): Reason => ({
      permission,
      effect: 'deny',
      code: 'unknown_permission',
    })),
    ...demand.bound.map((bound) => reasonFor(bound, layers, always)),
  ]
  for (const code of precedence) {
    const first = reasons.find((reason) => reason.code === code)
    if (first === undefined) continue
    const scopes = code === 'insufficient' ? scopesNeeded(demand) : []
    return { effect: 'deny', code, permissions, permission: first.permission, scopes, reasons }
  }
  const queued = reasons.filter(({ effect }) => effect === 'approval').map(({ permission }) => permission)
  return { effect: 'approval', permissions, queued, reasons }
}

function reasonFor(bound: BoundPermission, layers: Layers, always: boolean): Reason {
  const { permission } = bound
  const deny = (code: Refusal, layer: Layer): Reason => ({ permission, effect: 'deny', code, layer })
  const blind = blindLayer(bound, layers)
  if (blind !== undefined) return deny('hidden', blind)
  const effects = layerEffects(bound, layers)
  if (effects.plan === 'deny') return deny('not_entitled', 'plan')
  if (effects.owner === 'deny') return deny('owner_insufficient', 'owner')
  for (const layer of ['key', 'token', 'client'] as const) {
    if (effects[layer] !== 'deny') continue
    return { ...deny('insufficient', layer), scopes: [scopeNeeded(bound, always)] }
  }
  for (const layer of ['key', 'token', 'client', 'owner', 'plan'] as const) {
    if (effects[layer] === 'approval') return { permission, effect: 'approval', layer }
  }
  return always ? { permission, effect: 'approval', layer: 'operation' } : { permission, effect: 'allow' }
}
