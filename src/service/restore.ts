import { eventRecord } from '../core/audit.js'
import { invalid } from '../core/errors.js'
import { isName } from '../core/name.js'
import { isInstant } from '../core/time.js'
import type { ServiceContext } from './context.js'
import { forgetRuns, redoApproval } from './restore/approvals.js'
import type { ApprovalEvent, ApprovalResult } from './restore/approvals.js'
import { redoKey } from './restore/keys.js'
import type { KeyLoss, KeyResult } from './restore/keys.js'
import { findLost } from './restore/trail.js'
import type { Trail } from './restore/trail.js'

/** What a restored store is mended by. */
export interface RestoreOptions {
  /** The lines that a sink has written, or events: all there are, or those from a while before the restored moment on. */
  readonly events: Trail
  /**
   * Passes over events before this instant, in milliseconds since 1970; needed where the table of events is pruned, as
   * what is not in it counts as forgotten.
   */
  readonly from?: number
  /** Names of apps that are not attached here, but elsewhere: what waits to be run in them is looked for, too. */
  readonly apps?: readonly string[]
  readonly onProgress?: (progress: RestoreProgress) => void
}

/** How far a restore has come. */
export interface RestoreProgress {
  readonly phase: 'reading' | 'mending'
  /** How many events were read so far. */
  readonly read: number
  readonly torn: number
  /** Of how many forgotten events it is known what to do; 0 while reading. */
  readonly mended: number
}

/** What a restore has done; a second one over the same trail finds nothing more to do. */
export interface RestoreReport {
  /** Change events in the trail. */
  readonly read: number
  /** Lines that are not whole: each may have been a revocation, so look at them. */
  readonly torn: number
  /** Events that the store had forgotten; they are in its audit trail again. */
  readonly forgotten: number
  /** What was done to keys again, change by change; `lost`: changes of keys that the store does not have. */
  readonly keys: Readonly<Record<Exclude<KeyResult, 'created'>, number>>
  /** `ended`: as the trail tells; `unknown`: a human has to look; `lost`: the store does not have them. */
  readonly approvals: Readonly<Record<Exclude<ApprovalResult, 'kept'>, number>>
  /** Keys whose new secret, or whose webhook, is lost: rotate them, or set it again. */
  readonly attention: readonly {
    readonly workspaceId: string
    readonly keyId: string
    readonly why: KeyLoss
  }[]
}

/**
 * Makes what a restored store has forgotten again, by a trail.
 *
 * @throws KeyrungError `input_invalid`; `conflict` where others are writing; `store_unavailable`
 */
export async function restoreStore(
  context: ServiceContext,
  attached: readonly string[],
  options: RestoreOptions,
): Promise<RestoreReport> {
  const { events: trail, from = 0, apps = [], onProgress = () => undefined } = options
  checkOptions({ events: trail, from, apps, onProgress })
  const lost = await findLost(context.store, trail, from, (read, torn) =>
    onProgress({ phase: 'reading', read, torn, mended: 0 }),
  )
  const { read, torn } = lost
  const keys = { edited: 0, rotated: 0, revoked: 0, activated: 0, deleted: 0, lost: 0, created: 0 }
  const approvals = { ended: 0, unknown: 0, lost: 0, kept: 0 }
  const attention = new Map<string, RestoreReport['attention'][number]>()
  const ofApprovals = new Map<string, ApprovalEvent[]>()
  let mended = 0
  const tell = (): void => onProgress({ phase: 'mending', read, torn, mended })

  for (const event of lost.events) {
    const { workspaceId, target } = event
    if (isOf(event, 'approval')) {
      const known = ofApprovals.get(target.id)
      if (known) known.push(event)
      else ofApprovals.set(target.id, [event])
      continue
    }
    if (isOf(event, 'key')) {
      const { result, losses } = await redoKey(context, event)
      keys[result]++
      for (const why of losses) {
        attention.set(`${why} ${target.id}`, { workspaceId, keyId: target.id, why })
      }
    } else await context.store.commit([{ do: 'insert', type: 'event', record: eventRecord(event) }])
    mended++
    tell()
  }
  for (const events of ofApprovals.values()) {
    approvals[await redoApproval(context, events)]++
    mended += events.length
    tell()
  }
  approvals.unknown += await forgetRuns(context, new Set([...attached, ...apps]), lost.workspaces)
  await context.settle()
  const { created: _, ...ofKeys } = keys
  const { kept: __, ...ofAll } = approvals
  const forgotten = lost.events.length
  return { read, torn, forgotten, keys: ofKeys, approvals: ofAll, attention: [...attention.values()] }
}

type Lost = Awaited<ReturnType<typeof findLost>>['events'][number]

function isOf<T extends Lost['target']['type']>(
  event: Lost,
  type: T,
): event is Extract<Lost, { readonly target: { readonly type: T } }> {
  return event.target.type === type
}

function checkOptions({ events, from, apps, onProgress }: Required<RestoreOptions>): void {
  const isTrail =
    typeof events === 'object' &&
    events !== null &&
    (Symbol.asyncIterator in events || Symbol.iterator in events)
  const faults = [
    ...(isTrail ? [] : [{ path: 'events', message: 'must be lines or events that can be iterated over' }]),
    ...(from === 0 || isInstant(from)
      ? []
      : [{ path: 'from', message: 'must be whole milliseconds since 1970' }]),
    ...(Array.isArray(apps) && apps.every(isName)
      ? []
      : [{ path: 'apps', message: 'must be names of apps' }]),
    ...(typeof onProgress === 'function' ? [] : [{ path: 'onProgress', message: 'must be a function' }]),
  ]
  if (faults.length > 0) throw invalid('input_invalid', faults)
}
