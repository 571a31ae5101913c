import { describe, expect, test } from 'vitest'
import { defineCatalog } from '../../src/core/catalog.js'
import type { Fault } from '../../src/core/errors.js'
import { ladders } from '../../src/core/ladder.js'
import { readHttpSettings } from '../../src/service/http-settings.js'
import { checkOptions } from '../../src/service/options.js'
import { memoryStore } from '../../src/stores/memory.js'

const good = {
  catalog: defineCatalog({ resources: { contacts: { ladder: ladders.crud } } }),
  store: memoryStore(),
  secret: 'x'.repeat(32),
  keys: { prefix: 'tp' },
}

function faultsOf(options: unknown): readonly Fault[] {
  try {
    checkOptions(options)
    return []
  } catch (error) {
    return (error as { faults: Fault[] }).faults
  }
}

function pathsOf(options: unknown): string[] {
  return faultsOf(options).map(({ path }) => path)
}

test('the least there is will do', () => {
  expect(pathsOf(good)).toEqual([])
})

test.each([undefined, null, 7, 'x', [], () => undefined])(
  'options that are no object are refused: %j',
  (options) => {
    expect(pathsOf(options)).toEqual([''])
  },
)

test('every fault is told at once, by its path', () => {
  const sink = { name: 'a', write: () => undefined }
  const paths = pathsOf({
    ...{ catalog: {}, store: null, keys: { prefix: 'tp', lifecicle: 'editable' }, pepper: 'some', lease: 1 },
    ...{ directory: {}, entitlements: () => undefined, hookLeaseMs: '1', hookTimeoutMs: NaN, leaseMs: -1 },
    ...{ storeTimeoutMs: Infinity, freshness: 'exclusive', cache: { max: 0, size: 1 } },
    ...{ sinks: [sink, sink, {}, null], clock: {}, notify: 'x', entropy: 7 },
  })
  expect(paths.sort()).toEqual(
    [
      ...['lease', 'keys.lifecicle', 'catalog', 'store', 'pepper', 'directory', 'entitlements'],
      ...[
        'hookLeaseMs',
        'hookTimeoutMs',
        'leaseMs',
        'storeTimeoutMs',
        'freshness',
        'cache.max',
        'cache.size',
      ],
      ...['sinks.1', 'sinks.2', 'sinks.3', 'clock', 'notify', 'entropy'],
    ].sort(),
  )
})

test.each([
  ['keys', { keys: undefined }],
  ['cache', { cache: 7 }],
  ['sinks', { sinks: {} }],
])('%s of the wrong kind', (path, given) => {
  expect(pathsOf({ ...good, ...given })).toEqual([path])
})

test('no lease for hooks is a choice; no lease for credentials is called strict', () => {
  expect(pathsOf({ ...good, hookLeaseMs: 0 })).toEqual([])
  expect(pathsOf({ ...good, leaseMs: 0 })).toEqual(['leaseMs'])
})

describe('http', () => {
  function read(options: unknown) {
    const faults: Fault[] = []
    const settings = readHttpSettings(options, faults)
    return { settings, paths: faults.map(({ path }) => path) }
  }

  test('has defaults that trust nobody and hide nothing', () => {
    expect(read(undefined)).toEqual({
      settings: {
        ...{
          realm: 'api',
          credentialHeader: null,
          trustedProxies: 0,
          forwardedHeader: null,
          hidden: 'forbidden',
        },
        ...{ upgradeUrl: null, problemBaseUrl: null, limitHeaders: true, approvalsUrl: null },
      },
      paths: [],
    })
  })

  test.each<[string, unknown]>([
    ['http', 'x'],
    ['http', []],
    ['http.relm', { relm: 'x' }],
    ['http.realm', { realm: 'a"b' }],
    ['http.realm', { realm: 'a\r\nSet-Cookie: x' }],
    ['http.realm', { realm: '' }],
    ['http.credentialHeader', { credentialHeader: 'Authorization' }],
    ['http.credentialHeader', { credentialHeader: 'authorization' }],
    ['http.credentialHeader', { credentialHeader: 'x api key' }],
    ['http.trustedProxies', { trustedProxies: true }],
    ['http.trustedProxies', { trustedProxies: 1.5 }],
    ['http.trustedProxies', { trustedProxies: -1 }],
    ['http.forwardedHeader', { forwardedHeader: 'x-real-ip' }],
    ['http.hidden', { hidden: true }],
    ['http.upgradeUrl', { upgradeUrl: 'javascript:alert(1)' }],
    ['http.upgradeUrl', { upgradeUrl: 'https://a.example/"><' }],
    ['http.problemBaseUrl', { problemBaseUrl: 7 }],
    ['http.limitHeaders', { limitHeaders: 'no' }],
    ['http.approvalsUrl', { approvalsUrl: 7 }],
    ['http.approvalsUrl', { approvalsUrl: 'manage/approvals' }],
    ['http.approvalsUrl', { approvalsUrl: '//evil.example/approvals' }],
    ['http.approvalsUrl', { approvalsUrl: 'javascript:alert(1)' }],
  ])('%s refuses %j', (path, options) => {
    expect(read(options).paths).toEqual([path])
  })

  test('takes what is right', () => {
    const all = {
      ...{
        realm: 'My API',
        credentialHeader: 'x-api-key',
        trustedProxies: 2,
        forwardedHeader: 'forwarded',
        hidden: 'not_found',
      },
      ...{ upgradeUrl: 'https://a.example/plans?from=api', problemBaseUrl: 'https://a.example/problems/' },
      limitHeaders: false,
    }
    expect(read(all)).toEqual({ settings: { ...all, approvalsUrl: null }, paths: [] })
    expect(read({ approvalsUrl: '/manage/approvals' }).settings.approvalsUrl).toBe('/manage/approvals')
  })
})

test.each([
  [{ entitlement: {} }, 'entitlement', 'entitlements'],
  [{ keys: { prefix: 'tp', lifecicle: 'editable' } }, 'keys.lifecicle', 'lifecycle'],
  [{ cache: { maxx: 1 } }, 'cache.maxx', 'max'],
])('a mistyped option gets a suggestion: %j', (options, path, meant) => {
  const message = `is not an option; did you mean ${meant}?`
  expect(faultsOf({ ...good, ...options })).toContainEqual({ path, message })
})
