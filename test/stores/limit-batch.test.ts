import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseLimits } from '../../src/core/limit.js'
import type { LimitRule } from '../../src/core/limit.js'
import { limitId, planBatch, takeRequest } from '../../src/stores/sql/limit-batch.js'
import type { TakenRequest } from '../../src/stores/sql/limit-batch.js'

const now = 1_767_225_600_500

function limited(limit: number, name = 'turn'): readonly LimitRule[] {
  return parseLimits([{ name, limit, windowMs: 60_000 }])
}

function request(charges: readonly (readonly [id: string, limit: number, cost: number])[]): TakenRequest {
  return { force: false, charges: charges.map(([id, limit, cost]) => ({ id, rules: limited(limit), cost })) }
}

describe('requests that are worked out together', () => {
  it('spend in the order of their arrival, and who does not fit stands in nobody’s way', () => {
    const { answers, contents } = planBatch(
      [3, 4, 2, 1].map((cost) => request([['a', 5, cost]])),
      new Map(),
      now,
    )
    expect(answers.map(({ ok }) => ok)).toEqual([true, false, true, false])
    expect(answers.map(({ meters }) => meters[0]!.used)).toEqual([3, 3, 5, 5])
    expect([...contents.keys()]).toEqual(['a'])
  })

  it('spend all of a request or nothing, and refused ones leave no trace', () => {
    const both = request([
      ['a', 5, 1],
      ['b', 1, 1],
    ])
    const { answers, contents } = planBatch([both, both, request([['a', 5, 4]])], new Map(), now)
    expect(answers.map(({ ok }) => ok)).toEqual([true, false, true])
    expect(answers[1]!.meters.map(({ used, fits }) => [used, fits])).toEqual([
      [1, true],
      [1, false],
    ])
    const refused = planBatch([request([['c', 0, 1]])], new Map(), now)
    expect(refused.contents.size).toBe(0)
    expect(contents.size).toBe(2)
  })

  it('count a subject that stands in a request twice as often as it stands there', () => {
    const twice = request([
      ['a', 3, 2],
      ['a', 3, 2],
    ])
    expect(planBatch([twice], new Map(), now).answers[0]!.ok).toBe(false)
    expect(planBatch([twice, request([['a', 3, 3]])], new Map(), now).answers.map(({ ok }) => ok)).toEqual([
      false,
      true,
    ])
  })

  it('are right in the bucket of now alone', () => {
    const { from, until } = planBatch([request([['a', 5, 1]])], new Map(), now)
    expect([from, until]).toEqual([now - 500, now + 500])
  })

  it('come to the same as one after the other', () => {
    const charges = fc.array(
      fc.tuple(
        fc.constantFrom('a', 'b', 'c'),
        fc.integer({ min: 0, max: 9 }),
        fc.integer({ min: 0, max: 4 }),
      ),
      { minLength: 1, maxLength: 3 },
    )
    fc.assert(
      fc.property(fc.array(charges, { maxLength: 12 }), (lists) => {
        const requests = lists.map(request)
        const together = planBatch(requests, new Map(), now)
        const texts = new Map<string, string>()
        const single = requests.map((one) => {
          const { answers, contents } = planBatch([one], texts, now)
          for (const [id, { text }] of contents) texts.set(id, text)
          return answers[0]
        })
        expect(together.answers).toEqual(single)
        expect(new Map([...together.contents].map(([id, { text }]) => [id, text]))).toEqual(texts)
      }),
    )
  })
})

describe('the id of a subject’s row', () => {
  it('is another for every other pair of workspace and subject', () => {
    const part = fc.string({ unit: 'binary', maxLength: 4 })
    fc.assert(
      fc.property(part, part, part, part, (a, b, c, d) => {
        expect(limitId(a, b) === limitId(c, d)).toBe(a === c && b === d)
        expect(limitId(`${a}${b}`, c) === limitId(a, `${b}${c}`)).toBe(b === '')
      }),
    )
    expect(limitId('a', '\ud800')).not.toBe(limitId('a', '\ufffd'))
  })
})

describe('a request', () => {
  it('has no row where there is no limit', () => {
    const taken = takeRequest({ workspaceId: 'ws_1', charges: [{ subject: 'key:one', rules: [], cost: 1 }] })
    expect(taken.charges).toEqual([])
    expect(planBatch([taken], new Map(), now).answers).toEqual([{ ok: true, now, meters: [] }])
  })
})
