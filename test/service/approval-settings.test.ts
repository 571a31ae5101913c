import { expect, test } from 'vitest'
import type { Fault } from '../../src/core/errors.js'
import { readApprovalSettings } from '../../src/service/approval-settings.js'

function faultsOf(options: unknown): readonly string[] {
  const faults: Fault[] = []
  readApprovalSettings(options, 'X-Key', faults)
  return faults.map(({ path }) => path)
}

test('the defaults are those that are documented', () => {
  const faults: Fault[] = []
  const settings = readApprovalSettings(undefined, null, faults)
  expect(faults).toEqual([])
  expect(settings).toMatchObject({
    ...{ quorum: 1, fourEyes: false, expiresMs: 7 * 86_400_000, maxPending: 100, maxBodyBytes: 262_144 },
    ...{ maxResultBytes: 65_536, waitMs: 10_000, leaseMs: 30_000, runMs: 300_000, retentionDays: 30 },
    ...{ redact: [], headers: [] },
  })
  const admin = { type: 'user', id: 'a', workspaceId: 'w', role: 'admin' } as const
  expect(settings.canDecide(admin, 'list')).toBe(true)
  expect(settings.canDecide({ ...admin, role: 'Admin' }, 'list')).toBe(false)
  expect(settings.canDecide({ type: 'system', name: 's', workspaceId: 'w' }, 'list')).toBe(false)
})

test('every fault is told by its path', () => {
  expect(
    faultsOf({
      ...{
        quorum: 0,
        fourEyes: 1,
        expiresMs: 31 * 86_400_000,
        maxPending: 1.5,
        maxBodyBytes: -1,
        waitMs: '1',
      },
      ...{
        maxResultBytes: Infinity,
        leaseMs: 999,
        runMs: NaN,
        retentionDays: 4_000,
        canDecide: true,
        extra: 1,
      },
      redact: ['/ok', 'no', 7],
      headers: ['X-Ok', 'Cookie', 'authorization', 'a b', 'x-key', 'X-API-Key'],
    }).toSorted(),
  ).toEqual(
    [
      ...[
        'quorum',
        'fourEyes',
        'expiresMs',
        'maxPending',
        'maxBodyBytes',
        'waitMs',
        'maxResultBytes',
        'leaseMs',
      ],
      ...['runMs', 'retentionDays', 'canDecide', 'extra', 'redact.1', 'redact.2'],
      ...[1, 2, 3, 4, 5].map((i) => `headers.${i}`),
    ]
      .map((path) => `approvals.${path}`)
      .toSorted(),
  )
  for (const options of [null, 7, 'x', []]) expect(faultsOf(options)).toEqual(['approvals'])
  const lists = ['approvals.redact', 'approvals.headers']
  for (const list of ['/card', {}, null, Array.from({ length: 1_001 }, () => '/a')]) {
    expect(faultsOf({ redact: list, headers: list })).toEqual(lists)
  }
})

test('the longest is taken, and headers by any case', () => {
  const faults: Fault[] = []
  const options = { expiresMs: 30 * 86_400_000, quorum: 20, headers: ['X-Tenant'], redact: ['/a/*'] }
  expect(readApprovalSettings(options, null, faults)).toMatchObject({ ...options, headers: ['x-tenant'] })
  expect(faults).toEqual([])
})
