import { workspaceOf } from '../core/actor.js'
import type { Actor } from '../core/actor.js'
import { limitOf, mergeLimits } from '../core/limit.js'
import type { Limit, LimitRule } from '../core/limit.js'
import { isPromise } from '../core/maybe-promise.js'
import type { ServiceContext } from './context.js'
import type { LimitsState } from './limit-outage.js'
import type { LimitSettings } from './limit-settings.js'
import type { Standings, StandingLimit } from './limit-standing.js'
import { admitActor } from './management.js'
import type { SourceState } from './source-allowance.js'

/** What limits a workspace, and how counting goes. */
export interface LimitsView {
  /** What holds for a key without limits of its own: the host's defaults, or the plan's of the same name. */
  readonly keys: readonly Limit[]
  /** What holds for all keys of the workspace together, and how it stands. */
  readonly workspace: readonly StandingLimit[]
  /** What holds for all keys in it that are bound to one user together. */
  readonly owner: readonly Limit[]
  /** How counting goes on this instance; null: nothing can be counted. */
  readonly counting: LimitsState | null
  /** What each source may present of credentials that are not valid, on this instance; null: any number. */
  readonly sources: (Omit<SourceState, 'rule'> & { readonly limit: Limit }) | null
}

/** What the view is made of. */
export interface LimitsParts {
  readonly context: Pick<
    ServiceContext,
    'catalog' | 'clock' | 'keyFormat' | 'keySettings' | 'rights' | 'store'
  >
  readonly settings: Pick<LimitSettings, 'owner'>
  counting(): LimitsState | null
  sources(): SourceState | null
  readonly standings: Standings
}

/** Makes the call that shows limits to whoever may list keys. */
export function createLimitsView(parts: LimitsParts): (actor: Actor) => Promise<LimitsView> {
  const { context, settings } = parts
  return async (actor) => {
    const workspaceId = workspaceOf(await admitActor(context, actor, 'list'))
    const plan = context.rights.ofWorkspace(workspaceId)
    const { limits } = isPromise(plan) ? await plan : plan
    const { rule, ...source } = parts.sources() ?? { rule: null }
    return {
      keys: shown(mergeLimits([context.keySettings.limits, limits])),
      workspace: await parts.standings.ofWorkspace(workspaceId),
      owner: shown(settings.owner),
      counting: parts.counting(),
      sources: rule === null ? null : { limit: limitOf(rule), ...(source as Omit<SourceState, 'rule'>) },
    }
  }
}

function shown(rules: readonly LimitRule[]): readonly Limit[] {
  return rules.map(limitOf)
}
