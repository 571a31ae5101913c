import type { KeyRecord } from '../core/key.js'
import { limitOf } from '../core/limit.js'
import type { Limit, LimitRule } from '../core/limit.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import type { LimitAnswer, LimitCharge, LimitRequest } from '../ports/limit-store.js'
import type { Charges } from './charges.js'
import { operationSubject } from './charges.js'

/** A limit and how it stands; null each: it cannot be told now, as the limit store is away. */
export type StandingLimit = Limit & {
  /** What counts in the present window. What instances have debited ahead and not spent yet counts as used. */
  readonly used: number | null
  readonly remaining: number | null
  /** In how many milliseconds all of it can be used again, if nothing more is spent. */
  readonly resetMs: number | null
}

/** How everything stands that limits a key. */
export interface KeyLimits {
  /** Its own: the host's defaults, the plan's and those of the key, merged by name. */
  readonly key: readonly StandingLimit[]
  /** What holds for all keys in the workspace that are bound to the same user; none for a key without an owner. */
  readonly owner: readonly StandingLimit[]
  /** What holds for all keys of the workspace together. */
  readonly workspace: readonly StandingLimit[]
  /** Of operations with a limit of their own that this instance guards. */
  readonly operations: readonly StandingLimit[]
}

/** What standings are found with. */
export interface StandingParts {
  readonly charges: Charges
  readonly workspace: readonly LimitRule[]
  /** The limits of operations that are known here. */
  operations(): Iterable<LimitRule>
  /** Asks the limit store and spends nothing; null: it is away. */
  look(request: LimitRequest): MaybePromise<LimitAnswer | null>
}

/** Tells how limits stand, without spending anything. */
export interface Standings {
  /** @param plan the limits of the workspace's plan */
  ofKey(key: KeyRecord, plan: readonly LimitRule[]): Promise<KeyLimits>
  ofWorkspace(workspaceId: string): Promise<readonly StandingLimit[]>
}

/** Makes the part of the meter that tells how limits stand. */
export function createStandings({ charges, workspace, operations, look }: StandingParts): Standings {
  async function find(
    workspaceId: string,
    asked: readonly LimitCharge[],
  ): Promise<readonly (readonly StandingLimit[])[]> {
    if (asked.length === 0) return []
    const answer = await look({ workspaceId, charges: asked.map((charge) => ({ ...charge, cost: 0 })) })
    let at = 0
    return asked.map(({ rules }) => rules.map((rule) => standingOf(rule, answer, at++)))
  }

  return {
    async ofKey(key, plan) {
      const usual = charges.of(key, plan, { cost: 1, limit: null })?.charges ?? []
      const own = [...operations()].map((rule): LimitCharge => {
        return { subject: operationSubject(rule.name, key.id), rules: [rule], cost: 0 }
      })
      const asked = [...usual, ...own]
      const found = await find(key.workspaceId, asked)
      const of = (prefix: string): readonly StandingLimit[] =>
        asked.flatMap(({ subject }, i) => (subject.split(':')[0] === prefix ? found[i]! : []))
      return {
        ...{ key: of('key'), owner: of('owner'), workspace: of('workspace') },
        operations: of('operation'),
      }
    },
    async ofWorkspace(workspaceId) {
      if (workspace.length === 0) return []
      const [standing] = await find(workspaceId, [{ subject: 'workspace', rules: workspace, cost: 0 }])
      return standing!
    },
  }
}

function standingOf(rule: LimitRule, answer: LimitAnswer | null, at: number): StandingLimit {
  const meter = answer?.meters[at]
  if (!answer || !meter) return { ...limitOf(rule), used: null, remaining: null, resetMs: null }
  const { used, remaining, resetAt } = meter
  return { ...limitOf(rule), used, remaining, resetMs: Math.max(0, resetAt - answer.now) }
}
