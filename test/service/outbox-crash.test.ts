import { expect, test } from 'vitest'
import type { Change } from '../../src/ports/change.js'
import type { Store } from '../../src/ports/store.js'
import { createOutbox } from '../../src/service/outbox.js'
import { memoryStore } from '../../src/stores/memory.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import { commitEvents, countingEntropy, idsOf, never, scriptedSink, start } from './audit-samples.js'

/** Where an instance ends: nothing of it happens from there on. */
const places = ['before the claim', 'after the claim', 'after the write', 'after the delete'] as const

type Place = (typeof places)[number]

/** A store whose process is gone from some moment on: it throws, or never answers. */
function dyingStore(store: Store, place: Place, die: () => never | Promise<never>): Store {
  return {
    ...store,
    async commit(changes: readonly Change[]) {
      const deleting = changes.some((change) => change.do === 'delete')
      if (place === 'before the claim' && !deleting) return die()
      if (place === 'after the write' && deleting) return die()
      const result = await store.commit(changes)
      if (place === 'after the claim' && !deleting) return die()
      if (place === 'after the delete' && deleting) return die()
      return result
    },
  }
}

const deaths: [string, () => never | Promise<never>][] = [
  ['throws', () => Promise.reject(new Error('gone'))],
  ['hangs', never],
]

const cases = places.flatMap((place) => deaths.map(([how, die]) => ({ place, how, die })))

test.each(cases)('an instance whose store $how $place loses no event', async ({ place, die }) => {
  const clock = manualClock(start)
  const entropy = countingEntropy()
  const store = memoryStore({ clock })
  const ids = await commitEvents(store, 150, { sinkNames: ['file'], at: start - 150, entropy })
  const sink = scriptedSink('file')
  const common = { clock, entropy, sinks: [sink], notify: () => undefined }
  const dying = createOutbox({ ...common, store: dyingStore(store, place, die) })
  void dying.deliver(60_000).catch(() => undefined)
  await clock.advance(1)
  const before = idsOf(sink).length
  expect(before).toBe(place.startsWith('after the w') || place === 'after the delete' ? 100 : 0)

  // Another instance takes over; what was claimed waits until the claim is over.
  const other = createOutbox({ ...common, store })
  await other.deliver(60_000)
  if (place === 'after the claim') expect(idsOf(sink)).toHaveLength(50)
  await clock.advance(120_000)
  await other.deliver(60_000)

  expect(new Set(idsOf(sink))).toEqual(new Set(ids))
  expect((await store.countMessages()).size).toBe(0)
  // Only what was written and not yet deleted came twice, under the same ids.
  expect(idsOf(sink)).toHaveLength(place === 'after the write' ? 250 : 150)
})

test('an instance whose write came through after it was given up repeats it under the same id', async () => {
  const clock = manualClock(start)
  const entropy = countingEntropy()
  const store = memoryStore({ clock })
  const ids = await commitEvents(store, 1, { sinkNames: ['file'], at: start - 1, entropy })
  const sink = scriptedSink('file')
  sink.act = () => clock.sleep(11_000)
  const outbox = createOutbox({ store, clock, entropy, sinks: [sink], notify: () => undefined })
  void outbox.deliver(5_000)
  await clock.advance(11_000)
  expect(idsOf(sink)).toEqual(ids)
  sink.act = () => undefined
  await clock.advance(5_000)
  await outbox.deliver(5_000)
  expect(idsOf(sink)).toEqual([...ids, ...ids])
})
