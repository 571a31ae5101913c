import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Principal } from '../../../src/core/principal.js'
import { ann, bob, openDesk, outcome, stores } from './fixture.js'
import type { Desk } from './fixture.js'

const expiresMs = 10_000
const maxPending = 3

interface ModelApproval {
  readonly id: string
  readonly digest: string
  readonly body: number
  readonly expiresAt: number
  status: string
  votes: Set<string>
}

/** What there should be. */
interface Model {
  key: { principal: Principal; active: boolean }
  readonly approvals: ModelApproval[]
  /** How many still count as waiting: what is over does until the worker comes by. */
  waiting: number
  runs: number
}

type Command = fc.AsyncCommand<Model, Desk>

function command(label: string, run: (model: Model, desk: Desk) => Promise<void>): Command {
  return {
    check: () => true,
    async run(model, desk) {
      await run(model, desk)
      await compare(model, desk)
    },
    toString: () => label,
  }
}

async function compare(model: Model, desk: Desk): Promise<void> {
  for (const { id, status, votes } of model.approvals) {
    const record = (await desk.store.findApproval('ws', id))!
    expect({ status: record.status, votes: record.votes }).toEqual({ status, votes: votes.size })
  }
  expect(desk.runs).toHaveLength(model.runs)
  expect(await desk.pending(model.key.principal.keyId)).toBe(model.waiting)
}

const isOpen = (one: ModelApproval, desk: Desk): boolean =>
  one.status === 'pending' && desk.clock.now() < one.expiresAt

function end(model: Model, one: ModelApproval, status: string): void {
  if (one.status === 'pending') model.waiting--
  one.status = status
}

const queue = (body: number) =>
  command(`queue ${body}`, async (model, desk) => {
    const { principal, active } = model.key
    const equal = model.approvals.find((one) => one.body === body && isOpen(one, desk))
    const told = await desk.ask(principal, { body }).then(
      ({ approval, repeated }) => ({ approval, repeated, code: 'ok' }),
      (error: { code: string }) => ({ approval: null, repeated: false, code: error.code }),
    )
    if (!active) return expect(told.code).not.toBe('ok')
    if (equal) return expect(told).toMatchObject({ code: 'ok', repeated: true, approval: { id: equal.id } })
    if (model.waiting >= maxPending) return expect(told.code).toBe('too_many_pending')
    expect(told).toMatchObject({ code: 'ok', repeated: false })
    const { id, digest, expiresAt } = told.approval!
    model.approvals.push({ id, digest, body, expiresAt, status: 'pending', votes: new Set() })
    model.waiting++
  })

function onApproval(
  label: string,
  pick: number,
  run: (one: ModelApproval, model: Model, desk: Desk) => Promise<void>,
): Command {
  return {
    ...command(`${label} ${pick}`, (model, desk) =>
      run(model.approvals[pick % model.approvals.length]!, model, desk),
    ),
    check: (model) => model.approvals.length > 0,
  }
}

const approve = (pick: number, who: 'ann' | 'bob') =>
  onApproval(`${who} approves`, pick, async (one, model, desk) => {
    const actor = who === 'ann' ? ann : bob
    const told = await outcome(desk.keyrung.approvals.approve(actor, one.id, { digest: one.digest }))
    if (!isOpen(one, desk)) return expect(told).toBe('not_pending')
    if (one.votes.has(who)) return expect(told).toBe('voted')
    expect(told).toBe('ok')
    one.votes.add(who)
    if (one.votes.size < 2) return
    end(model, one, 'succeeded')
    model.runs++
  })

const reject = (pick: number) =>
  onApproval('reject', pick, async (one, model, desk) => {
    const told = await outcome(desk.keyrung.approvals.reject(ann, one.id, { reason: 'no' }))
    if (!isOpen(one, desk)) return expect(told).toBe('not_pending')
    expect(told).toBe('ok')
    end(model, one, 'rejected')
  })

const cancel = (pick: number) =>
  onApproval('cancel', pick, async (one, model, desk) => {
    const told = await outcome(desk.keyrung.approvals.cancel(model.key.principal, one.id))
    if (!model.key.active) return expect(told).toBe('key_revoked')
    if (one.status !== 'pending') return expect(told).toBe('not_pending')
    expect(told).toBe('ok')
    end(model, one, 'cancelled')
  })

const revoke = command('revoke', async (model, desk) => {
  await desk.keyrung.keys.revoke(ann, model.key.principal.keyId)
  model.key.active = false
  for (const one of model.approvals) if (one.status === 'pending') end(model, one, 'cancelled')
})

const activate = command('activate', async (model, desk) => {
  await desk.keyrung.keys.activate(ann, model.key.principal.keyId)
  model.key.active = true
})

const pass = (ms: number) =>
  command(`${ms} ms pass`, async (_, desk) => {
    await desk.clock.advance(ms)
  })

const tick = command('tick', async (model, desk) => {
  await desk.keyrung.tick()
  for (const one of model.approvals) {
    if (one.status === 'pending' && !isOpen(one, desk)) end(model, one, 'expired')
  }
})

const pick = fc.nat(20)
const commands = [
  fc.integer({ min: 1, max: 5 }).map(queue),
  fc.tuple(pick, fc.constantFrom('ann' as const, 'bob' as const)).map(([at, who]) => approve(at, who)),
  pick.map(reject),
  pick.map(cancel),
  fc.constant(revoke),
  fc.constant(activate),
  fc.constantFrom(1, 5_000, 10_000).map(pass),
  fc.constant(tick),
]

describe.each(stores)('approvals on %s', (_, store) => {
  it('are what a short model says, whatever is done in whatever order', async () => {
    const full = process.env['KEYRUNG_PROOF'] === 'full'
    await fc.assert(
      fc.asyncProperty(fc.commands(commands, { maxCommands: 25 }), async (all) => {
        const approvals = { quorum: 2, expiresMs, maxPending, canDecide: () => true }
        const desk = await openDesk({ store, approvals })
        const principal = await desk.agent()
        const model: Model = { key: { principal, active: true }, approvals: [], waiting: 0, runs: 0 }
        await fc.asyncModelRun(() => ({ model, real: desk }), all)
      }),
      { numRuns: full ? 500 : 40 },
    )
  }, 120_000)
})
