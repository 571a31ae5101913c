import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import type { Actor } from '../../../src/core/actor.js'
import type { Principal } from '../../../src/core/principal.js'
import { ann, bob, cem, openDesk, outcome, refusal, stores } from './fixture.js'

const full = { mode: 'full', scopes: undefined } as const
const as = (principal: Principal): Actor => ({ type: 'principal', principal })
const job: Actor = { type: 'system', name: 'setup', workspaceId: 'ws' }
const users = { ann, bob, cem, dan: { ...ann, id: 'dan' } }
type User = keyof typeof users
const names = Object.keys(users) as User[]
const directory = () => new Map(names.map((id) => [id, { role: 'admin', scopes: 'full' as const }]))

/** A key: made by a user, by a job of the host's, or by an earlier key, whose owner it then has. */
interface Plan {
  readonly maker: User | 'job' | number
  readonly owner: User | null
}

const plan = fc.record({
  maker: fc.oneof(fc.constantFrom(...names), fc.constant('job' as const), fc.nat(5)),
  owner: fc.option(fc.constantFrom(...names)),
})

/** Who stands behind a key by a few lines of a model: users, and the first of its line. */
function model(plans: readonly Plan[], hasDirectory: boolean) {
  const made: {
    readonly parties: ReadonlySet<string>
    readonly owner: User | null
    readonly maker: Plan['maker']
  }[] = []
  for (const [at, { maker, owner }] of plans.entries()) {
    const parent = typeof maker === 'number' && at > 0 ? maker % at : undefined
    const own = parent === undefined ? (hasDirectory ? owner : null) : made[parent]!.owner
    const parties = new Set<string>(parent === undefined ? [`line ${at}`] : made[parent]!.parties)
    const root = typeof maker === 'number' ? 'job' : maker
    if (parent === undefined && root !== 'job') parties.add(root)
    if (own !== null) parties.add(own)
    made.push({ parties, owner: own, maker: parent ?? root })
  }
  return made
}

const shares = (one: ReadonlySet<string>, other: ReadonlySet<string>) =>
  [...one].some((party) => other.has(party))

describe.each([
  ['without a directory', false],
  ['with one', true],
])('whoever decides, %s', (_, hasDirectory) => {
  it.each([true, false])(
    'shares no party with who asks or has voted (four eyes: %s)',
    async (fourEyes) => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(plan, { minLength: 3, maxLength: 6 }),
          fc.nat(5),
          fc.array(fc.oneof(fc.constantFrom(...names), fc.nat(5)), { minLength: 4, maxLength: 10 }),
          async (plans, asking, voting) => {
            const made = model(plans, hasDirectory)
            const desk = await openDesk({
              approvals: { canDecide: () => true, quorum: 3, fourEyes },
              ...(hasDirectory && { members: directory() }),
            })
            const keys: Principal[] = []
            for (const { maker, owner } of made) {
              const actor =
                typeof maker === 'number' ? as(keys[maker]!) : maker === 'job' ? job : users[maker]
              keys.push(await desk.agent({ ...full, ownerId: owner }, actor))
            }
            const asker = made[asking % made.length]!.parties
            const agent = await desk.agent(
              { ownerId: made[asking % made.length]!.owner },
              as(keys[asking % made.length]!),
            )
            const { id, digest } = (await desk.ask(agent)).approval
            const used = new Set<string>()
            let votes = 0
            for (const voter of voting) {
              const isUser = typeof voter === 'string'
              const parties = isUser ? new Set<string>([voter]) : made[voter % made.length]!.parties
              const told = await outcome(
                desk.keyrung.approvals.approve(isUser ? users[voter] : as(keys[voter % keys.length]!), id, {
                  digest,
                }),
              )
              const isOwn = (!isUser || fourEyes) && shares(parties, asker)
              expect(told).toBe(isOwn ? 'own_request' : shares(parties, used) ? 'voted' : 'ok')
              if (told !== 'ok') continue
              for (const party of parties) used.add(party)
              if (++votes === 3) break
            }
            expect(desk.runs).toHaveLength(votes === 3 ? 1 : 0)
          },
        ),
        { numRuns: 60 },
      )
    },
    120_000,
  )
})

describe.each(stores)('the parties of a key, on %s', (_, store) => {
  it('are as at the run: a voter that has become one of whoever asked counts no more', async () => {
    const members = directory()
    const desk = await openDesk({ store, members, approvals: { canDecide: () => true, quorum: 2 } })
    const { id, digest } = (await desk.ask(await desk.agent({}, bob))).approval
    const voter = await desk.agent(full, job)
    await desk.keyrung.approvals.approve(as(voter), id, { digest })
    await desk.keyrung.keys.edit(job, voter.keyId, { ownerId: 'bob' }, { version: 1 })
    const done = await desk.keyrung.approvals.approve(cem, id, { digest })
    expect(done).toMatchObject({ status: 'cancelled', outcome: 'approver_lost' })
    expect(desk.runs).toEqual([])
  })

  it('of which one is not known any more let nobody decide alone where four eyes are wanted', async () => {
    const desk = await openDesk({ store, approvals: { canDecide: () => true, fourEyes: true } })
    const maker = await desk.agent(full)
    const agent = await desk.agent({}, as(maker))
    await desk.keyrung.keys.delete(ann, maker.keyId)
    const { id, digest } = (await desk.ask(agent)).approval
    for (const actor of [ann, bob]) {
      await refusal(desk.keyrung.approvals.approve(actor, id, { digest }), 'own_request')
      await refusal(desk.keyrung.approvals.reject(actor, id, { reason: 'no' }), 'own_request')
    }
    expect(await outcome(desk.keyrung.approvals.approve(job, id, { digest }))).toBe('ok')
  })
})

test('who made the line of a key is one of its parties, however long the line is', async () => {
  for (const fourEyes of [true, false]) {
    const desk = await openDesk({ approvals: { canDecide: () => true, fourEyes } })
    let last = await desk.agent(full, ann)
    for (let length = 1; length < 5; length++) last = await desk.agent(full, as(last))
    const { id, digest } = (await desk.ask(await desk.agent({}, as(last)))).approval
    const { approve } = desk.keyrung.approvals
    await refusal(approve(as(await desk.agent(full, ann)), id, { digest }), 'own_request')
    expect(await outcome(approve(ann, id, { digest }))).toBe(fourEyes ? 'own_request' : 'ok')
  }
})
