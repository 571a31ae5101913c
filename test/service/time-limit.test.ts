import { describe, expect, test } from 'vitest'
import { KeyrungError } from '../../src/core/errors.js'
import { attempt, errorWord } from '../../src/service/time-limit.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import { never } from './audit-samples.js'

describe('a call to the host', () => {
  test('that answers at once costs no timer', async () => {
    const clock = manualClock()
    const outcome = attempt(clock, 1_000, () => {
      expect(clock.sleepers).toBe(0)
      return 7
    })
    expect(clock.sleepers).toBe(0)
    expect(await outcome).toEqual({ ok: true, value: 7 })
  })

  test('may answer null', async () => {
    expect(await attempt(manualClock(), 1_000, () => null)).toEqual({ ok: true, value: null })
  })

  test('that answers later leaves no timer behind', async () => {
    const clock = manualClock()
    expect(await attempt(clock, 1_000, () => Promise.resolve('x'))).toEqual({ ok: true, value: 'x' })
    expect(clock.sleepers).toBe(0)
  })

  test('that hangs is given up when its time is over, to the millisecond', async () => {
    const clock = manualClock()
    let outcome: unknown
    void attempt(clock, 1_000, never).then((value) => {
      outcome = value
    })
    await clock.advance(999)
    expect(outcome).toBeUndefined()
    await clock.advance(1)
    await clock.advance(0)
    expect(outcome).toEqual({ ok: false, why: 'timeout' })
  })

  test('that throws or rejects is told by one word', async () => {
    const thrown = () => {
      throw new TypeError('secret')
    }
    expect(await attempt(manualClock(), 1, thrown)).toMatchObject({ ok: false, why: 'TypeError' })
    const rejected = () => Promise.reject(new RangeError('secret'))
    expect(await attempt(manualClock(), 1, rejected)).toMatchObject({ ok: false, why: 'RangeError' })
  })
})

describe('the word for an error', () => {
  const named = (name: string, code?: unknown) => Object.assign(new Error('canary'), { name, code })
  const hostile = new Proxy(new Error('canary'), {
    get() {
      throw new Error('canary')
    },
  })

  test.each([
    [new KeyrungError('store_unavailable'), 'store_unavailable'],
    [named('Error', 'ENOSPC'), 'ENOSPC'],
    [named('Error', 'ERR_HTTP2_ERROR'.replace('2', '')), 'ERR_HTTP_ERROR'],
    [named('Error', 42), 'Error'],
    [named('MongoError'), 'MongoError'],
    [named('canary_live_0123456789', 'canary_live_0123456789'), 'Error'],
    [named('A\nB'), 'Error'],
    ['canary', 'Error'],
    [null, 'Error'],
    [hostile, 'Error'],
  ])('%#: is a name or a code, never a message', (error, word) => {
    expect(errorWord(error)).toBe(word)
  })
})
