import { describe, expect, it } from 'vitest'
import type { LimitAnswer, LimitStore } from '../../src/ports/limit-store.js'
import { limitStoreSuite } from '../../src/testing/limit-store-suite.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import type { ManualClock } from '../../src/testing/manual-clock.js'
import { textLimits } from './text-limits.js'

type Fault = (good: LimitStore, clock: ManualClock) => Partial<LimitStore>

const edited =
  (edit: (answer: LimitAnswer) => LimitAnswer): Fault =>
  (good) => ({ spend: (request) => edit(good.spend(request) as LimitAnswer) })

/** Limit stores with the faults that limiters have had, each made of a good one. */
const faults: Readonly<Record<string, Fault>> = {
  'spends one charge after the other': (good) => ({
    async spend(request) {
      const answers: LimitAnswer[] = []
      for (const charge of request.charges) answers.push(await good.spend({ ...request, charges: [charge] }))
      const ok = answers.every((answer) => answer.ok)
      return { ok, now: answers[0]!.now, meters: answers.flatMap(({ meters }) => meters) }
    },
  }),
  'spends one limit after the other': (good) => ({
    async spend(request) {
      let last = await good.spend({ ...request, charges: request.charges.map((c) => ({ ...c, cost: 0 })) })
      for (const charge of request.charges) {
        for (const rule of charge.rules) {
          const only = { ...charge, rules: [rule] }
          const answer = await good.spend({ ...request, charges: [only] })
          if (!answer.ok) return { ...last, ok: false }
        }
      }
      last = await good.spend({ ...request, charges: request.charges.map((c) => ({ ...c, cost: 0 })) })
      return last
    },
  }),
  'reads, waits, and writes': (good) => ({
    async spend(request) {
      const looked = await good.spend({
        ...request,
        charges: request.charges.map((c) => ({ ...c, cost: 0 })),
      })
      await Promise.resolve()
      if (looked.meters.some(({ remaining }, i) => remaining < (request.charges[i]?.cost ?? 0)))
        return { ...looked, ok: false }
      return good.spend({ ...request, force: true })
    },
  }),
  'takes every cost for 1': (good) => ({
    spend: (request) =>
      good.spend({ ...request, charges: request.charges.map((c) => ({ ...c, cost: Math.min(c.cost, 1) })) }),
  }),
  'spends when it should only look': (good) => ({
    spend: (request) =>
      good.spend({ ...request, charges: request.charges.map((c) => ({ ...c, cost: Math.max(c.cost, 1) })) }),
  }),
  'admits one too many': (good) => ({
    spend: (request) =>
      good.spend({
        ...request,
        charges: request.charges.map((c) => ({
          ...c,
          rules: c.rules.map((rule) => ({ ...rule, limit: rule.limit + 1 })),
        })),
      }),
  }),
  'counts what was refused': (good) => ({
    spend(request) {
      const answer = good.spend(request) as LimitAnswer
      if (!answer.ok) void good.spend({ ...request, force: true })
      return answer
    },
  }),
  'does not look at force': (good) => ({ spend: ({ force: _, ...request }) => good.spend(request) }),
  'keeps the limit it saw first': (good) => {
    const seen = new Map<string, LimitStore['spend'] extends (r: infer R) => unknown ? R : never>()
    return {
      spend(request) {
        const charges = request.charges.map((charge) => {
          const key = JSON.stringify([
            request.workspaceId,
            charge.subject,
            charge.rules.map(({ name }) => name),
          ])
          const before = seen.get(key)?.charges[0]
          if (!before) seen.set(key, { ...request, charges: [charge] })
          return { ...charge, rules: before?.rules ?? charge.rules }
        })
        return good.spend({ ...request, charges })
      },
    }
  },
  'forgets when the limits change': (good) => {
    const seen = new Map<string, string>()
    return {
      spend(request) {
        for (const { subject, rules } of request.charges) {
          const now = JSON.stringify(rules.map(({ name, windowMs }) => [name, windowMs]))
          if ((seen.get(subject) ?? now) !== now) void good.forget(request.workspaceId, subject)
          seen.set(subject, now)
        }
        return good.spend(request)
      },
    }
  },
  'joins workspace and subject': (good) => ({
    spend: ({ workspaceId, charges, ...rest }) =>
      good.spend({
        ...rest,
        workspaceId: '',
        charges: charges.map((c) => ({ ...c, subject: `${workspaceId}${c.subject}` })),
      }),
  }),
  'folds the case of subjects': (good) => ({
    spend: ({ charges, ...rest }) =>
      good.spend({ ...rest, charges: charges.map((c) => ({ ...c, subject: c.subject.toLowerCase() })) }),
  }),
  'gives back more than was spent': (good) => ({
    async refund(refund) {
      await good.forget(refund.workspaceId, refund.subject)
    },
  }),
  'gives nothing back': () => ({ refund: () => undefined }),
  'gives back into the newest bucket': (good) => ({
    async refund(refund) {
      const charges = [{ subject: refund.subject, rules: refund.rules, cost: 0 }]
      const { now } = await good.spend({ workspaceId: refund.workspaceId, charges })
      await good.refund({ ...refund, spentAt: now })
    },
  }),
  'forgets the whole workspace': (good) => ({
    async forget(workspaceId) {
      for (const subject of ['key:one', 'key:two']) await good.forget(workspaceId, subject)
    },
  }),
  'frees a millisecond late': (good, clock) => ({
    async spend(request) {
      clock.step(-1)
      const answer = await good.spend(request)
      clock.step(1)
      return { ...answer, now: answer.now + 1 }
    },
  }),
  'tells to come again a second late': edited((answer) => ({
    ...answer,
    meters: answer.meters.map((meter) => ({
      ...meter,
      retryAt: meter.fits || meter.retryAt === null ? meter.retryAt : meter.retryAt + 1_000,
    })),
  })),
  'promises what will never fit': edited((answer) => ({
    ...answer,
    meters: answer.meters.map((meter) => ({ ...meter, retryAt: meter.retryAt ?? answer.now + 1_000 })),
  })),
  'purges what still counts': (good) => ({
    purge(limit) {
      void good.forget('ws_1', 'key:two')
      return Math.min(limit, 1)
    },
  }),
  'counts only the present second': (good) => ({
    spend: (request) =>
      good.spend({
        ...request,
        charges: request.charges.map((c) => ({
          ...c,
          rules: c.rules.map((rule) => ({
            ...rule,
            buckets: 1,
            bucketMs: rule.windowMs,
            kind: 'rolling' as const,
          })),
        })),
      }),
  }),
}

function open(fault?: Fault) {
  const clock = manualClock()
  const good: LimitStore = textLimits(() => clock.now())
  const store: LimitStore = { ...good, ...fault?.(good, clock) }
  return { store, clock, another: () => store }
}

describe('the suite for limit stores', () => {
  const cases = limitStoreSuite()

  for (const { name, run } of cases) {
    it(`a text for each subject: ${name}`, () => run(() => open()))
  }

  it('says what it lacks where a case is run without what it needs', async () => {
    const needing = cases.filter(({ needs }) => needs)
    expect(needing.length).toBeGreaterThanOrEqual(8)
    for (const { needs, run } of needing) {
      const bare = () => ({ store: textLimits(() => 0) })
      await expect(run(bare)).rejects.toThrow(`needs the capability "${needs}"`)
    }
  })

  it('has no two cases of one name', () => {
    expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length)
  })

  it.each(Object.entries(faults))('finds a store out that %s', async (_, fault) => {
    const failed: string[] = []
    for (const { name, run } of cases) await run(() => open(fault)).catch(() => failed.push(name))
    expect(failed.length).toBeGreaterThan(0)
    // Not because everything fails: the fault is one of many things.
    expect(failed.length).toBeLessThan(cases.length)
  })
})
