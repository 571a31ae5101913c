import { expect, test } from 'vitest'
import type { Fault } from '../../src/core/errors.js'
import { readWebhookSettings } from '../../src/service/webhook-settings.js'

function read(options: unknown) {
  const faults: Fault[] = []
  const settings = readWebhookSettings(options, faults)
  return { settings, faults, paths: faults.map(({ path }) => path) }
}

test('the defaults are those that are documented', () => {
  const { settings, faults } = read(undefined)
  expect(faults).toEqual([])
  expect(settings).toMatchObject({ timeoutMs: 10_000, retentionMs: 30 * 86_400_000 })
  expect(typeof settings.policy.readUrl('https://hooks.example.com/')).not.toBe('string')
  for (const url of ['https://hooks.example.com:8443/', 'https://127.0.0.1/']) {
    expect(typeof settings.policy.readUrl(url)).toBe('string')
  }
})

test('what the host allows beyond them is allowed, and nothing else', () => {
  const { settings, faults } = read({
    ...{ ports: [443, 8443], dangerouslyAllowAddresses: ['127.0.0.1'], timeoutMs: 1, retentionDays: 0 },
  })
  expect(faults).toEqual([])
  expect(settings).toMatchObject({ timeoutMs: 1, retentionMs: 0 })
  const isAllowed = (url: string) => typeof settings.policy.readUrl(url) !== 'string'
  expect(isAllowed('https://hooks.example.com:8443/')).toBe(true)
  expect(isAllowed('https://127.0.0.1/')).toBe(true)
  expect(isAllowed('https://127.0.0.2/')).toBe(false)
  expect(isAllowed('https://hooks.example.com:8444/')).toBe(false)
})

test.each([null, 7, 'x', []])('options that are no object are refused: %j', (options) => {
  expect(read(options).paths).toEqual(['webhooks'])
})

const unreadable = new Proxy([], {
  get: () => {
    throw new TypeError('of the host')
  },
})

test.each<[string, unknown]>([
  ['port', { port: 443 }],
  ['ports', { ports: 443 }],
  ['ports', { ports: [0] }],
  ['ports', { ports: ['443'] }],
  ['ports', { ports: [65_536] }],
  ['ports', { ports: [8443.5] }],
  ['ports', { ports: Array.from({ length: 101 }, () => 443) }],
  ['dangerouslyAllowAddresses', { dangerouslyAllowAddresses: '127.0.0.1' }],
  ['dangerouslyAllowAddresses', { dangerouslyAllowAddresses: unreadable }],
  ['dangerouslyAllowAddresses.1', { dangerouslyAllowAddresses: ['127.0.0.1', 'localhost'] }],
  ['timeoutMs', { timeoutMs: 0 }],
  ['timeoutMs', { timeoutMs: 60_001 }],
  ['timeoutMs', { timeoutMs: '1000' }],
  ['timeoutMs', { timeoutMs: NaN }],
  ['retentionDays', { retentionDays: -1 }],
  ['retentionDays', { retentionDays: 3_651 }],
])('%s is told as what is wrong: %#', (path, options) => {
  expect(read(options).paths).toEqual([`webhooks.${path}`])
})

test('all that is wrong is told at once', () => {
  const { paths } = read({ ports: [0], dangerouslyAllowAddresses: 7, timeoutMs: 0, retentionDays: 0.5, x: 1 })
  expect(paths.toSorted()).toEqual(
    ['dangerouslyAllowAddresses', 'ports', 'retentionDays', 'timeoutMs', 'x'].map(
      (name) => `webhooks.${name}`,
    ),
  )
})
