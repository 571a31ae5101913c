import { afterAll, beforeAll, expect, test } from 'vitest'
import { isKeyrungError } from '../../src/core/errors.js'
import type { GateBody } from '../../src/http/gate-request.js'
import { storedHeaders } from '../../src/http/stored-headers.js'
import { NodeRequest } from '../../src/middleware/node-request.js'
import { isAnotherValue } from '../../src/middleware/parsed-value.js'
import { readApprovalSettings } from '../../src/service/approval-settings.js'
import { maskBody } from '../../src/service/approvals/masking.js'
import { copyReplayable } from '../../src/service/approvals/replayable.js'
import type { StoredRequest } from '../../src/service/replay.js'
import { seededLot } from '../../src/testing/lot.js'
import { hostileBodies, hostileType, parse, readRequest, realParsers } from './hostile-types.js'

const { stackTraceLimit } = Error
// Most of them end in an error, of which nobody reads where it came from.
beforeAll(() => void (Error.stackTraceLimit = 0))
afterAll(() => void (Error.stackTraceLimit = stackTraceLimit))

const settings = readApprovalSettings({}, null, [])
const parsers = Object.entries(realParsers)

/** Stores a request as the gate does; null where it was refused. */
function store(type: string, body: GateBody): StoredRequest | null {
  const request = new NodeRequest(readRequest(type, body.bytes))
  try {
    return copyReplayable(
      {
        ...{ method: 'POST', target: '/', pattern: null, scheme: 'http', peer: null },
        headers: storedHeaders(request, ['content-type'], body),
        ...{ body: body.bytes, isRewritten: body.isRewritten, parsed: body.parsed ?? null },
      },
      settings,
    )
  } catch (error) {
    if (isKeyrungError(error) && error.code === 'not_replayable') return null
    throw error
  }
}

const contentTypeOf = ({ headers }: StoredRequest): string =>
  headers.find(([name]) => name === 'content-type')![1]

const settled = (parsed: Promise<unknown>): Promise<unknown> => parsed.catch(() => refused)
/** An app whose parser fails answers 4xx, and its handler is not reached. */
const refused = Symbol('refused')

/** What the shown text means, read without any content type of the caller's. */
async function meaning(name: string, stored: StoredRequest): Promise<unknown> {
  const { encoding, text } = maskBody(stored.body, contentTypeOf(stored), [])
  const bytes = Buffer.from(text, encoding === 'utf8' ? 'utf8' : 'base64')
  return settled(parse(realParsers[name]!, 'text/plain', bytes))
}

test('what is shown of 100,000 content types is what real parsers make of it, or it is refused', async () => {
  const lot = seededLot(7)
  const counts = { refused: 0, stored: 0, parsed: 0 }
  for (let i = 0; i < 100_000; i++) {
    const type = hostileType(lot)
    const bytes = hostileBodies[i % hostileBodies.length]!
    const [name, parser] = parsers[Math.floor(lot() * parsers.length)]!
    const stored = store(type, { bytes, isRewritten: false })
    if (stored === null) {
      counts.refused++
      continue
    }
    counts.stored++
    const parsed = await settled(parse(parser, contentTypeOf(stored), stored.body))
    if (parsed === refused) continue
    counts.parsed++
    const shown = await meaning(name, stored)
    if (JSON.stringify(parsed) !== JSON.stringify(shown))
      expect([type, name, parsed]).toEqual([type, name, shown])
  }
  expect(Math.min(counts.refused, counts.parsed)).toBeGreaterThan(10_000)
}, 60_000)

test('so is what a parser ahead of the guard had made of it', async () => {
  const lot = seededLot(11)
  const counts = { refused: 0, stored: 0, parsed: 0 }
  for (let i = 0; i < 8_000; i++) {
    const type = hostileType(lot)
    const bytes = hostileBodies[i % hostileBodies.length]!
    const [name, parser] = parsers[Math.floor(lot() * parsers.length)]!
    const value = await settled(parse(parser, type, bytes))
    if (value === refused) continue
    const framing = { parsed: { value } } as never
    const body = await new NodeRequest(readRequest(type, bytes), '/', () => framing)
      .readBody(settings.maxBodyBytes)
      .catch(() => null)
    const stored = body && store(type, body)
    if (stored === null) {
      counts.refused++
      continue
    }
    counts.stored++
    const again = await settled(parse(parser, contentTypeOf(stored), stored.body))
    // The approval is stale then.
    if (again === refused || isAnotherValue(again, stored)) continue
    counts.parsed++
    const given = JSON.stringify(value)
    expect([type, name, JSON.stringify(await meaning(name, stored))]).toEqual([type, name, given])
  }
  expect(Math.min(counts.refused, counts.parsed)).toBeGreaterThan(500)
}, 60_000)
