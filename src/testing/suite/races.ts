import type { Clock } from '../../ports/clock.js'
import type { Store } from '../../ports/store.js'
import { slowStore } from '../slow-store.js'
import { storeCase } from './case.js'
import type { StoreCase } from './case.js'
import { expectEqual, expectThat } from './expect.js'
import { add, check, commitAll, expectCounter, remove, stands, update } from './probe.js'
import { digestOf, idOf, insert, insertKey, makeEvent, makeKey, makeSecret } from './records.js'

/** Time that passes at once: what counts in a race is the order of arrival, which this shuffles. */
function shufflingClock(seed: number): Clock {
  let state = seed
  const random = () => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648
  return {
    now: () => 0,
    monotonic: () => 0,
    after: () => () => undefined,
    async sleep() {
      for (let turns = Math.floor(random() * 8); turns > 0; turns--) {
        await (turns % 4 ? Promise.resolve() : new Promise((resolve) => setImmediate(resolve)))
      }
    },
  }
}

/** The same store as seen from several callers, each at its own distance. */
function distant(store: Store, seed: number): Store {
  return slowStore(store, { clock: shufflingClock(seed), latency: () => ({ before: 1, after: 1 }) })
}

function count<T>(answers: readonly T[], fits: (answer: T) => boolean): number {
  return answers.filter(fits).length
}

