import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import * as z from 'zod'
import type { Json } from '../../../src/core/plain-value.js'
import type { Principal } from '../../../src/core/principal.js'
import { KeyrungError } from '../../../src/core/errors.js'
import type { OperationContext, OperationDefinition } from '../../../src/service/operation.js'
import { memoryLimits } from '../../../src/stores/memory-limits.js'
import { sqliteStore } from '../../../src/stores/sqlite.js'
import { refusal } from '../keys/fixture.js'
import { admin, sample } from '../sample.js'

type Definition = OperationDefinition<'contacts:write' | 'email:send', never>

/** A keyrung with one operation, and callers of it. */
async function host(given: Partial<Definition> = {}, options: Parameters<typeof sample>[0] = {}) {
  const made = sample(options)
  const { keyrung } = made
  if (options.store !== undefined) await keyrung.ready({ migrate: true })
  const ran: [unknown, OperationContext][] = []
  const operation = keyrung.operation('contacts.merge', {
    permission: 'contacts:write',
    input: z.strictObject({ from: z.int(), note: z.string().trim().optional() }) as never,
    run(input: unknown, context: OperationContext): Json {
      ran.push([input, context])
      return { merged: true }
    },
    ...given,
  } as unknown as OperationDefinition<'contacts:write', { from: number; note?: string }>)
  async function caller(scope: 'contacts:write' | 'contacts:write-approval' | 'contacts:read' | 'ai:use') {
    const { secret } = await keyrung.keys.create(admin, { name: scope, scopes: [scope] })
    const known = await keyrung.authenticate(secret)
    return (known as { principal: Principal }).principal
  }
  return { ...made, operation, caller, ran }
}

test('a call that is allowed runs at once, with the canonical form of what the schema made of it', async () => {
  const { operation, caller, ran } = await host()
  const principal = await caller('contacts:write')
  const answer = await operation.call(principal, { note: '  hi ', from: 3 }, { idempotencyKey: 'k' })
  expect(answer).toEqual({ status: 'done', result: { merged: true } })
  expect(ran[0]![0]).toEqual({ from: 3, note: 'hi' })
  expect(Object.keys(ran[0]![0] as object)).toEqual(['from', 'note'])
  expect(ran[0]![1]).toMatchObject({ principal, approvalId: null })
  // The key is for what is queued: what is done at once is done again.
  await operation.call(principal, { from: 3 }, { idempotencyKey: 'k' })
  expect(ran).toHaveLength(2)
})

test('a call that needs approval is queued, shown, approved, and run as it was shown', async () => {
  const { operation, caller, ran, keyrung } = await host({
    preview: (input: { from: number }) => ({ merges: input.from }),
    precondition: () => 'v1',
  } as never)
  const principal = await caller('contacts:write-approval')
  const answer = await operation.call(principal, { from: 3 }, { idempotencyKey: 'k' })
  if (answer.status !== 'queued') throw new Error(answer.status)
  const { approval } = answer
  expect(approval).toMatchObject({
    status: 'pending',
    kind: 'named',
    operation: 'contacts.merge',
    effect: 'unsafe',
  })
  expect(await operation.call(principal, { from: 3 }, { idempotencyKey: 'k' })).toMatchObject({
    approval: { id: approval.id },
  })
  await refusal(operation.call(principal, { from: 4 }, { idempotencyKey: 'k' }), 'idempotency_mismatch')
  const shown = await keyrung.approvals.get(admin, approval.id)
  expect(shown.request).toMatchObject({ body: { text: '{"from":3}' }, preview: { merges: 3 } })
  expect(ran).toEqual([])
  const done = await keyrung.approvals.approve(admin, approval.id, { digest: approval.digest })
  expect(done).toMatchObject({ status: 'succeeded', result: { text: '{"merged":true}' } })
  expect(ran).toEqual([[{ from: 3 }, expect.objectContaining({ principal, approvalId: approval.id })]])
})

test('an operation that always waits does so for Full Access too', async () => {
  const { operation, keyrung, ran } = await host({ approval: 'always' })
  const { secret } = await keyrung.keys.create(admin, { name: 'full', mode: 'full' })
  const { principal } = (await keyrung.authenticate(secret)) as { principal: Principal }
  expect(await operation.call(principal, { from: 1 })).toMatchObject({ status: 'queued' })
  expect(ran).toEqual([])
})

