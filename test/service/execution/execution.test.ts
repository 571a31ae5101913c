import { expect, test } from 'vitest'
import { KeyrungError } from '../../../src/core/errors.js'
import { admin } from '../keys/fixture.js'
import { stores } from '../keys/stores.js'
import {
  approved,
  createApprovalWorld,
  createInstance,
  read,
  request,
  resultOf,
  standing,
  stepsOf,
} from './fixture.js'

const inMemory = () => createApprovalWorld()

test.each(stores)('on %s an approved operation runs once, and its result is kept', async (_, store) => {
  const world = await createApprovalWorld({ store })
  const ran: unknown[] = []
  const { execution } = createInstance(world, {
    operations: {
      'contacts.merge': { run: (input, { approvalId }) => (ran.push([input, approvalId]), { ok: 1 }) },
    },
  })
  const { id } = await approved(world, { input: { b: 1, a: [2] } })
  await execution.wake(id, 'ws')
  await execution.wake(id, 'ws')
  await execution.wake(id)
  expect(ran).toEqual([[{ a: [2], b: 1 }, id]])
  expect(await read(world, id)).toMatchObject({
    ...{ status: 'succeeded', outcome: 'done', lane: 'ended', fence: 1, resultStatus: null },
    ...{
      startedAt: world.clock.now(),
      endedAt: world.clock.now(),
      dueAt: world.clock.now() + 30 * 86_400_000,
    },
  })
  expect(await resultOf(world, id)).toEqual({
    ...{ contentType: 'application/json', body: '{"ok":1}', isTruncated: false },
  })
  expect(await stepsOf(world, id)).toEqual(['started', 'succeeded'])
})

test('fifty instances that are woken at once run an operation once', async () => {
  const world = await inMemory()
  let ran = 0
  const operations = { 'contacts.merge': { run: () => void ran++ } }
  const instances = Array.from({ length: 50 }, () => createInstance(world, { operations }))
  const { id } = await approved(world)
  await Promise.all(instances.map(({ execution }) => execution.wake(id, 'ws')))
  expect(ran).toBe(1)
  expect(await stepsOf(world, id)).toEqual(['started', 'succeeded'])
})

test('a request is dispatched as it is stored, on behalf of whoever asked', async () => {
  const world = await inMemory()
  const seen: unknown[] = []
  const { execution } = createInstance(world, {
    app(given, ticket) {
      seen.push(given, { ...ticket })
      ticket.state = 'admitted'
      return {
        status: 201,
        contentType: 'text/plain',
        body: new TextEncoder().encode('made'),
        isTruncated: true,
      }
    },
  })
  const { id } = await approved(world, { kind: 'replay' })
  await execution.wake(id, 'ws')
  expect(seen).toEqual([
    request,
    {
      ...{
        keyrung: world,
        approvalId: id,
        request,
        permissions: 'contacts:write',
      },
      state: 'unused',
      principal: {
        ...{
          type: 'key',
          keyId: world.key.id,
          secretId: world.key.secretId,
          keyName: 'CI',
          workspaceId: 'ws',
        },
        ...{ environment: 'live', ownerId: null, address: null },
        ...{ scopes: ['contacts:write-approval'], metadata: {} },
      },
    },
  ])
  expect(await read(world, id)).toMatchObject({ status: 'succeeded', resultStatus: 201 })
  expect(await resultOf(world, id)).toEqual({ contentType: 'text/plain', body: 'made', isTruncated: true })
})

const answers = [
  [204, 'admitted', 'unsafe', 'succeeded done'],
  [302, 'admitted', 'unsafe', 'failed refused_by_handler'],
  [422, 'admitted', 'idempotent', 'failed refused_by_handler'],
  [503, 'admitted', 'unsafe', 'unknown handler_failed'],
  [503, 'admitted', 'idempotent', 'executing'],
  [101, 'admitted', 'unsafe', 'unknown handler_failed'],
  [200, 'unused', 'unsafe', 'unknown route_changed'],
  [200, 'unused', 'idempotent', 'unknown route_changed'],
  [404, 'unused', 'unsafe', 'stale route_changed'],
  [405, 'unused', 'idempotent', 'stale route_changed'],
  [404, 'admitted', 'unsafe', 'failed refused_by_handler'],
  [401, 'unused', 'unsafe', 'failed refused_by_handler'],
  [307, 'unused', 'unsafe', 'failed refused_by_handler'],
  [500, 'unused', 'idempotent', 'unknown handler_failed'],
  [403, 'changed', 'unsafe', 'stale route_changed'],
  [200, 'changed', 'idempotent', 'stale route_changed'],
  [412, 'body_changed', 'unsafe', 'stale body_changed'],
  [200, 'body_changed', 'idempotent', 'stale body_changed'],
  [null, 'body_changed', 'unsafe', 'stale body_changed'],
  [null, 'unused', 'idempotent', 'unknown no_answer'],
  [null, 'admitted', 'unsafe', 'unknown no_answer'],
  [null, 'admitted', 'idempotent', 'executing'],
  [null, 'changed', 'unsafe', 'stale route_changed'],
] as const

