import { appendFileSync, closeSync, fsyncSync, openSync } from 'node:fs'
import type Database from 'better-sqlite3'
import type pg from 'pg'
import * as z from 'zod'
import { defineCatalog } from '../../src/core/catalog.js'
import { ladders } from '../../src/core/ladder.js'
import type { Change } from '../../src/ports/change.js'
import type { Store } from '../../src/ports/store.js'
import { systemClock } from '../../src/ports/system-clock.js'
import { createKeyrung } from '../../src/service/create-keyrung.js'
import type { Keyrung } from '../../src/service/keyrung.js'
import { openStore } from './freshness-stores.js'
import type { Meeting } from './freshness-words.js'

/** What a process is told. */
export interface ApprovalHost {
  readonly meeting: Meeting
  /** Where what was done is counted, outside of the store. */
  readonly effects: string
  /** How far its clock is ahead: the leases of the process before it are over then. */
  readonly aheadMs: number
}

export const approver = { type: 'user', id: 'ann', workspaceId: 'acme', role: 'admin' } as const

const catalog = defineCatalog({ resources: { contacts: { ladder: ladders.crud } } })
const input = z.strictObject({ note: z.string() })

/**
 * Sets up a host with an operation of each effect.
 *
 * @param say hears of every step that is about to be taken or was taken
 */
export function openHost({ meeting, effects, aheadMs }: ApprovalHost, say: () => void) {
  const { store: inner, end } = openStore(meeting)
  const clock = { ...systemClock, now: () => Date.now() + aheadMs }
  const store: Store = {
    ...inner,
    async commit(changes: readonly Change[]) {
      say()
      const result = await inner.commit(changes)
      say()
      return result
    },
    async commitWith(changes, run) {
      say()
      const result = await inner.commitWith!(changes, (transaction) => {
        say()
        const answer = run(transaction)
        say()
        return answer
      })
      say()
      return result
    },
  }

  /** Is there for good before anybody is told. */
  function act(approvalId: string | null): void {
    say()
    appendFileSync(effects, `${approvalId}\n`)
    const file = openSync(effects, 'r')
    fsyncSync(file)
    closeSync(file)
    say()
  }

  const keyrung: Keyrung = createKeyrung({
    ...{ catalog, store, clock },
    secret: 'a secret of the host, for proofs only',
    keys: { prefix: 'tp' },
    approvals: { leaseMs: 60_000, maxPending: 10_000 },
    notify: () => undefined,
  }) as unknown as Keyrung
  const permission = 'contacts:write' as never
  const operations = {
    unsafe: keyrung.operation('do.unsafe', {
      ...{ permission, input },
      run: (_, { approvalId }) => act(approvalId),
    }),
    idempotent: keyrung.operation('do.idempotent', {
      ...{ permission, input, effect: 'idempotent' },
      run: (_, { approvalId }) => act(approvalId),
    }),
    transactional: keyrung.operation('do.transactional', {
      ...{ permission, input, effect: 'transactional' },
      run(_, { approvalId, transaction }) {
        const text = `insert into done (id) values ('${approvalId}')`
        if (meeting.kind === 'sqlite') return void (transaction as Database.Database).exec(text)
        return (transaction as pg.PoolClient).query(text).then(() => undefined)
      },
    }),
  }
  return { keyrung, operations, store: inner, end }
}

/**
 * Queues, approves and runs until it is killed. Prints `queued` and `approved` with an approval's id as each is
 * promised, and a dot at every step, so that it can be killed anywhere in between.
 */
async function work(host: ApprovalHost): Promise<never> {
  const write = (line: string): void => void process.stdout.write(`${line}\n`)
  const { keyrung, operations } = openHost(host, () => write('.'))
  await keyrung.ready()
  const { secret } = await keyrung.keys.create(approver, {
    name: 'agent',
    scopes: ['contacts:write-approval'] as never,
  })
  const authenticated = await keyrung.authenticate(secret)
  if (!authenticated.ok) throw new Error(authenticated.code)
  write('ready')
  const worker = keyrung.run()
  void worker
  for (let round = 0; ; round++) {
    const queued = Object.entries(operations).map(async ([effect, operation]) => {
      const answer = await operation.call(authenticated.principal, {
        note: `${effect} ${round} of ${process.pid}`,
      })
      if (answer.status !== 'queued') throw new Error(`${effect}: ${answer.status}`)
      const { id, digest } = answer.approval
      write(`queued ${id}`)
      await keyrung.approvals.approve(approver, id, { digest })
      write(`approved ${id}`)
    })
    await Promise.all(queued)
  }
}

const told = process.env['KEYRUNG_APPROVAL_HOST']
if (told !== undefined) await work(JSON.parse(told) as ApprovalHost)