/** Callers that get in each other's way. */
export const raceCases: readonly StoreCase[] = [
  storeCase('of many commits on one version exactly one succeeds, and the rest say why', async (store) => {
    await commitAll(store, ...insertKey(1))
    const id = idOf('key', 1)
    for (let version = 1; version <= 5; version++) {
      const answers = await Promise.all(
        Array.from({ length: 40 }, (_, caller) =>
          distant(store, caller * 97 + version).commit([
            update('key', id, version, { name: `caller ${caller}` }),
            insert('event', makeEvent(version * 100 + caller, { actor: `user:${caller}` })),
          ]),
        ),
      )
      expectEqual(
        count(answers, ({ ok }) => ok),
        1,
        'the commits that succeeded',
      )
      const lost = { ok: false, failed: 0, why: 'version' }
      for (const answer of answers) if (!answer.ok) expectEqual(answer, lost, 'a commit that lost')
      const winner = answers.findIndex(({ ok }) => ok)
      const row = await store.findKey('ws_1', id)
      expectEqual([row?.key.name, row?.key.version], [`caller ${winner}`, version + 1], 'the key')
    }
    const events = await store.listEvents({ workspaceId: 'ws_1', limit: 1_000 })
    expectEqual(events.length, 5, 'events: one for each change, none for what failed')
  }),
  storeCase('a secret that moves from one digest to another is found, under one of both', async (store) => {
    await commitAll(store, ...insertKey(1))
    const id = idOf('sec', 1)
    const digests = [digestOf(1), digestOf(2)]
    async function moveOften(): Promise<void> {
      for (let version = 1; version <= 30; version++) {
        await distant(store, version).commit([
          update('secret', id, version, { digest: digests[version % 2]! }),
        ])
      }
    }
    async function lookOften(caller: number): Promise<void> {
      for (let i = 0; i < 30; i++) {
        const rows = await distant(store, caller * 31 + i).findCredentials(digests)
        expectEqual(
          rows.map((row) => row.secret.id),
          [id],
          'what is found under both digests',
        )
      }
    }
    await Promise.all([moveOften(), lookOften(1), lookOften(2), lookOften(3)])
  }),
  storeCase(
    'creations at a maximum: with a hundred callers exactly as many are made as there may be',
    async (store) => {
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, caller) =>
          distant(store, caller).commit([
            add('keys:ws_1', 1, 10),
            ...insertKey(caller),
            insert('event', makeEvent(caller)),
          ]),
        ),
      )
      expectEqual(
        count(answers, ({ ok }) => ok),
        10,
        'the creations that succeeded',
      )
      expectEqual(
        count(answers, (answer) => !answer.ok && answer.why === 'limit'),
        90,
        'those that were one too many',
      )
      await expectCounter(store, 'keys:ws_1', 10)
      expectEqual((await store.listKeys({ workspaceId: 'ws_1', limit: 1_000 })).length, 10, 'keys')
      expectEqual((await store.listEvents({ workspaceId: 'ws_1', limit: 1_000 })).length, 10, 'events')
      for (const [caller, { ok }] of answers.entries()) {
        expectEqual(
          (await store.findCredential(digestOf(caller))) !== undefined,
          ok,
          `the credential of ${caller}`,
        )
      }
    },
  ),
  storeCase('of many inserts of one id, and of one digest, exactly one succeeds', async (store) => {
    await commitAll(store, insert('key', makeKey(1)))
    const sameId = await Promise.all(
      Array.from({ length: 30 }, (_, caller) =>
        distant(store, caller).commit([insert('key', makeKey(2, { name: `caller ${caller}` }))]),
      ),
    )
    expectEqual(
      count(sameId, ({ ok }) => ok),
      1,
      'inserts of one id',
    )
    const sameDigest = await Promise.all(
      Array.from({ length: 30 }, (_, caller) =>
        distant(store, caller).commit([
          insert('secret', makeSecret(caller, { keyId: idOf('key', 1), digest: digestOf('one') })),
        ]),
      ),
    )
    expectEqual(
      count(sameDigest, ({ ok }) => ok),
      1,
      'inserts of one digest',
    )
    const winner = sameDigest.findIndex(({ ok }) => ok)
    expectEqual((await store.findCredential(digestOf('one')))?.secret.id, idOf('sec', winner), 'the secret')
  }),
  storeCase(
    'a change that was checked against a version does not happen once that version is gone',
    async (store) => {
      for (let round = 0; round < 10; round++) {
        const number = round + 1
        await commitAll(store, ...insertKey(number))
        const id = idOf('key', number)
        const [revoked, made] = await Promise.all([
          distant(store, round * 31 + 1).commit([update('key', id, 1, { status: 'revoked' })]),
          distant(store, round * 17 + 2).commit([
            check('key', id, 1),
            insert('secret', makeSecret(number + 100, { keyId: id })),
          ]),
        ])
        expectThat(revoked.ok, 'the revocation to succeed')
        const there = await stands(store, 'secret', idOf('sec', number + 100), 1)
        expectEqual(there, made.ok, 'the secret that was made only while the key was as it had been read')
      }
    },
  ),
  storeCase('delete against update: whoever comes second is told', async (store) => {
    for (let round = 0; round < 10; round++) {
      await commitAll(store, ...insertKey(round))
      const id = idOf('key', round)
      const answers = await Promise.all([
        distant(store, round).commit([remove('key', id, 1), remove('secret', idOf('sec', round), 1)]),
        distant(store, round + 50).commit([update('key', id, 1, { name: 'Edited' })]),
      ])
      expectEqual(
        count(answers, ({ ok }) => ok),
        1,
        'the commits that succeeded',
      )
      const [deleted, edited] = answers
      if (deleted.ok) expectEqual(edited, { ok: false, failed: 0, why: 'missing' }, 'the edit')
      else expectEqual(deleted, { ok: false, failed: 0, why: 'version' }, 'the delete')
      expectEqual((await store.findKey('ws_1', id)) === undefined, deleted.ok, 'whether the key is gone')
      expectEqual(
        (await store.findCredential(digestOf(round))) === undefined,
        deleted.ok,
        'and its credential',
      )
    }
  }),
  storeCase('uses that come late do not bring a deleted key back', async (store) => {
    for (let round = 0; round < 10; round++) {
      await commitAll(store, ...insertKey(round))
      const id = idOf('key', round)
      await Promise.all([
        distant(store, round).recordUses([{ keyId: id, at: 1_767_225_600_000 }]),
        distant(store, round + 9).commit([remove('secret', idOf('sec', round), 1), remove('key', id, 1)]),
        distant(store, round + 3).recordUses([{ keyId: id, at: 1_767_225_600_001 }]),
      ])
      expectEqual(await store.findKey('ws_1', id), undefined, 'the key')
      expectEqual(await store.findCredential(digestOf(round)), undefined, 'the credential')
    }
  }),
]
