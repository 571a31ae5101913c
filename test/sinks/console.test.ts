import { expect, test, vi } from 'vitest'
import { consoleSink } from '../../src/sinks/console.js'
import { memorySink } from '../../src/sinks/memory.js'
import { auditEvent, decision, nasty } from './event-samples.js'

test('a change is one line of JSON in snake_case with times as RFC 3339', async () => {
  const lines: string[] = []
  const sink = consoleSink({ write: (line) => void lines.push(line) })
  await sink.write([auditEvent(1), auditEvent(2)])
  expect(lines).toHaveLength(2)
  expect(JSON.parse(lines[0]!)).toEqual({
    type: 'change',
    id: 'evt_00000000000000000000000001',
    at: '2026-01-01T00:00:00.001Z',
    workspace_id: 'acme',
    actor: 'user:42',
    action: 'key.edited',
    target: { type: 'key', id: 'key_1', name: 'CI' },
    reason: 'CI',
    request_id: null,
    address: null,
    user_agent: null,
    before: null,
    after: {
      name: 'CI',
      mode: 'custom',
      scopes: ['contacts:read'],
      status: 'active',
      expires_at: '2026-01-01T00:00:00.000Z',
      not_before: null,
      address_rules: ['10.0.0.0/8'],
      owner_id: '7',
      limits: null,
      webhook: null,
    },
    grace_ends_at: '2026-01-01T00:00:00.000Z',
  })
})

test('counted refusals are lines of a type of their own', async () => {
  const lines: string[] = []
  await consoleSink({ write: (line) => void lines.push(line) }).writeDecisions!([decision])
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    {
      type: 'decision',
      first_at: '2026-01-01T00:00:00.000Z',
      last_at: '2026-01-01T00:00:00.001Z',
      count: 3,
      workspace_id: 'acme',
      key_id: 'key_1',
      code: 'insufficient',
      permission: 'contacts:write',
    },
  ])
})

test('a line is a single line whatever a name contains', async () => {
  const lines: string[] = []
  await consoleSink({ write: (line) => void lines.push(line) }).write([auditEvent(1, nasty)])
  expect(lines[0]).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u)
  expect(JSON.parse(lines[0]!)).toMatchObject({ target: { name: nasty } })
})

test('lines go to the console if nothing else is said', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  try {
    const sink = consoleSink()
    expect(sink.name).toBe('console')
    await sink.write([auditEvent(1)])
    expect(log.mock.calls).toEqual([[expect.stringContaining('"id":"evt_00000000000000000000000001"')]])
  } finally {
    log.mockRestore()
  }
})

test('the memory sink keeps what came last', async () => {
  const sink = memorySink({ max: 2, name: 'tests' })
  await sink.write([auditEvent(1), auditEvent(2), auditEvent(3)])
  sink.writeDecisions([decision])
  expect(sink.name).toBe('tests')
  expect(sink.events.map((event) => event.id.at(-1))).toEqual(['2', '3'])
  expect(sink.decisions).toEqual([decision])
})

test.each([0, 1.5, NaN, '7'])('the memory sink refuses to keep %s', (max) => {
  const make = () => memorySink({ max: max as number })
  expect(make).toThrow(expect.objectContaining({ code: 'config_invalid' }))
})

test('sinks have names to be told apart by', () => {
  expect([memorySink().name, consoleSink({ name: 'out' }).name]).toEqual(['memory', 'out'])
})
