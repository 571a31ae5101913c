import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { KeyrungError } from '../../../src/core/errors.js'
import type { Store } from '../../../src/ports/store.js'
import { sqliteStore } from '../../../src/stores/sqlite.js'
import type { ManualClock } from '../../../src/testing/manual-clock.js'
import {
  approved,
  createApprovalWorld,
  createInstance,
  read,
  resultOf,
  standing,
  stepsOf,
} from './fixture.js'
import type { InstanceOptions } from './fixture.js'

/** A world on SQLite in which the host has a table of its own, in the same database. */
async function open(run: (database: Database.Database) => unknown, options: InstanceOptions = {}) {
  const database = new Database(':memory:')
  const world = await createApprovalWorld({
    async store(clock: ManualClock) {
      const store = sqliteStore({ database, clock })
      await store.migrate()
      return store
    },
  })
  database.exec('create table effects (id text)')
  const instance = (over: InstanceOptions = {}) =>
    createInstance(world, {
      ...options,
      operations: {
        'contacts.merge': {
          effect: 'transactional',
          run: (_, { transaction }) => run(transaction as Database.Database) as never,
        },
      },
      ...over,
    })
  const effects = () => database.prepare('select count(*) as n from effects').get() as { n: number }
  const insert = database.prepare("insert into effects values ('x')")
  return { world, instance, effects: () => effects().n, insert, database }
}

test('a transactional operation and its end are one commit', async () => {
  const { world, instance, effects } = await open((database) => {
    database.prepare("insert into effects values ('x')").run()
    return { rows: 1 }
  })
  const { id } = await approved(world, { effect: 'transactional' })
  await instance().execution.wake(id, 'ws')
  expect([effects(), await standing(world, id)]).toEqual([1, 'succeeded done'])
  expect(await resultOf(world, id)).toMatchObject({ body: '{"rows":1}' })
  expect(await stepsOf(world, id)).toEqual(['started', 'succeeded'])
})

test('what a transactional operation did before it threw is undone, and it is run again, a bounded number of times', async () => {
  let runs = 0
  const { world, instance, effects } = await open((database) => {
    database.prepare("insert into effects values ('x')").run()
    if (++runs < 3) throw new Error('boom')
  })
  const { id } = await approved(world, { effect: 'transactional' })
  const { work, execution } = instance()
  await execution.wake(id, 'ws')
  expect([effects(), await standing(world, id)]).toEqual([0, 'executing'])
  for (let i = 0; i < 5; i++) {
    await world.clock.advance(60_000)
    await work()
  }
  expect([runs, effects(), await standing(world, id)]).toEqual([3, 1, 'succeeded done'])
  runs = -10
  const other = await approved(world, { effect: 'transactional' })
  for (let i = 0; i < 8; i++) {
    await work()
    await world.clock.advance(60_000)
  }
  // Nothing was done, and that is known.
  expect([runs, effects(), await standing(world, other.id)]).toEqual([-5, 1, 'failed handler_failed'])
})

test('a transactional operation that refuses has failed, with nothing done', async () => {
  const { world, instance, effects } = await open((database) => {
    database.prepare("insert into effects values ('x')").run()
    throw new KeyrungError('operation_refused', { message: 'No.' })
  })
  const { id } = await approved(world, { effect: 'transactional' })
  await instance().execution.wake(id, 'ws')
  expect([effects(), await standing(world, id)]).toEqual([0, 'failed refused_by_handler'])
})

test('on SQLite an operation that goes on after it has returned is not known to have been undone', async () => {
  const { world, instance, effects, database } = await open(async () => {
    await Promise.resolve()
    database.prepare("insert into effects values ('x')").run()
  })
  const { id } = await approved(world, { effect: 'transactional' })
  await instance().execution.wake(id, 'ws')
  expect([effects(), await standing(world, id)]).toEqual([1, 'unknown handler_failed'])
})

test('a crash at any moment of a transactional run costs neither the run nor its only effect', async () => {
  const places = [
    'before the claim',
    'after the claim',
    'before the commit',
    'after the commit',
    'before the result',
  ]
  for (const place of places) {
    const { world, instance, effects } = await open((database) => {
      database.prepare("insert into effects values ('x')").run()
    })
    const die = () => new Promise<never>(() => undefined)
    let commits = 0
    const store: Store = {
      ...world.store,
      async commit(changes) {
        if (commits === 0 && place === 'before the claim') return die()
        if (commits > 0 && place === 'before the result') return die()
        const result = await world.store.commit(changes)
        if (commits++ === 0 && place === 'after the claim') return die()
        return result
      },
      async commitWith(changes, run) {
        if (place === 'before the commit') return die()
        const result = await world.store.commitWith!(changes, run)
        return place === 'after the commit' ? die() : result
      },
    }
    const { id } = await approved(world, { effect: 'transactional' })
    void instance({ store }).execution.wake(id, 'ws')
    await world.clock.advance(0)
    const { work } = instance()
    for (let i = 0; i < 4; i++) {
      await work()
      await world.clock.advance(15_000)
    }
    expect([place, effects(), await standing(world, id)]).toEqual([place, 1, 'succeeded done'])
  }
})

