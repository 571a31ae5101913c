import * as z from 'zod/mini'
import type { AccessDiff } from '../../core/access-diff.js'
import type { Actor } from '../../core/actor.js'
import { adviseGrant } from '../../core/advice.js'
import type { UsedPermission } from '../../core/advice.js'
import { invalid } from '../../core/errors.js'
import { compileGrant, fullGrant } from '../../core/grant.js'
import { dayAt } from '../../core/usage.js'
import type { UsageRow } from '../../ports/usage-store.js'
import type { ServiceContext } from '../context.js'
import { readUsage, requireUsage } from '../usage.js'
import { formatDay } from '../usage-day.js'
import { countUpTo, objectOf, readFields } from './fields.js'
import { findForActor } from './found.js'

/** How far back to look. */
export interface AdviseInput {
  /** Today included: 1 to 366, and no more than usage is kept; 30, or as many as are kept, unless said otherwise. */
  readonly days?: number | undefined
}

/** How a key could be narrowed to what it was used for. */
export interface KeyAdvice<S extends string = string, P extends string = string> {
  /** The first day that was looked at, in UTC as `YYYY-MM-DD`: never before the key was made. */
  readonly from: string
  readonly to: string
  /** The key's version that this is about, for an edit that follows the advice. */
  readonly version: number
  /** The narrowest scopes that would have allowed all it did, within what it holds now. */
  readonly scopes: readonly S[]
  /** Scopes it holds of whose ladder nothing was used. */
  readonly unused: readonly S[]
  /** Scopes it holds that the catalogue does not know; an edit of its scopes takes them away. */
  readonly unknownScopes: readonly string[]
  /** What it used that the catalogue no longer has. */
  readonly unknownPermissions: readonly string[]
  /** What following the advice would change. */
  readonly diff: AccessDiff<P>
}

const usualDays = 30
const mostDays = 366

/** Advises the least that a key needs, to whoever may look at the key. */
export async function adviseKey(
  context: ServiceContext,
  given: Actor,
  id: unknown,
  input: unknown,
): Promise<KeyAdvice> {
  const { row, view, now } = await findForActor(context, given, 'get', id)
  requireUsage(context)
  const { catalog, usageSettings } = context
  const most = Math.min(mostDays, usageSettings.retentionDays)
  const { value, faults } = readFields(
    objectOf({ days: z.optional(countUpTo(most)) }),
    input === undefined ? {} : input,
  )
  if (!value) throw invalid('input_invalid', faults)
  const { days = Math.min(usualDays, most) } = value
  const toDay = dayAt(now)
  const fromDay = Math.min(toDay, Math.max(toDay - days + 1, dayAt(view.createdAt)))
  const whose = { workspaceId: view.workspaceId, keyId: view.id }
  const rows = await readUsage(context, { ...whose, fromDay, toDay }, 'days')
  const held = view.mode === 'full' ? fullGrant(catalog) : compileGrant(catalog, row.key.scopes)
  const { scopes, unused, unknown, diff } = adviseGrant(catalog, held, usedIn(rows))
  return {
    from: formatDay(fromDay),
    to: formatDay(toDay),
    version: view.version,
    ...{ scopes, unused, diff },
    unknownScopes: view.unknownScopes,
    unknownPermissions: unknown,
  }
}

/** What was refused, by a rule or by a limit, was not done. */
function* usedIn(rows: readonly UsageRow[]): Generator<UsedPermission, void> {
  for (const { permission, outcome } of rows) {
    if (permission !== '' && (outcome === 'allow' || outcome === 'approval'))
      yield { permission, effect: outcome }
  }
}
