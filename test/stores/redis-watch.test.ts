import { describe, expect, it } from 'vitest'
import { MemoryWatch } from '../../src/stores/redis/watch.js'
import type { Told } from '../../src/stores/redis/watch.js'

/** What the script answers where it read the workspace's note; `run` is null where the server was not asked for it. */
const told = (run: string | null, { born = '7', lostAt = 0 } = {}): Told => ({
  run,
  note: { text: `${run ?? 'run1'} note`, lostAt, writtenAt: 1_000 },
  born,
})

/** What the script is told by these words: check, run, born, seenAt, lossAt. */
function seen(watch: MemoryWatch, workspace: string, generation: number, monotonic: number) {
  const [check, run, born, seenAt, lossAt] = watch.seen(workspace, generation, monotonic).text.split(' ')
  return { check: check === '1', run, born, seenAt: Number(seenAt), lossAt: Number(lossAt) }
}

describe('MemoryWatch', () => {
  it('has the server asked for its run by the first call, and by one a second from then on', () => {
    const watch = new MemoryWatch(false)
    expect(seen(watch, 'a', 1, 0)).toEqual({ check: true, run: '?', born: '0', seenAt: 0, lossAt: 0 })
    watch.learn('a', 1_000, told('run1'), 1, 0)
    expect(seen(watch, 'a', 1, 999)).toMatchObject({ check: false, run: 'run1', born: '7', seenAt: 1_000 })
    expect(seen(watch, 'a', 1, 1_000).check).toBe(true)
    // Those beside the one that asks need not.
    expect(seen(watch, 'a', 1, 1_000).check).toBe(false)
  })

  it('has the note read anew with each check, and where it is of another run', () => {
    const watch = new MemoryWatch(false)
    watch.learn('a', 1_000, told('run1'), 1, 0)
    expect(watch.seen('a', 1, 999).note.text).toBe('run1 note')
    expect(watch.seen('a', 1, 1_000).note.text).toBe('?')
    watch.learn('b', 1_001, told('run2'), 1, 1_001)
    expect(watch.seen('a', 1, 1_002).note.text).toBe('?')
    expect(watch.seen('b', 1, 1_002).note.text).toBe('run2 note')
  })

  it('has it asked behind every new connection, as another server may answer there', () => {
    const watch = new MemoryWatch(false)
    watch.learn('a', 1_000, told('run1'), 1, 0)
    expect(seen(watch, 'a', 2, 1)).toMatchObject({ check: true, run: 'run1' })
    // Until an answer has come from behind it.
    expect(seen(watch, 'a', 2, 2).check).toBe(true)
    watch.learn('a', 1_000, told('run2'), 2, 3)
    expect(seen(watch, 'a', 2, 4)).toMatchObject({ check: false, run: 'run2' })
  })

  it('takes one server for all workspaces, and in a cluster a server for each', () => {
    for (const cluster of [false, true]) {
      const watch = new MemoryWatch(cluster)
      watch.learn('a', 1_000, told('run1'), 1, 0)
      expect(seen(watch, 'b', 1, 1)).toMatchObject({ check: cluster, run: cluster ? '?' : 'run1', born: '0' })
    }
  })

  it('keeps the run it knows where an answer does not tell one', () => {
    const watch = new MemoryWatch(true)
    watch.learn('a', 1_000, told('run1'), 1, 0)
    watch.learn('a', 1_001, told(null), 1, 1)
    expect(seen(watch, 'a', 1, 2)).toMatchObject({ check: false, run: 'run1', seenAt: 1_001 })
    watch.learn('a', 1_002, undefined, 1, 2)
    expect(seen(watch, 'a', 1, 3)).toMatchObject({ check: false, run: 'run1', born: '7', seenAt: 1_002 })
  })

  it('tells each workspace of the last loss that any has told of, and never of an earlier one', () => {
    const watch = new MemoryWatch(false)
    watch.learn('a', 1_000, told('run1', { lostAt: 900 }), 1, 0)
    expect(seen(watch, 'b', 1, 1).lossAt).toBe(900)
    watch.learn('b', 1_000, told(null, { lostAt: 400 }), 1, 1)
    expect(seen(watch, 'a', 1, 2).lossAt).toBe(900)
  })

  it('remembers ten thousand workspaces, and of more forgets the one that came first', () => {
    const watch = new MemoryWatch(false)
    for (let i = 0; i <= 10_000; i++) watch.learn(`ws${i}`, 1_000, told('run1'), 1, 0)
    expect(seen(watch, 'ws0', 1, 1)).toMatchObject({ born: '0', seenAt: 0 })
    expect(seen(watch, 'ws1', 1, 1)).toMatchObject({ born: '7', seenAt: 1_000 })
    expect(seen(watch, 'ws10000', 1, 1)).toMatchObject({ born: '7', seenAt: 1_000 })
  })
})