test.each(answers)(
  'an answer %s with a ticket %s to what is %s is %s',
  async (status, state, effect, came) => {
    const world = await inMemory()
    const { execution } = createInstance(world, {
      app(_, ticket) {
        ticket.state = state
        if (status === null) throw new Error('no answer')
        return { status, contentType: null, body: new Uint8Array(), isTruncated: false }
      },
    })
    const { id } = await approved(world, { kind: 'replay', effect })
    await execution.wake(id, 'ws')
    expect(await standing(world, id)).toBe(came)
  },
)

test('what may be repeated goes under one key, the approval, with each repetition', async () => {
  const world = await inMemory()
  const keys: unknown[] = []
  const { execution, work } = createInstance(world, {
    app({ headers }, ticket) {
      ticket.state = 'admitted'
      keys.push(headers.filter(([name]) => name === 'idempotency-key'))
      const status = keys.length < 3 ? 500 : 200
      return { status, contentType: null, body: new Uint8Array(), isTruncated: false }
    },
  })
  const { id } = await approved(world, { kind: 'replay', effect: 'idempotent' })
  await execution.wake(id, 'ws')
  for (let i = 0; i < 2; i++) {
    await work()
    expect(keys).toHaveLength(i + 1)
    await world.clock.advance(10_000)
    await work()
  }
  expect(await read(world, id)).toMatchObject({ status: 'succeeded', fence: 3 })
  expect(keys).toEqual(Array.from({ length: 3 }, () => [['idempotency-key', id]]))
})

test.each([
  ['unsafe', 'unknown handler_failed', 1],
  ['idempotent', 'unknown handler_failed', 5],
] as const)('what is %s and throws ends as %s after so many runs: %d', async (effect, came, runs) => {
  const world = await inMemory()
  let ran = 0
  const run = () => {
    ran++
    throw new Error('boom')
  }
  const { execution, work } = createInstance(world, { operations: { 'contacts.merge': { run, effect } } })
  const { id } = await approved(world, { effect })
  await execution.wake(id, 'ws')
  for (let i = 0; i < 10; i++) {
    await world.clock.advance(300_000)
    await work()
  }
  expect(ran).toBe(runs)
  expect(await standing(world, id)).toBe(came)
})

test.each(['unsafe', 'idempotent'] as const)(
  'an operation that says that nothing was done has failed, and is not repeated: %s',
  async (effect) => {
    const world = await inMemory()
    const run = () =>
      Promise.reject(new KeyrungError('operation_refused', { message: 'They are one already.' }))
    const { execution } = createInstance(world, { operations: { 'contacts.merge': { run, effect } } })
    const { id } = await approved(world, { effect })
    await execution.wake(id, 'ws')
    expect(await standing(world, id)).toBe('failed refused_by_handler')
    expect(JSON.parse((await resultOf(world, id))!.body)).toEqual({
      ...{ code: 'operation_refused', message: 'They are one already.', faults: [] },
    })
  },
)

test('another error of keyrung says nothing about what was done before it', async () => {
  const world = await inMemory()
  const run = () => Promise.reject(new KeyrungError('store_unavailable'))
  const { execution } = createInstance(world, { operations: { 'contacts.merge': { run } } })
  const { id } = await approved(world)
  await execution.wake(id, 'ws')
  expect(await standing(world, id)).toBe('unknown handler_failed')
})

