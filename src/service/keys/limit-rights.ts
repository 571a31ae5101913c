import { KeyrungError } from '../../core/errors.js'
import type { Fault } from '../../core/errors.js'
import type { KeyRecord } from '../../core/key.js'
import { raisesLimits, readLimitsText } from '../../core/key-limits.js'
import { limitsOfKey } from '../../core/limit-ceiling.js'
import type { LimitRule } from '../../core/limit.js'
import type { ServiceContext } from '../context.js'

type Needs = Pick<ServiceContext, 'keySettings' | 'rights'>
type Limited = Pick<KeyRecord, 'limits'>

/**
 * Says whether one key lets more through than another of the same workspace: by its own limits, and by those of plan
 * and host where it has none of its own.
 *
 * @throws KeyrungError `hook_failed`, `store_unavailable`
 */
export async function hasLooserLimits(
  { keySettings, rights }: Needs,
  workspaceId: string,
  before: Limited,
  after: Limited,
): Promise<boolean> {
  if (before.limits === after.limits) return false
  const plan = await rights.ofWorkspace(workspaceId)
  const of = ({ limits }: Limited): readonly LimitRule[] => {
    const own = readLimitsText(limits)
    if (own === undefined) throw new KeyrungError('store_unavailable', { internal: 'limits of a key' })
    return limitsOfKey(keySettings.limits, plan.limits, own)
  }
  return raisesLimits(of(before), of(after))
}

/** Limits that nobody counts would make the key useless, so they are refused where they are set. */
export function findLimitFaults({ limits }: Pick<ServiceContext, 'limits'>, set: Partial<Limited>): Fault[] {
  if (limits.counted || set.limits === undefined || set.limits === null) return []
  return [{ path: 'limits', message: 'need a limit store, which is not configured here' }]
}
