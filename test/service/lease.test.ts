import { describe, expect, test } from 'vitest'
import { createLocalLease, createSharedLease } from '../../src/service/lease.js'
import { memoryStore } from '../../src/stores/memory.js'
import { manualClock } from '../../src/testing/manual-clock.js'

function setUp() {
  const clock = manualClock()
  const store = memoryStore({ clock })
  const leaseOf = (ms: number) => createSharedLease({ name: 'lease', ms, store, clock })
  const row = async () => (await store.findSettings('lease'))[0]?.value
  return { clock, store, leaseOf, row }
}

/** Whether a promise is settled by now. */
async function isDone(promise: Promise<unknown>): Promise<boolean> {
  let done = false
  void promise.then(() => (done = true))
  for (let i = 0; i < 10; i++) await Promise.resolve()
  return done
}

test('the first instance writes its length, and a writer waits it out to the millisecond', async () => {
  const { clock, leaseOf, row } = setUp()
  const lease = leaseOf(1_000)
  expect(lease.readMs()).toBe(0)
  await lease.open()
  expect(await row()).toBe('1000')
  expect(lease.readMs()).toBe(1_000)
  const settled = lease.settle()
  await clock.advance(999)
  expect(await isDone(settled)).toBe(false)
  await clock.advance(1)
  expect(await isDone(settled)).toBe(true)
})

test('a timer that fires early does not end the wait', async () => {
  const { clock, store } = setUp()
  const hasty = {
    ...clock,
    now: clock.now,
    monotonic: clock.monotonic,
    sleep: (ms: number) => clock.sleep(Math.ceil(ms / 2)),
  }
  const lease = createSharedLease({ name: 'lease', ms: 1_000, store, clock: hasty })
  await lease.open()
  const settled = lease.settle()
  await clock.advance(999)
  expect(await isDone(settled)).toBe(false)
  await clock.advance(10)
  expect(await isDone(settled)).toBe(true)
})

test('a shorter instance reads with its own length and waits out the longest', async () => {
  const { clock, leaseOf, row } = setUp()
  await leaseOf(5_000).open()
  const short = leaseOf(1_000)
  await short.open()
  expect(short.readMs()).toBe(1_000)
  expect(await row()).toBe('5000')
  const settled = short.settle()
  await clock.advance(4_999)
  expect(await isDone(settled)).toBe(false)
  await clock.advance(1)
  expect(await isDone(settled)).toBe(true)
})

describe('raising', () => {
  test('is row first, and used one old length later', async () => {
    const { clock, leaseOf, row } = setUp()
    await leaseOf(1_000).open()
    const long = leaseOf(5_000)
    await long.open()
    expect(await row()).toBe('5000')
    expect(long.readMs()).toBe(1_000)
    await clock.advance(999)
    expect(long.readMs()).toBe(1_000)
    await clock.advance(1)
    expect(long.readMs()).toBe(5_000)
  })

  test('a writer that began before it waits the old length, by when nobody has used the new one', async () => {
    const { clock, leaseOf } = setUp()
    const writer = leaseOf(1_000)
    await writer.open()
    const settled = writer.settle()
    await clock.advance(500)
    const long = leaseOf(5_000)
    await long.open()
    await clock.advance(500)
    expect(await isDone(settled)).toBe(true)
    expect(long.readMs()).toBe(1_000)
  })

  test('two instances that raise at once agree on the longer', async () => {
    const { clock, leaseOf, row } = setUp()
    await leaseOf(100).open()
    const [a, b] = [leaseOf(2_000), leaseOf(3_000)]
    await Promise.all([a.open(), b.open()])
    expect(await row()).toBe('3000')
    await clock.advance(5_000)
    expect([a.readMs(), b.readMs()]).toEqual([2_000, 3_000])
  })
})

test('an instance that keeps nothing writes no row, and still waits for those that do', async () => {
  const { clock, leaseOf, row } = setUp()
  const strict = leaseOf(0)
  await strict.open()
  expect(await row()).toBeUndefined()
  await strict.settle()
  await leaseOf(1_000).open()
  const settled = strict.settle()
  expect(await isDone(settled)).toBe(false)
  await clock.advance(1_000)
  expect(await isDone(settled)).toBe(true)
})

test.each(['', 'x', '-1', '0', '1e3', '1.5'])('a row that says %j is refused, not guessed', async (value) => {
  const { store, leaseOf } = setUp()
  await store.commit([
    { do: 'insert', type: 'setting', record: { id: 'lease', workspaceId: '', version: 1, value } },
  ])
  await expect(leaseOf(1_000).open()).rejects.toMatchObject({ code: 'store_unavailable' })
})

test('a lease of one process waits for nobody', async () => {
  const lease = createLocalLease(7)
  await lease.open()
  await lease.settle()
  expect(lease.readMs()).toBe(7)
})