test('a result is kept up to its cap, and what is no JSON becomes null', async () => {
  const world = await inMemory()
  const { execution } = createInstance(world, {
    approvals: { maxResultBytes: 10 },
    operations: {
      long: { run: () => 'x'.repeat(20) },
      odd: { run: () => ({ f: () => 1 }) as never },
    },
  })
  const long = await approved(world, { operation: 'long' })
  const odd = await approved(world, { operation: 'odd' })
  await execution.wake(long.id, 'ws')
  await execution.wake(odd.id, 'ws')
  expect(await resultOf(world, long.id)).toMatchObject({ body: `"${'x'.repeat(9)}`, isTruncated: true })
  expect(await resultOf(world, odd.id)).toMatchObject({ body: '{"f":null}', isTruncated: false })
})

test('a run that takes too long is told so, and is not known to have ended', async () => {
  const world = await inMemory()
  let signal: AbortSignal | undefined
  const { execution } = createInstance(world, {
    approvals: { runMs: 60_000 },
    operations: {
      'contacts.merge': { run: (_, call) => ((signal = call.signal), new Promise(() => undefined)) },
    },
  })
  const { id } = await approved(world)
  const woken = execution.wake(id, 'ws')
  await world.clock.advance(59_999)
  expect(signal?.aborted).toBe(false)
  expect(await standing(world, id)).toBe('executing')
  await world.clock.advance(1)
  await woken
  expect(signal?.aborted).toBe(true)
  expect(await standing(world, id)).toBe('unknown no_answer')
})

test('a request that nobody waits for any more cannot be admitted later', async () => {
  const world = await inMemory()
  let late: { state: string } | undefined
  const { execution } = createInstance(world, {
    approvals: { runMs: 1_000 },
    app: (_, ticket) => ((late = ticket), new Promise(() => undefined)),
  })
  const { id } = await approved(world, { kind: 'replay' })
  const woken = execution.wake(id, 'ws')
  await world.clock.advance(1_000)
  await woken
  expect(late?.state).toBe('changed')
  expect(await standing(world, id)).toBe('unknown no_answer')
})

test('what this instance does not know waits for one that does, and holds up nothing', async () => {
  const world = await inMemory()
  const ran: string[] = []
  const { execution, work } = createInstance(world, {
    operations: { known: { run: (_, { approvalId }) => void ran.push(approvalId!) } },
  })
  const unknown = []
  for (let i = 0; i < 120; i++) unknown.push(await approved(world, { operation: `unknown.x${i}` }))
  const elsewhere = await approved(world, { kind: 'replay' })
  await world.clock.advance(1)
  const known = await approved(world, { operation: 'known' })
  await work()
  await execution.wake(unknown[0]!.id)
  expect(ran).toEqual([known.id])
  expect(await standing(world, unknown[119]!.id)).toBe('approved')
  expect(await standing(world, elsewhere.id)).toBe('approved')
})

test('what cannot be looked through at once is gone on with', async () => {
  const world = await inMemory()
  let ran = 0
  const { execution } = createInstance(world, { operations: { known: { run: () => void ran++ } } })
  for (let i = 0; i < 1_200; i++) await approved(world, { operation: 'unknown' })
  await world.clock.advance(1)
  await approved(world, { operation: 'known' })
  const [job] = execution.jobs
  let steps = 1
  while ((await job!.step()).left === 'more') steps++
  expect(ran).toBe(1)
  expect(steps).toBeLessThan(8)
})

test('an instance runs eight at once, and the next as one has ended', async () => {
  const world = await inMemory()
  const open: (() => void)[] = []
  const { execution } = createInstance(world, {
    operations: { slow: { run: () => new Promise<void>((resolve) => open.push(resolve)) } },
  })
  const ids = []
  for (let i = 0; i < 20; i++) ids.push((await approved(world, { operation: 'slow' })).id)
  const [job] = execution.jobs
  const step = job!.step()
  await world.clock.advance(0)
  void execution.wake(ids[19]!, 'ws')
  await world.clock.advance(0)
  expect(open).toHaveLength(8)
  open[0]!()
  expect((await step).left).toBe('more')
  await world.clock.advance(0)
  expect(open).toHaveLength(9)
  expect(await standing(world, ids[19]!)).toBe('executing')
})

