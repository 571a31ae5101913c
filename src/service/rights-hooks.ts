import type { AnyCatalog } from '../core/catalog.js'
import { anyPlan, parseEntitlement } from '../core/entitlement.js'
import type { Plan } from '../core/entitlement.js'
import { invalid, KeyrungError } from '../core/errors.js'
import { grantOf } from '../core/grant.js'
import type { Grant } from '../core/grant.js'
import { isPromise } from '../core/maybe-promise.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import type { Clock } from '../ports/clock.js'
import type { Directory } from '../ports/directory.js'
import type { Entitlements } from '../ports/entitlements.js'
import type { Lease } from './lease.js'
import { hookFailed, hookMisanswered } from './hook-failure.js'
import { createLeased } from './leased.js'
import type { Notify } from './notice.js'
import type { Rights, UserStanding } from './rights.js'
import { errorWord, late, within } from './time-limit.js'

/** What the rights are looked up with. */
export interface RightsOptions {
  readonly catalog: AnyCatalog
  readonly directory: Directory | undefined
  readonly entitlements: Entitlements | undefined
  readonly lease: Lease
  readonly clock: Clock
  /** How long a hook may take, in milliseconds. */
  readonly timeoutMs: number
  readonly notify: Notify
}

/** Rights whose leased answers can be dropped. */
export interface HookedRights extends Rights {
  changed(what: { readonly workspaceId: string } | { readonly userId: string }): Promise<void>
}

const bounds = { max: 10_000, maxMissing: 1_000 }

/** Puts the host's hooks behind a lease, a time limit and a check of what they answer. */
export function createRights(options: RightsOptions): HookedRights {
  const { catalog, directory, entitlements, lease, clock, timeoutMs, notify } = options

  const failed = (error: KeyrungError): KeyrungError => {
    const message = `The hook ${error.internal!}; requests that need it are answered 503.`
    notify({ code: 'hook_failing', message, error })
    return error
  }

  const reported = new Set<string>()
  /** Tells once of each scope that grants nothing, as it may be misspelled. */
  function knownOf(hook: string, grant: Grant): Grant {
    for (const scope of grant.unknown) {
      const message = `${hook} answered the scope ${JSON.stringify(scope)}, which the catalog does not know: it grants nothing.`
      if (reported.size < 1_000 && !reported.has(message)) notify({ code: 'unknown_scopes', message })
      reported.add(message)
    }
    return grant
  }

  /** Calls a hook: `read` makes sense of its answer, or throws. */
  function call<A, T>(hook: string, ask: () => MaybePromise<A>, read: (answer: A) => T): MaybePromise<T> {
    const sense = (answer: A): T => {
      try {
        return read(answer)
      } catch (error) {
        throw failed(hookMisanswered(hook, error))
      }
    }
    let answer: MaybePromise<A>
    try {
      answer = ask()
    } catch (error) {
      throw failed(hookFailed(hook, `threw ${errorWord(error)}`, error))
    }
    if (!isPromise(answer)) return sense(answer)
    return within(clock, timeoutMs, answer).then(
      (came) => {
        if (came === late) throw failed(hookFailed(hook, `gave no answer in ${timeoutMs} ms`))
        return sense(came)
      },
      (error: unknown) => {
        throw failed(hookFailed(hook, `rejected with ${errorWord(error)}`, error))
      },
    )
  }

  const users = createLeased<UserStanding | null>({
    ...bounds,
    clock,
    leaseMs: () => lease.readMs(),
    load(key) {
      const { workspaceId, userId } = splitKey(key)
      return call(
        'directory.rightsOf',
        () => directory!.rightsOf(userId, workspaceId),
        (rights) => {
          if (rights === null) return null
          if (typeof rights.role !== 'string') {
            throw invalid('input_invalid', [{ path: 'role', message: 'must be a text' }])
          }
          const grant = knownOf('directory.rightsOf', grantOf(catalog, rights.scopes))
          return { role: rights.role, grant }
        },
      )
    },
  })

  const plans = createLeased<Plan>({
    ...bounds,
    clock,
    leaseMs: () => lease.readMs(),
    load: (workspaceId) =>
      call(
        'entitlements.of',
        () => entitlements!.of(workspaceId),
        (answer) => {
          const plan = parseEntitlement(catalog, answer)
          if (plan.ceiling) knownOf('entitlements.of', plan.ceiling)
          return plan
        },
      ),
  })

  return {
    hasDirectory: directory !== undefined,
    ofUser(userId, workspaceId) {
      // Without a directory nobody can vouch for a user.
      return directory ? users.get(joinKey(workspaceId, userId)) : null
    },
    ofWorkspace: (workspaceId) => (entitlements ? plans.get(workspaceId) : anyPlan),
    async changed(what) {
      const { workspaceId, userId } = what as { workspaceId?: unknown; userId?: unknown }
      if ((typeof workspaceId === 'string') === (typeof userId === 'string')) {
        throw new KeyrungError('input_invalid', {
          message: 'Say what has changed: { workspaceId } or { userId }.',
        })
      }
      if (workspaceId !== undefined) plans.drop((key) => key === workspaceId)
      users.drop((key) => {
        const parts = splitKey(key)
        return userId === undefined ? parts.workspaceId === workspaceId : parts.userId === userId
      })
      await lease.settle()
    },
  }
}

/** One text for two ids; the length in front keeps `a` + `bc` and `ab` + `c` apart. */
function joinKey(workspaceId: string, userId: string): string {
  return `${workspaceId.length}:${workspaceId}${userId}`
}

function splitKey(key: string): { workspaceId: string; userId: string } {
  const colon = key.indexOf(':')
  const end = colon + 1 + Number(key.slice(0, colon))
  return { workspaceId: key.slice(colon + 1, end), userId: key.slice(end) }
}
