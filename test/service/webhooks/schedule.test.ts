import { describe, expect, test } from 'vitest'
import { retryAt } from '../../../src/service/webhooks/schedule.js'

const now = 1_767_225_600_000
const least = () => new Uint8Array([0])
const most = () => new Uint8Array([255])

describe('the next attempt after a failed one', () => {
  test('comes later each time, over more than three days, and then never', () => {
    const waits: number[] = []
    for (let attempts = 1; ; attempts++) {
      const at = retryAt(attempts, now, null, least)
      if (at === null) break
      waits.push((at - now) / 1_000)
    }
    expect(waits).toEqual([5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400])
  })

  test('is drawn by lot, up to a fifth later', () => {
    expect(retryAt(2, now, null, most)).toBe(now + 360_000)
  })

  test.each([
    ['600', 600],
    ['Thu, 01 Jan 2026 00:10:00 GMT', 600],
    ['10', 300],
    ['Thu, 01 Jan 2026 00:00:00 GMT', 300],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 300],
    ['999999999', 86_400],
    ['9999999999', 86_400],
    ['0000000600', 600],
    ['9'.repeat(400), 86_400],
    ['-600', 300],
    ['1e9', 300],
    ['soon', 300],
    ['', 300],
  ])('is put off by a Retry-After of %j to %d s, never brought forward', (retryAfter, seconds) => {
    expect(retryAt(2, now, retryAfter, least)).toBe(now + seconds * 1_000)
  })
})