test('closing waits for what is under way, begins nothing new, and then leaves it to its lease', async () => {
  const world = await inMemory()
  const signals: AbortSignal[] = []
  const { execution, work } = createInstance(world, {
    operations: { slow: { run: (_, { signal }) => (signals.push(signal), new Promise(() => undefined)) } },
  })
  const one = await approved(world, { operation: 'slow' })
  void execution.wake(one.id, 'ws')
  await world.clock.advance(5_000)
  const two = await approved(world, { operation: 'slow' })
  let isClosed = false
  void execution.close().then(() => (isClosed = true))
  await execution.wake(two.id, 'ws')
  await work()
  await world.clock.advance(9_999)
  expect([isClosed, signals.length, signals[0]!.aborted]).toEqual([false, 1, false])
  await world.clock.advance(1)
  expect([isClosed, signals[0]!.aborted]).toEqual([true, true])
  // Nobody renews it any more, so another instance finds it.
  await world.clock.advance(30_000)
  await createInstance(world).work()
  expect(await standing(world, one.id)).toBe('unknown lease_lost')
  expect(await standing(world, two.id)).toBe('approved')
})

test('a store that fails is told, and what waits is tried again later', async () => {
  const world = await inMemory()
  let isDown = true
  const store = {
    ...world.store,
    findApprovalContent: (...args: [string, string]) => {
      if (isDown) throw new KeyrungError('store_unavailable')
      return world.store.findApprovalContent(...args)
    },
  }
  const { execution } = createInstance(world, { store, operations: { 'contacts.merge': {} } })
  const { id } = await approved(world)
  const [job] = execution.jobs
  await job!.step()
  await expect(job!.step()).rejects.toThrow('storage')
  await expect(execution.wake(id, 'ws')).rejects.toThrow('storage')
  isDown = false
  expect((await job!.step()).left).toBe('nothing')
  expect(await standing(world, id)).toBe('approved')
  await world.clock.advance(5_000)
  await job!.step()
  expect(await standing(world, id)).toBe('succeeded done')
})

test('revoking the key cancels what was approved, whatever becomes of the key then', async () => {
  const world = await inMemory()
  const { execution } = createInstance(world, { operations: { 'contacts.merge': {} } })
  const { id } = await approved(world)
  await world.keys.revoke(admin, world.key.id, {})
  await world.keys.activate(admin, world.key.id, {})
  await execution.wake(id, 'ws')
  expect(await standing(world, id)).toBe('cancelled key_revoked')
})

test('one instance that is woken several times at once runs it once, and each waits for that run', async () => {
  const world = await inMemory()
  let ran = 0
  const { execution } = createInstance(world, {
    operations: { 'contacts.merge': { run: async () => void (await Promise.resolve(), ran++) } },
  })
  const { id } = await approved(world)
  const { wake } = execution
  await Promise.all([wake(id), wake(id), wake(id, 'ws'), wake(id, 'ws'), wake(id)])
  expect(ran).toBe(1)
  expect(await stepsOf(world, id)).toEqual(['started', 'succeeded'])
})

test('what is woken by its id alone is found behind all that is due before it, and a lost run likewise', async () => {
  const world = await inMemory()
  const set = { status: 'executing', fence: 1 } as const
  for (let i = 0; i < 520; i++) await approved(world, { operation: 'unknown' })
  await world.clock.advance(1)
  const lost = await approved(world, { set })
  const wanted = await approved(world)
  const { execution } = createInstance(world, { operations: { 'contacts.merge': {} } })
  await execution.wake(wanted.id)
  expect(await standing(world, wanted.id)).toBe('succeeded done')
  const finding = execution.jobs[1]!
  expect(await finding.step()).toEqual({ left: 'more' })
  expect(await finding.step()).toEqual({ left: 'nothing' })
  expect(await standing(world, lost.id)).toBe('unknown lease_lost')
})

test('what is gone by the time it is to run is not run, and nobody is told of an error', async () => {
  const world = await inMemory()
  const { execution } = createInstance(world, {
    operations: { 'contacts.merge': { run: () => expect.fail() } },
  })
  const { id } = await approved(world)
  await world.store.commit([{ do: 'delete', type: 'approval', id, expectVersion: 1 }])
  await execution.wake(id, 'ws')
  await execution.wake(id)
})

test('what waits for a place when its instance closes is left to others', async () => {
  const world = await inMemory()
  const open: (() => void)[] = []
  const { execution } = createInstance(world, {
    operations: { slow: { run: () => new Promise<void>((resolve) => open.push(resolve)) } },
  })
  const ids = []
  for (let i = 0; i < 9; i++) ids.push((await approved(world, { operation: 'slow' })).id)
  const runs = ids.map((id) => execution.wake(id, 'ws'))
  await world.clock.advance(0)
  expect(open).toHaveLength(8)
  // With no place free there is nothing to look for.
  const idle = execution.jobs[0]!.step()
  // It is looked for when the instance closes, and found after that.
  const late = await approved(world, { operation: 'slow' })
  const lateRun = execution.wake(late.id)
  const closing = execution.close()
  for (const end of open) end()
  await Promise.all([...runs, idle, lateRun, closing])
  expect(open).toHaveLength(8)
  expect(await standing(world, ids[7]!)).toBe('succeeded done')
  for (const id of [ids[8]!, late.id]) expect(await standing(world, id)).toBe('approved')
  expect(world.clock.sleepers).toBe(0)
})

