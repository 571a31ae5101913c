import { afterEach, expect, test, vi } from 'vitest'
import { KeyrungError } from '../../src/core/errors.js'
import { createNoticeWriter } from '../../src/service/notice.js'
import { manualClock } from '../../src/testing/manual-clock.js'

afterEach(() => {
  vi.restoreAllMocks()
})

test('the default writes a line and the error with its cause, and no flood of the same', async () => {
  const written = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  const clock = manualClock()
  const write = createNoticeWriter(clock)
  const error = new KeyrungError('store_unavailable', { cause: new Error('connect ECONNREFUSED') })
  for (let i = 0; i < 1_000; i++) write({ code: 'request_failed', message: 'one', error })
  write({ code: 'request_failed', message: 'another' })
  await clock.advance(10_000)
  write({ code: 'request_failed', message: 'one' })
  expect(written.mock.calls).toEqual([
    ['keyrung: request_failed: one', error],
    ['keyrung: request_failed: another'],
    ['keyrung: request_failed: one'],
  ])
})
