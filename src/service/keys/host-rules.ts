import type { Fault } from '../../core/errors.js'
import type { ServiceContext } from '../context.js'
import { hookFailed, kindOf } from '../hook-failure.js'
import { attempt } from '../time-limit.js'

/** How long the host's `checkName` may take, in milliseconds. */
const hookLimitMs = 5_000

type Needs = Pick<ServiceContext, 'clock' | 'keySettings' | 'rights'>

/**
 * What the host's own rules and users have against a name or an owner; what is left out is not asked about.
 *
 * @throws KeyrungError `hook_failed`
 */
export async function findHostFaults(
  context: Needs,
  workspaceId: string,
  given: { readonly name?: string; readonly ownerId?: string | null },
): Promise<readonly Fault[]> {
  const name = given.name === undefined ? null : await findNameFault(context, workspaceId, given.name)
  const owner = given.ownerId ? await findOwnerFault(context, workspaceId, given.ownerId) : null
  return [
    ...(name === null ? [] : [{ path: 'name', message: name }]),
    ...(owner === null ? [] : [{ path: 'ownerId', message: owner }]),
  ]
}

async function findNameFault(
  { clock, keySettings }: Needs,
  workspaceId: string,
  name: string,
): Promise<string | null> {
  if (!keySettings.checkName) return null
  const answer = await attempt(clock, hookLimitMs, () => keySettings.checkName!(name, workspaceId))
  if (!answer.ok) throw hookFailed('checkName', answer.why, answer.cause)
  const said: unknown = answer.value
  if (said === true) return null
  if (said === false || said === '') return 'is not accepted here'
  if (typeof said === 'string') return said
  throw hookFailed('checkName', `answered ${kindOf(said)}, must be true or a text`)
}

/** An owner who cannot be looked up would cap nothing, so there has to be a directory. */
async function findOwnerFault(
  { rights }: Needs,
  workspaceId: string,
  ownerId: string,
): Promise<string | null> {
  if (!rights.hasDirectory) return 'needs a directory, which is not configured here'
  return (await rights.ofUser(ownerId, workspaceId)) ? null : 'is not a member of the workspace'
}