test.each([
  ['idempotent', 'unknown lease_lost'],
  ['transactional', 'failed lease_lost'],
] as const)(
  'what has brought down one instance after another is not begun again: %s',
  async (effect, came) => {
    const world = await inMemory()
    const { execution, work } = createInstance(world, {
      operations: { 'contacts.merge': { effect: 'idempotent', run: () => expect.fail() } },
    })
    const set = { status: 'executing', fence: 5, startedAt: world.clock.now() } as const
    const { id } = await approved(world, { effect, set })
    await execution.wake(id, 'ws')
    expect(await standing(world, id)).toBe(came)
    await world.clock.advance(60_000)
    await work()
    expect(await standing(world, id)).toBe(came)
  },
)

test('a transaction that was begun and never committed is stale where its key has changed since', async () => {
  const world = await inMemory()
  const { execution } = createInstance(world, {
    operations: { 'contacts.merge': { run: () => expect.fail() } },
  })
  const set = { status: 'executing', fence: 1, startedAt: world.clock.now() } as const
  const { id } = await approved(world, { effect: 'transactional', set })
  await world.keys.revoke(admin, world.key.id, {})
  await execution.wake(id, 'ws')
  expect(await standing(world, id)).toBe('stale operation_changed')
})

test('an end that the store does not take for as long as a lease counts as a crash', async () => {
  const world = await inMemory()
  let isDown = false
  const store = {
    ...world.store,
    commit: (...args: Parameters<typeof world.store.commit>) =>
      isDown ? Promise.reject(new KeyrungError('store_unavailable')) : world.store.commit(...args),
  }
  const { execution } = createInstance(world, {
    store,
    operations: { 'contacts.merge': { run: () => void (isDown = true) } },
  })
  const { id } = await approved(world)
  const woken = expect(execution.wake(id, 'ws')).rejects.toMatchObject({ code: 'store_unavailable' })
  await world.clock.advance(30_000)
  await woken
  expect(await standing(world, id)).toBe('executing')
  await createInstance(world).work()
  expect(await standing(world, id)).toBe('unknown lease_lost')
})

test('a run whose stored request is gone by its end has ended all the same, without a result', async () => {
  const world = await inMemory()
  const { execution } = createInstance(world, {
    operations: {
      'contacts.merge': {
        async run(_, { approvalId }) {
          await world.store.commit([
            { do: 'delete', type: 'approvalContent', id: approvalId!, expectVersion: 1 },
          ])
          return { id: 7 }
        },
      },
    },
  })
  const { id } = await approved(world)
  await execution.wake(id, 'ws')
  expect([await standing(world, id), await resultOf(world, id)]).toEqual(['succeeded done', null])
})

function unreadableErrors(): [string, () => unknown][] {
  const fail = (): never => {
    throw new Error('unreadable')
  }
  const refusal = (): KeyrungError => new KeyrungError('operation_refused', { message: 'No.' })
  const hostile = { get: fail, getPrototypeOf: fail, has: fail, ownKeys: fail }
  return [
    ['whose toJSON throws', () => Object.defineProperty(refusal(), 'toJSON', { value: fail })],
    ['whose toJSON returns null', () => Object.defineProperty(refusal(), 'toJSON', { value: () => null })],
    ['whose code throws', () => Object.defineProperty(refusal(), 'code', { get: fail })],
    ['that is a proxy which throws', () => new Proxy(refusal(), hostile)],
    ['that is null', () => null],
  ]
}

test.each(unreadableErrors())('an error %s ends the run at once', async (_, thrown) => {
  const world = await inMemory()
  const run = () => new Promise<never>((_resolve, reject) => reject(thrown() as Error))
  const { execution } = createInstance(world, { operations: { 'contacts.merge': { run } } })
  const { id } = await approved(world)
  await execution.wake(id, 'ws')
  expect(await standing(world, id)).toBe('unknown handler_failed')
})
