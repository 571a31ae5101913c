import type { ApprovalRecord } from '../../core/approval.js'
import type { KeyRecord, KeyRow } from '../../core/key.js'
import { isLastPage } from '../../ports/unread.js'
import type { Change, SettingRecord } from '../../ports/change.js'
import type { ServiceContext } from '../context.js'
import type { Job } from '../job.js'
import { mostAttempts } from '../keys/commit.js'
import { readKey } from '../keys/found.js'
import { readApproval } from './found.js'
import { judgeKey } from './recheck.js'
import { takeStep } from './step.js'
import { keyrungOf, purgeAfter, upkeepBatch } from './upkeep.js'

const prefix = 'sweep/'

/** Of what is to be swept only later: the instant follows, and then the key. */
const laterPrefix = 'sweep-at/'

/** How many approvals the change of a key looks at itself; the rest is left to the job. */
const mostAtOnce = 500

type KeyRef = Pick<KeyRecord, 'id' | 'workspaceId'>

/** What is left to do once a key has been changed: the approvals that it can no longer stand for are to be cancelled. */
export interface Sweep {
  /** Goes into the commit of the change, so that a crash leaves a note of what is to be done. */
  readonly note: readonly Change[]
  /** Cancels; it never throws, as what it leaves is done by the job, and no run goes on without a look at the key. */
  run(): Promise<void>
}

const nothing: Sweep = { note: [], run: () => Promise.resolve() }

/**
 * Prepares the sweep for a change of a key. It reads nothing: the note goes into every such commit, so that a revocation
 * never waits for a question about approvals.
 */
export function prepareSweep(context: ServiceContext, key: KeyRecord): Sweep {
  if (context.sealer === null) return nothing
  const { id: keyId, workspaceId, version } = key
  // A key comes to each version once.
  const note: SettingRecord = {
    id: `${prefix}${keyId}/${version}`,
    workspaceId,
    version: 1,
    value: keyId,
  }
  return {
    note: [{ do: 'insert', type: 'setting', record: note }],
    async run() {
      try {
        if (await sweepKey(context, key, mostAtOnce)) await removeNote(context, note)
      } catch {
        // The job finds the note and tries again.
      }
    },
  }
}

/**
 * The note that has a key swept once the grace period of a secret is over: until then it can stand for what was asked
 * with it.
 */
export function noteGrace(
  { sealer }: Pick<ServiceContext, 'sealer'>,
  { id: keyId, workspaceId, version }: Pick<KeyRecord, 'id' | 'workspaceId' | 'version'>,
  endsAt: number,
): readonly Change[] {
  if (sealer === null) return []
  const id = `${laterPrefix}${endsAt}/${keyId}/${version}`
  return [{ do: 'insert', type: 'setting', record: { id, workspaceId, version: 1, value: keyId } }]
}

const sweptStatuses = ['pending', 'approved'] as const

/**
 * Cancels what a key, as it is now, can no longer stand for; false where there is more than is looked at at once.
 *
 * @throws KeyrungError `store_unavailable`
 */
async function sweepKey(
  context: ServiceContext,
  { id: keyId, workspaceId }: KeyRef,
  most = Infinity,
): Promise<boolean> {
  const row = await readKey(context, workspaceId, keyId)
  let looked = 0
  for (const status of sweptStatuses) {
    let before: string | undefined
    for (;;) {
      const page = await context.store.listApprovals({
        ...{ workspaceId, keyId, status, limit: upkeepBatch },
        ...(before !== undefined && { before }),
      })
      for (const record of page) if (record.keyId === keyId) await cancelIfLost(context, record, row)
      looked += page.length
      if (isLastPage(page, upkeepBatch)) break
      if (looked >= most) return false
      before = page.at(-1)!.id
    }
  }
  return true
}

/** Tried again where somebody has voted meanwhile. */
async function cancelIfLost(
  context: ServiceContext,
  found: ApprovalRecord,
  row: KeyRow | undefined,
): Promise<void> {
  const outcome = judgeKey(context, found, row)
  if (outcome === null) return
  let record: ApprovalRecord | undefined = found
  for (let attempt = 0; record && attempt < mostAttempts; attempt++) {
    const at = await context.store.now()
    const taken = await takeStep(
      context,
      record,
      { edge: 'cancel', at, by: null, outcome, reason: null, purgeAt: purgeAfter(context, at) },
      { actor: keyrungOf(record) },
    )
    if (taken.ok || taken.why === 'closed') return
    record = await readApproval(context, record.workspaceId, record.id)
  }
}

async function removeNote({ store }: ServiceContext, { id, version }: SettingRecord): Promise<void> {
  await store.commit([{ do: 'delete', type: 'setting', id, expectVersion: version }])
}

/** The job that finishes what changes of keys have left: more than they look at, or all of it where they crashed. */
export function sweepJob(context: ServiceContext): Job {
  return {
    name: 'approvals of changed keys',
    idleMs: 10_000,
    async step() {
      const [note] = await context.store.findSettings(prefix)
      if (note === undefined) return { left: 'nothing' }
      await sweepNoted(context, note)
      return { left: 'more' }
    },
  }
}

/** The job that cancels what was asked with secrets whose grace period is over; nobody can approve or run it meanwhile. */
export function graceJob(context: ServiceContext): Job {
  return {
    name: 'approvals of rotated secrets',
    idleMs: 60_000,
    async step() {
      const notes = await context.store.findSettings(laterPrefix)
      const now = context.clock.now()
      for (const note of notes) if (endOf(note) <= now) await sweepNoted(context, note)
      return { left: 'nothing' }
    },
  }
}

async function sweepNoted(context: ServiceContext, note: SettingRecord): Promise<void> {
  await sweepKey(context, { id: note.value, workspaceId: note.workspaceId })
  await removeNote(context, note)
}

function endOf({ id }: SettingRecord): number {
  return Number(id.slice(laterPrefix.length).split('/', 1)[0])
}
