import type { AuditEvent } from '../../../src/core/audit.js'
import type { ApprovalEffect } from '../../../src/core/approval.js'
import { KeyrungError } from '../../../src/core/errors.js'
import type { Json } from '../../../src/core/plain-value.js'
import type { Store } from '../../../src/ports/store.js'
import { createKeyrung } from '../../../src/service/create-keyrung.js'
import type { StandardSchema } from '../../../src/service/operation.js'
import { eventLine } from '../../../src/sinks/event-line.js'
import { catalog } from '../../http/host.js'

export const ann = { type: 'user', id: 'ann', workspaceId: 'ws', role: 'admin' } as const

/** A database that can be set back to an earlier moment by its own means. */
export interface Past {
  open(): Store
  /** Sends one statement, and answers the first column of what comes back. */
  tell(statement: string): Promise<readonly string[]>
  readonly tables: string
  dispose(): Promise<void>
}

const anything: StandardSchema<Json> = {
  '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: value as Json }) },
}

/** A host whose trail is kept apart from its store. */
export async function startHost(store: Store, trail: string[], ran: string[]) {
  const keyrung = createKeyrung({
    ...{ catalog, store, secret: 'a secret of the host, long enough to be one' },
    keys: { prefix: 'tp' },
    ...{ freshness: 'strict', storeTimeoutMs: 15_000, usage: false, notify: () => undefined },
    sinks: [
      {
        name: 'trail',
        write: (events: readonly AuditEvent[]) => void trail.push(...events.map(eventLine)),
      },
    ],
  })
  await keyrung.ready({ migrate: true })
  const behaviors: (() => null)[] = []
  const operation = (effect: ApprovalEffect) =>
    keyrung.operation(`contacts.${effect}`, {
      ...{ permission: 'contacts:write', input: anything, effect },
      run(_, { approvalId }) {
        ran.push(approvalId!)
        return behaviors.shift()?.() ?? null
      },
    })
  const operations = {
    unsafe: operation('unsafe'),
    idempotent: operation('idempotent'),
    transactional: operation('transactional'),
  }
  let asked = 0
  return {
    keyrung,
    async makeKey(name: string, scopes: readonly string[] = ['contacts:write-approval']) {
      const { key, secret } = await keyrung.keys.create(ann, { name, scopes: scopes as ['contacts:write'] })
      return { id: key.id, secret: secret!, version: key.version }
    },
    async ask(secret: string, effect: ApprovalEffect) {
      const known = await keyrung.authenticate(secret)
      if (!known.ok) throw new Error(known.code)
      const queued = await operations[effect].call(known.principal, { n: ++asked })
      if (queued.status !== 'queued') throw new Error(queued.status)
      return queued.approval.id
    },
    /** Approves; with `fails`, its run answers in a way that tells nobody what it did. */
    async approve(id: string, { fails = false } = {}) {
      const { digest } = await keyrung.approvals.get(ann, id)
      if (fails) {
        behaviors.push(() => {
          throw new KeyrungError('hook_failed')
        })
      }
      return keyrung.approvals.approve(ann, id, { digest }, { waitMs: 10_000 })
    },
    async status(id: string) {
      const { status, outcome } = await keyrung.approvals.get(ann, id)
      return outcome === null ? status : `${status} ${outcome}`
    },
    async works(secret: string) {
      const known = await keyrung.authenticate(secret)
      return known.ok ? 'ok' : known.code
    },
  }
}

async function tablesOf({ tell, tables }: Past): Promise<readonly string[]> {
  const names = await tell(tables)
  return names.filter((name) => name.startsWith('keyrung_'))
}

/** Keeps a copy of all that there is now. */
export async function backUp(past: Past): Promise<void> {
  for (const name of await tablesOf(past))
    await past.tell(`create table bak_${name} as select * from ${name}`)
}

/** Sets all back to what it was. */
export async function setBack(past: Past): Promise<void> {
  for (const name of await tablesOf(past)) {
    await past.tell(`delete from ${name}`)
    await past.tell(`insert into ${name} select * from bak_${name}`)
  }
}
