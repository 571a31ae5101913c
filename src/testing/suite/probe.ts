import type { Change, CommitResult, RecordType, Records, Settable } from '../../ports/change.js'
import type { Store } from '../../ports/store.js'
import { expectEqual } from './expect.js'
import { digestOf, idOf, someInstant } from './records.js'

/** An update of some columns. */
export function update<T extends RecordType>(
  type: T,
  id: string,
  expectVersion: number,
  set: Settable<T>,
): Change {
  return { do: 'update', type, id, expectVersion, set } as unknown as Change
}

/** A removal. */
export function remove(type: RecordType, id: string, expectVersion: number): Change {
  return { do: 'delete', type, id, expectVersion }
}

/** A look at a version. */
export function check(type: RecordType, id: string, version: number): Change {
  return { do: 'check', type, id, version }
}

/** An addition to a counter. */
export function add(name: string, delta: number, max: number | null = null): Change {
  return { do: 'counter', name, delta, max }
}

/** Commits what has to succeed for the case to go on. */
export async function commitAll(store: Store, ...changes: readonly Change[]): Promise<void> {
  expectEqual(await store.commit(changes), { ok: true }, 'a commit that nothing stands against')
}

/** Commits what has to be refused, for this reason and at this place. */
export async function expectRefused(
  store: Store,
  changes: readonly Change[],
  failed: number,
  why: Extract<CommitResult, { ok: false }>['why'],
): Promise<void> {
  expectEqual(
    await store.commit(changes),
    { ok: false, failed, why },
    `a commit that is to be refused as ${why}`,
  )
}

/** Says whether a record is there, at exactly this version. */
export async function stands(store: Store, type: RecordType, id: string, version: number): Promise<boolean> {
  return (await store.commit([check(type, id, version)])).ok
}

/** Fails unless a counter has this value; nothing is changed by looking. */
export async function expectCounter(store: Store, name: string, value: number): Promise<void> {
  // The last change always fails, so that none of it is kept; which one failed first tells the value.
  const never = check('setting', 'there-is-no-such-setting', 1)
  await expectRefused(store, [add(name, 0, value), never], 1, 'missing')
  await expectRefused(store, [add(name, 0, value - 1), never], 0, 'limit')
}

/** All that the suite's first records, workspaces and names lead to, as plain data, for comparing before and after. */
export async function dump(store: Store): Promise<unknown> {
  const workspaces = ['ws_1', 'ws_2', '']
  const numbers = Array.from({ length: 12 }, (_, number) => number)
  const lists = []
  for (const workspaceId of workspaces) {
    lists.push(await store.listKeys({ workspaceId, limit: 1_000 }))
    lists.push(await store.listEvents({ workspaceId, limit: 1_000 }))
    lists.push(await store.listApprovals({ workspaceId, limit: 1_000 }))
    lists.push(await store.listDeliveries({ workspaceId, limit: 1_000 }))
  }
  const due = { kind: 'sink', now: someInstant * 2, limit: 1_000 } as const
  const credentials = [...(await store.findCredentials(numbers.map(digestOf)))]
  const rows = []
  for (const number of numbers) {
    rows.push(await store.findCredentialById(idOf('sec', number)))
    rows.push(await store.findIdempotency(`idempotency-${number}`))
    for (let version = 1; version < 4; version++) {
      rows.push(await stands(store, 'tombstone', idOf('key', number), version))
    }
  }
  rows.push(await store.findApprovalContent('ws_1', idOf('apr', 1)))
  rows.push(await store.listVotes(idOf('apr', 1)))
  return {
    lists,
    rows,
    credentials: credentials.sort((a, b) => (a.secret.id < b.secret.id ? -1 : 1)),
    secrets: await store.countSecrets(),
    messages: [
      await store.listDueMessages({ ...due, destination: 'console' }),
      await store.listDueMessages({ ...due, destination: 'file' }),
      await store.countMessages(),
    ],
    settings: await store.findSettings(''),
  }
}

/** Reads one record by whatever question finds it, for kinds that have one. */
export async function readBack<T extends RecordType>(
  store: Store,
  type: T,
  record: Records[T],
): Promise<Records[T] | undefined> {
  const { id, workspaceId } = record
  const found = await find()
  return found as Records[T] | undefined

  async function find(): Promise<unknown> {
    if (type === 'key') return (await store.findKey(workspaceId, id))?.key
    if (type === 'secret') return (await store.findCredentialById(id))?.secret
    if (type === 'event') {
      return (await store.listEvents({ workspaceId, limit: 1_000 })).find((event) => event.id === id)
    }
    if (type === 'message') {
      const { kind, destination } = record as Records['message']
      const request = { kind, destination, now: someInstant * 2, limit: 1_000 }
      return (await store.listDueMessages(request)).find((message) => message.id === id)
    }
    if (type === 'idempotency') return store.findIdempotency(id)
    if (type === 'approval') return store.findApproval(workspaceId, id)
    if (type === 'approvalContent') return store.findApprovalContent(workspaceId, id)
    if (type === 'vote') {
      const votes = await store.listVotes((record as Records['vote']).approvalId)
      return votes.find((vote) => vote.id === id)
    }
    if (type === 'delivery') return store.findDelivery(workspaceId, id)
    if (type === 'setting') return (await store.findSettings(id)).find((setting) => setting.id === id)
    return (await stands(store, type, id, record.version)) ? record : undefined
  }
}
