import type { ApprovalView } from '../../src/service/approvals/view.js'
import { readApprovalSettings } from '../../src/service/approval-settings.js'
import type { ApprovalOptions } from '../../src/service/approval-settings.js'
import { copyReplayable } from '../../src/service/approvals/replayable.js'
import type { Awaiting, Queueing } from '../../src/http/gate-approval.js'
import type { Dispatcher, ReplayAnswer, ReplayTicket, StoredRequest } from '../../src/service/replay.js'
import { createHost } from './host.js'
import type { Host, HostSetup } from './host.js'

/** What a guard has queued. */
export interface QueuedRequest {
  readonly admission: Awaiting
  readonly request: StoredRequest
  readonly options: Parameters<Queueing['queue']>[2]
}

/** A host whose approvals are only noted, so that its requests can be looked at, and dispatched at will. */
export interface ReplayHost extends Host {
  readonly keyrung: Host['keyrung'] & Queueing & { attach(dispatcher: Dispatcher): void }
  readonly queued: QueuedRequest[]
  /** By their names, the last of each. */
  readonly dispatchers: Map<string, Dispatcher>
  /** Instead of queueing, if set. */
  refuse: (() => never) | undefined
  /** What `track` answers, and what it was asked. */
  tracked: { readonly waits: (number | undefined)[]; status: ApprovalView['status'] }
  /** Dispatches what was queued at this place into the app that is attached now. */
  replay(at?: number, change?: Partial<StoredRequest>): Promise<Replayed>
}

/** What came of a dispatch. */
export interface Replayed {
  readonly answer: ReplayAnswer
  readonly ticket: ReplayTicket
  readonly text: string
}

/** An approval that waits, as far as answers tell of it. */
function viewOf(id: string, { decision }: Awaiting, status: ApprovalView['status']): ApprovalView {
  return {
    ...{ id, status, queued: decision.queued, permissions: decision.permissions },
    ...{ digest: 'ab'.repeat(32), expiresAt: Date.parse('2030-01-31T12:00:00Z') },
  } as unknown as ApprovalView
}

/** Builds one on a memory store. */
export function createReplayHost(
  setup: HostSetup & { readonly approvals?: ApprovalOptions } = {},
  kind: Parameters<typeof createHost>[1] = 'memory',
): ReplayHost {
  const host = createHost(setup, kind)
  const queued: QueuedRequest[] = []
  const dispatchers = new Map<string, Dispatcher>()
  const settings = readApprovalSettings(setup.approvals, setup.http?.credentialHeader ?? null, [])
  const made: ReplayHost = Object.assign(host, {
    ...{ queued, dispatchers, refuse: undefined },
    tracked: { waits: [], status: 'pending' as const },
    keyrung: {
      ...host.keyrung,
      approvalSettings: settings,
      attach: (dispatcher: Dispatcher) => void dispatchers.set(dispatcher.name, dispatcher),
      attached: (app: object) => [...dispatchers.values()].find((one) => one.app === app)?.name ?? null,
      queue: async (admission: Awaiting, request: StoredRequest, options: QueuedRequest['options']) => {
        made.refuse?.()
        queued.push({ admission, request: copyReplayable(request, settings), options })
        return { approval: viewOf(`apr_${queued.length}`, admission, 'pending') }
      },
      approvals: {
        track: async (_principal: unknown, id: string, options?: { readonly waitMs?: number }) => {
          made.tracked.waits.push(options?.waitMs)
          return viewOf(id, queued.at(-1)!.admission, made.tracked.status)
        },
      },
    },
    async replay(at = 0, change = {}) {
      const { admission, request, options } = queued[at]!
      const ticket: ReplayTicket = {
        ...{ keyrung: made.keyrung, approvalId: `apr_${at + 1}`, principal: admission.principal },
        ...{ request, state: 'unused' },
        permissions: admission.decision.permissions.join(' '),
      }
      const answer = await dispatchers.get(options.app)!.dispatch({ ...request, ...change }, ticket, {
        maxBytes: 65_536,
        signal: new AbortController().signal,
      })
      return { answer, ticket, text: Buffer.from(answer.body).toString() }
    },
  }) as unknown as ReplayHost
  return made
}