test('who may not is refused before the input is looked at', async () => {
  const { operation, caller, keyrung, ran } = await host()
  const reader = await caller('contacts:read')
  expect(await operation.call(reader, 'nonsense' as never)).toMatchObject({
    status: 'refused',
    code: 'insufficient',
  })
  const other = await caller('ai:use')
  expect(await operation.call(other, { from: 1 })).toMatchObject({ status: 'refused', code: 'hidden' })
  const writer = await caller('contacts:write')
  await keyrung.keys.revoke(admin, writer.keyId, {})
  expect(await operation.call(writer, { from: 1 })).toMatchObject({ status: 'refused', code: 'key_revoked' })
  expect(ran).toEqual([])
})

test('a call costs what a request does, whatever comes of it, and a limit refuses it', async () => {
  const { clock } = sample()
  const { operation, caller, keyrung } = await host(
    { cost: 2, limit: { name: 'merges', limit: 6, windowMs: 60_000 } },
    {
      clock,
      limits: { store: memoryLimits({ clock }) },
      keys: { prefix: 'tp', limits: [{ name: 'minute', limit: 5, windowMs: 60_000 }] },
    },
  )
  const principal = await caller('contacts:write-approval')
  expect(await operation.call(principal, { from: 1 })).toMatchObject({ status: 'queued' })
  await refusal(operation.call(principal, { from: 'x' } as never), 'input_invalid')
  expect(await operation.call(principal, { from: 1 })).toMatchObject({ status: 'refused', code: 'limited' })
  // What was approved is charged no more.
  const [waiting] = (await keyrung.approvals.list(admin)).approvals
  const done = await keyrung.approvals.approve(admin, waiting!.id, { digest: waiting!.digest })
  expect(done.status).toBe('succeeded')
})

test('too many waiting is a refusal, not an error', async () => {
  const { operation, caller } = await host({}, { approvals: { maxPending: 1 } })
  const principal = await caller('contacts:write-approval')
  await operation.call(principal, { from: 1 })
  expect(await operation.call(principal, { from: 2 })).toEqual({
    ...{ status: 'refused', code: 'too_many_pending', limits: null },
  })
})

test('an input that the schema refuses is told by path; one that is no plain JSON is refused', async () => {
  const { operation, caller } = await host()
  const principal = await caller('contacts:write')
  const error = await refusal(operation.call(principal, { from: 'x', note: 1 } as never), 'input_invalid')
  expect(error.faults.map(({ path }) => path)).toEqual(['from', 'note'])
  const { operation: open, caller: other } = await host({ input: z.any() as never })
  const writer = await other('contacts:write')
  const odd = [
    undefined,
    () => 1,
    new Date(0),
    { a: Number.NaN },
    JSON.parse('{"__proto__":1}'),
    { a: '\ud800' },
  ]
  for (const input of odd) await refusal(open.call(writer, input as never), 'input_invalid')
  const many = z.any().check((ctx) => {
    for (let i = 0; i < 50; i++) ctx.issues.push({ code: 'custom', message: 'no', path: [i], input: 1 })
  })
  const { operation: strict, caller: third } = await host({ input: many as never })
  const told = await refusal(strict.call(await third('contacts:write'), 1 as never), 'input_invalid')
  expect(told.faults).toHaveLength(20)
})

test('an input that is too long to be stored is refused', async () => {
  const { operation, caller } = await host({}, { approvals: { maxBodyBytes: 20 } })
  const principal = await caller('contacts:write')
  await refusal(operation.call(principal, { from: 1, note: 'x'.repeat(20) }), 'body_too_large')
})

test('what run throws under an allowed call is thrown on as it is', async () => {
  const fault = new TypeError('of the host')
  const { operation, caller } = await host({ run: () => Promise.reject(fault) })
  await expect(operation.call(await caller('contacts:write'), { from: 1 })).rejects.toBe(fault)
})

test('a preview or precondition that throws queues nothing', async () => {
  for (const hook of ['preview', 'precondition']) {
    const { operation, caller, keyrung } = await host({ [hook]: () => Promise.reject(new Error('secret')) })
    const error = await refusal(
      operation.call(await caller('contacts:write-approval'), { from: 1 }),
      'hook_failed',
    )
    expect(JSON.stringify(error) + String(error.internal)).not.toContain('secret')
    expect((await keyrung.approvals.list(admin)).approvals).toEqual([])
  }
  const { operation, caller } = await host({
    preview: () => Promise.reject(new KeyrungError('operation_refused', { message: 'No such contact.' })),
  })
  await refusal(operation.call(await caller('contacts:write-approval'), { from: 1 }), 'operation_refused')
})