test('an instance that comes late to a transaction does nothing in it', async () => {
  const { world, instance, effects } = await open((database) => {
    database.prepare("insert into effects values ('x')").run()
  })
  let isFirst = true
  const store: Store = {
    ...world.store,
    async commitWith(changes, run) {
      // Its lease is over before it gets to its transaction, and another was faster.
      if (isFirst) {
        isFirst = false
        await world.clock.advance(31_000)
        await instance().execution.wake(id, 'ws')
      }
      return world.store.commitWith!(changes, run)
    },
  }
  const { id } = await approved(world, { effect: 'transactional' })
  await instance({ store }).execution.wake(id, 'ws')
  expect([effects(), await standing(world, id), (await read(world, id)).fence]).toEqual([
    1,
    'succeeded done',
    2,
  ])
})

test('a transaction of which nobody knows whether it came through is found out by the approval itself', async () => {
  for (const isDone of [true, false]) {
    const { world, instance, effects } = await open((database) => {
      database.prepare("insert into effects values ('x')").run()
    })
    const store: Store = {
      ...world.store,
      async commitWith(changes, run) {
        if (isDone) await world.store.commitWith!(changes, run)
        throw new Error('connection lost')
      },
    }
    const { id } = await approved(world, { effect: 'transactional' })
    await expect(instance({ store }).execution.wake(id, 'ws')).rejects.toMatchObject({
      code: 'store_unavailable',
    })
    await world.clock.advance(30_000)
    await instance().work()
    expect([effects(), await standing(world, id)]).toEqual([1, 'succeeded done'])
  }
})

/** A store whose transactions are asynchronous, as servers' are: what throws in one undoes it. */
function serverLike(store: Store): Store {
  return {
    ...store,
    synchronous: false,
    async commitWith(changes, run) {
      const value = await run('transaction')
      const result = await store.commit(changes)
      return result.ok ? { ok: true, value } : result
    },
  }
}

test.each([
  ['takes too long', () => new Promise<never>(() => undefined), 'failed no_answer'],
  ['rejects', () => Promise.reject(new Error('boom')), 'failed handler_failed'],
])(
  'a transaction of a server that %s is undone, tried again a bounded number of times, and has failed then',
  async (_, run, came) => {
    const world = await createApprovalWorld()
    let runs = 0
    const { work } = createInstance(world, {
      store: serverLike(world.store),
      approvals: { runMs: 1_000 },
      operations: { 'contacts.merge': { effect: 'transactional', run: () => (runs++, run()) } },
    })
    const { id } = await approved(world, { effect: 'transactional' })
    for (let i = 0; i < 12 && (await standing(world, id)) !== came; i++) {
      const step = work()
      await world.clock.advance(60_000)
      await step
    }
    // Nothing was done, and that is known.
    expect([await standing(world, id), runs]).toEqual([came, 5])
    expect(await resultOf(world, id)).toBeNull()
  },
)

test('a transaction of a server is one commit with the end of its run', async () => {
  const world = await createApprovalWorld()
  const { execution } = createInstance(world, {
    store: serverLike(world.store),
    operations: {
      'contacts.merge': {
        effect: 'transactional',
        run: async (_, { transaction }) => ({ in: transaction as string }),
      },
    },
  })
  const { id } = await approved(world, { effect: 'transactional' })
  await execution.wake(id, 'ws')
  expect(await standing(world, id)).toBe('succeeded done')
  expect(await resultOf(world, id)).toMatchObject({ body: '{"in":"transaction"}' })
})

test('a store that is busy with a transaction of the host’s says so, and the run waits its turn', async () => {
  const world = await createApprovalWorld()
  let isBusy = true
  const store: Store = {
    ...serverLike(world.store),
    commitWith(changes, run) {
      if (isBusy) throw new KeyrungError('transaction_open')
      return serverLike(world.store).commitWith!(changes, run)
    },
  }
  let runs = 0
  const { execution, work } = createInstance(world, {
    store,
    operations: { 'contacts.merge': { effect: 'transactional', run: () => void runs++ } },
  })
  const { id } = await approved(world, { effect: 'transactional' })
  await expect(execution.wake(id, 'ws')).rejects.toMatchObject({ code: 'transaction_open' })
  isBusy = false
  await world.clock.advance(60_000)
  await work()
  expect([await standing(world, id), runs]).toEqual(['succeeded done', 1])
})