test('a definition that is not one is refused at once, with every fault', async () => {
  const { keyrung } = sample()
  const define = (name: unknown, definition: unknown) => () =>
    keyrung.operation(name as never, definition as never)
  const fine = { permission: 'contacts:write', input: z.any(), run: () => null }
  define('fine', fine)()
  expect(define('fine', fine)).toThrow('another operation')
  expect(define('Not a name', fine)).toThrow('name: must be')
  expect(define('a', null)).toThrow('must be an object')
  expect(define('b', { ...fine, effect: 'safe', run: 1, input: {}, retry: 1 })).toThrow(
    expect.objectContaining({
      code: 'config_invalid',
      faults: ['retry', 'effect', 'input', 'run'].map((path) => expect.objectContaining({ path })),
    }),
  )
  expect(define('c', { ...fine, permission: 'contacts:fly' })).toThrow(
    expect.objectContaining({ code: 'unknown_permission' }),
  )
  expect(define('d', { ...fine, effect: 'transactional' })).toThrow('shares its transactions')
})

test('a transactional operation shares the transaction with a call that is allowed, too', async () => {
  const database = new Database(':memory:')
  database.exec('create table effects (id text)')
  const { clock } = sample()
  const store = sqliteStore({ database, clock })
  let fails = false
  const { operation, caller } = await host(
    {
      effect: 'transactional',
      run(_, { transaction }) {
        ;(transaction as Database.Database).exec("insert into effects values ('x')")
        if (fails) throw new TypeError('of the host')
        return null
      },
    },
    { store, clock },
  )
  const principal = await caller('contacts:write')
  const count = () => (database.prepare('select count(*) as n from effects').get() as { n: number }).n
  expect(await operation.call(principal, { from: 1 })).toEqual({ status: 'done', result: null })
  fails = true
  await expect(operation.call(principal, { from: 1 })).rejects.toThrow('of the host')
  expect(count()).toBe(1)
})

test('what a call is about has moved by the time of the decision: it is stale, and never runs', async () => {
  let etag = 'v1'
  const { operation, caller, ran, keyrung } = await host({ precondition: () => etag })
  const principal = await caller('contacts:write-approval')
  const answer = await operation.call(principal, { from: 3 })
  if (answer.status !== 'queued') throw new Error(answer.status)
  const { id, digest } = answer.approval
  etag = 'v2'
  const error = await refusal(keyrung.approvals.approve(admin, id, { digest }), 'not_pending')
  expect(error.message).toContain('what it is about has changed since')
  expect(await keyrung.approvals.get(admin, id)).toMatchObject({
    ...{ status: 'stale', outcome: 'precondition_failed', decidedBy: null, startedAt: null },
  })
  // Nobody can bring it back, though it is again as it was; and it no longer counts as waiting.
  etag = 'v1'
  await refusal(keyrung.approvals.approve(admin, id, { digest }), 'not_pending')
  await refusal(keyrung.approvals.cancel(principal, id), 'not_pending')
  await keyrung.tick()
  expect(ran).toEqual([])
  expect(await operation.call(principal, { from: 3 })).not.toMatchObject({ approval: { id } })
  const { events } = await keyrung.audit.list(admin, { limit: 100 })
  const told = events.filter(({ target }) => target.id === id).map(({ action }) => action)
  expect(told.sort()).toEqual(['approval.queued', 'approval.stale'])
})

test('what a call is about moves between the decision and the run: it is stale, and never runs', async () => {
  const answers = ['v1', 'v1', 'v2']
  const { operation, caller, ran, keyrung } = await host({ precondition: () => answers.shift()! })
  const answer = await operation.call(await caller('contacts:write-approval'), { from: 3 })
  if (answer.status !== 'queued') throw new Error(answer.status)
  const { id, digest } = answer.approval
  const done = await keyrung.approvals.approve(admin, id, { digest })
  expect(done).toMatchObject({ status: 'stale', outcome: 'precondition_failed', decidedBy: 'user:ann' })
  expect([ran, answers]).toEqual([[], []])
})

test('what an approver sees of a preview is masked like all else', async () => {
  const { operation, caller, keyrung } = await host(
    { preview: () => ({ card: '4111', name: 'Eve' }) },
    { approvals: { redact: ['/card'] } },
  )
  const principal = await caller('contacts:write-approval')
  const answer = await operation.call(principal, { from: 1 })
  if (answer.status !== 'queued') throw new Error(answer.status)
  const { request } = await keyrung.approvals.get(admin, answer.approval.id)
  expect(request!.preview).toEqual({ card: '***', name: 'Eve' })
  // The caller sees its own.
  const own = await keyrung.approvals.track(principal, answer.approval.id)
  expect(own.request!.preview).toEqual({ card: '4111', name: 'Eve' })
})

test('a preview that is no plain JSON, or a precondition that is no text, queues nothing', async () => {
  for (const hook of [
    { preview: () => new Date(0) },
    { preview: () => ({ deep: { sum: Number.NaN } }) },
    { precondition: () => 7 },
    { precondition: () => null },
  ]) {
    const { operation, caller, keyrung } = await host(hook as never)
    const principal = await caller('contacts:write-approval')
    await refusal(operation.call(principal, { from: 1 }), 'hook_failed')
    expect((await keyrung.approvals.list(admin)).approvals).toEqual([])
  }
})

test('an Idempotency-Key that is none queues nothing', async () => {
  const { operation, caller, keyrung } = await host()
  const principal = await caller('contacts:write-approval')
  for (const idempotencyKey of ['', 'two words', 'ä', 'x'.repeat(256), 7, null]) {
    const call = operation.call(principal, { from: 1 }, { idempotencyKey: idempotencyKey as never })
    const { faults } = await refusal(call, 'input_invalid')
    expect(faults.map(({ path }) => path)).toEqual(['idempotencyKey'])
  }
  expect((await keyrung.approvals.list(admin)).approvals).toEqual([])
})

const schemaOf = (validate: (value: unknown) => unknown) =>
  ({ '~standard': { version: 1, vendor: 'test', validate } }) as never

test('a schema that throws lets nothing through, and what it says in keyrung’s own words is kept', async () => {
  const raise = (error: Error) => () => {
    throw error
  }
  const broken = await host({ input: schemaOf(raise(new Error('canary'))) })
  const error = await refusal(
    broken.operation.call(await broken.caller('contacts:write'), 1 as never),
    'hook_failed',
  )
  expect(String(error.internal) + error.message).not.toContain('canary')
  const refusing = await host({ input: schemaOf(raise(new KeyrungError('operation_refused'))) })
  await refusal(
    refusing.operation.call(await refusing.caller('contacts:write'), 1 as never),
    'operation_refused',
  )
  expect([broken.ran, refusing.ran]).toEqual([[], []])
})

test('what a schema finds wrong is told by path, however it writes its paths', async () => {
  const issues = [{ message: 'no', path: [{ key: 'lines' }, 0, 'sum'] }, { message: 'never' }]
  const { operation, caller, ran } = await host({ input: schemaOf(async () => ({ issues })) })
  const { faults } = await refusal(
    operation.call(await caller('contacts:write'), 1 as never),
    'input_invalid',
  )
  expect(faults).toEqual([
    { path: 'lines.0.sum', message: 'no' },
    { path: '', message: 'never' },
  ])
  expect(ran).toEqual([])
})

test('schemas that are functions are schemas; what only looks like one, or cannot be looked at, is none', () => {
  const { keyrung } = sample()
  const define = (name: string, rest: object) => () =>
    keyrung.operation(name, { permission: 'contacts:write', run: () => null, ...rest } as never)
  const callable = Object.assign(
    () => undefined,
    schemaOf((value) => ({ value })),
  )
  expect(define('callable', { input: callable })).not.toThrow()
  const unreadable = Object.defineProperty({}, '~standard', {
    get() {
      throw new Error('canary')
    },
  })
  for (const input of [null, undefined, 'schema', 7, unreadable, { '~standard': { version: 2 } }]) {
    expect(define('none', { input })).toThrow(
      expect.objectContaining({ faults: [expect.objectContaining({ path: 'input' })] }) as Error,
    )
  }
  const input = schemaOf((value) => ({ value }))
  expect(define('hooks', { input, preview: 'text', precondition: {} })).toThrow(
    expect.objectContaining({
      faults: ['preview', 'precondition'].map((path) => expect.objectContaining({ path })),
    }) as Error,
  )
})

test('a transactional call that goes on beside its transaction is not said to be done', async () => {
  const database = new Database(':memory:')
  const { clock } = sample()
  const { operation, caller } = await host(
    { effect: 'transactional', run: () => Promise.resolve(null) },
    { store: sqliteStore({ database, clock }), clock },
  )
  const error = await refusal(
    operation.call(await caller('contacts:write'), { from: 1 }),
    'store_unavailable',
  )
  expect(error.internal).toContain('detached')
})

test('a call that takes too long is told so by its signal', async () => {
  let signal: AbortSignal | undefined
  const { operation, caller, clock } = await host(
    { run: (_, context) => ((signal = context.signal), clock.sleep(2_000).then(() => 'late')) },
    { approvals: { runMs: 1_000 } },
  )
  const call = operation.call(await caller('contacts:write'), { from: 1 })
  await clock.advance(999)
  expect(signal!.aborted).toBe(false)
  await clock.advance(1)
  expect(signal!.aborted).toBe(true)
  await clock.advance(1_000)
  expect(await call).toEqual({ status: 'done', result: 'late' })
})
