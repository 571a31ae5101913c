import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { parseLimits } from '../../src/core/limit.js'
import type { LimitRule } from '../../src/core/limit.js'
import type { LimitAnswer, LimitStore } from '../../src/ports/limit-store.js'
import { describeOn } from '../servers/on-server.js'
import { startProxy } from '../servers/proxy.js'
import type { DatabaseAddress } from '../servers/test-server.js'
import { mariadbKit, postgresKit } from './limit-pools.js'
import type { LimitKit, PooledLimits, PooledSettings, Sent } from './limit-pools.js'

const hourMs = 3_600_000
const patience = { timeout: 120_000 }

function limited(limit: number, windowMs = hourMs): readonly LimitRule[] {
  return parseLimits([{ name: 'turn', limit, windowMs }])
}

async function spend(
  store: LimitStore,
  subject: string,
  rules: readonly LimitRule[],
  cost = 1,
): Promise<LimitAnswer> {
  return store.spend({ workspaceId: 'ws_1', charges: [{ subject, rules, cost }] })
}

async function used(store: LimitStore, subject: string): Promise<number> {
  return (await spend(store, subject, limited(1), 0)).meters[0]!.used
}

/** What was sent, without the word about its isolation that goes before each piece of work on MariaDB. */
/** Leaves out the role check, which a pool that wraps its clients pays on each checkout. */
const isWork = ({ text }: Sent) => !/^set transaction|pg_is_in_recovery/.test(text)

function declare(kit: LimitKit): void {
  describeOn(kit.kind, `limits on ${kit.kind}`, (server) => {
    let address: DatabaseAddress
    const opened: PooledLimits[] = []
    let subjects = 0

    beforeAll(async () => {
      address = await server.createDatabase()
      await kit.migrate(address)
    })
    afterEach(async () => {
      for (const { limits, end } of opened.splice(0)) {
        await limits.close()
        await end()
      }
    })

    function open(settings: PooledSettings = {}, at = address): LimitStore {
      const made = kit.open(at, settings)
      opened.push(made)
      return made.limits
    }

    /** A subject that no other test has spent on. */
    function fresh(): string {
      subjects += 1
      return `key:${subjects}`
    }

    /** Has so many ask on each store, each until it is refused; how many were admitted in all. */
    async function flood(
      stores: readonly LimitStore[],
      each: number,
      ask: (store: LimitStore, asker: number) => Promise<LimitAnswer>,
    ): Promise<number> {
      let admitted = 0
      await Promise.all(
        stores.flatMap((store, s) =>
          Array.from({ length: each }, async (_, i) => {
            while ((await ask(store, s * each + i)).ok) admitted++
          }),
        ),
      )
      return admitted
    }

    describe('under a flood', patience, () => {
      it('four pools with 32 in flight on one key are given exactly the limit', async () => {
        const stores = [open(), open(), open(), open()]
        const [subject, rules] = [fresh(), limited(1_500)]
        expect(await flood(stores, 32, (store) => spend(store, subject, rules))).toBe(1_500)
        expect(await used(stores[0]!, subject)).toBe(1_500)
      })

      it('exactly the limit is given where keys share their workspace’s, and none waits for another forever', async () => {
        const stores = [open(), open(), open(), open()]
        const [workspaceId, workspace, key] = [fresh(), limited(300), limited(40)]
        const admitted = await flood(stores, 16, async (store, asker) => {
          const charges = [
            { subject: `key:${asker % 9}`, rules: key, cost: 1 },
            { subject: 'workspace', rules: workspace, cost: 1 },
          ]
          return store.spend({ workspaceId, charges: asker % 2 ? charges : charges.toReversed() })
        })
        expect(admitted).toBe(300)
        const looks = Array.from({ length: 9 }, (_, i) => ({ subject: `key:${i}`, rules: key, cost: 0 }))
        const { meters } = await stores[0]!.spend({ workspaceId, charges: looks })
        expect(meters.reduce((sum, meter) => sum + meter.used, 0)).toBe(300)
        for (const meter of meters) expect(meter.used).toBeLessThanOrEqual(40)
      })

      it('every second answered differently: in no window of its length is there more than the limit', async () => {
        const stores = [open(), open()]
        const [subject, rules] = [fresh(), limited(20, 1_000)]
        const at: number[] = []
        const end = performance.now() + 2_500
        await Promise.all(
          stores.flatMap((store) =>
            Array.from({ length: 8 }, async () => {
              while (performance.now() < end) {
                const { ok, now } = await spend(store, subject, rules)
                if (ok) at.push(now)
              }
            }),
          ),
        )
        at.sort((a, b) => a - b)
        const most = Math.max(...at.map((from, i) => at.slice(i).filter((t) => t < from + 1_000).length))
        expect(most).toBeLessThanOrEqual(20)
        expect(at.length).toBeGreaterThanOrEqual(40)
      })
    })

    describe('statements', () => {
      it('a spending takes one, once the subject is known; what is refused takes one to be sure', async () => {
        const sent: Sent[] = []
        const store = open({ meddle: (one) => (sent.push(one), one.go()) })
        const [subject, rules] = [fresh(), limited(10)]
        await spend(store, subject, rules)
        expect(sent.filter(isWork)).toHaveLength(2)
        sent.length = 0
        for (let i = 0; i < 9; i++) expect((await spend(store, subject, rules)).ok).toBe(true)
        expect(sent.filter(isWork)).toHaveLength(9)
        for (const { text } of sent.filter(isWork)) expect(text).toMatch(/update .*limits/)
      })

      it('those that come while one is under way are written by the next, in the order of their arrival', async () => {
        const sent: Sent[] = []
        const store = open({ meddle: (one) => (sent.push(one), one.go()) })
        const [subject, rules] = [fresh(), limited(50)]
        await spend(store, subject, rules)
        sent.length = 0
        const answers = await Promise.all(Array.from({ length: 60 }, () => spend(store, subject, rules)))
        expect(sent.filter(isWork)).toHaveLength(2)
        expect(answers.map(({ ok }) => ok)).toEqual(answers.map((_, i) => i < 49))
      })

      it('those that are refused together take one statement, which begins after the first of them', async () => {
        const sent: Sent[] = []
        const store = open({ meddle: (one) => (sent.push(one), one.go()) })
        const [subject, rules] = [fresh(), limited(1)]
        await spend(store, subject, rules)
        sent.length = 0
        const answers = await Promise.all(Array.from({ length: 60 }, () => spend(store, subject, rules)))
        expect(answers.some(({ ok }) => ok)).toBe(false)
        expect(sent.filter(isWork).length).toBeLessThanOrEqual(2)
      })

      it('each finds its rows by the primary key or an index', async () => {
        const text = kit.kind === 'postgres' ? 'generate_series(1, 20000) as s(n)' : 'seq_1_to_20000 as s(n)'
        const n = kit.kind === 'postgres' ? 's.n' : 'seq'
        const from = kit.kind === 'postgres' ? text : 'seq_1_to_20000'
        await kit.ask(
          address,
          `insert into keyrung_limits (id, version, state, forget_at) select concat('filled-', ${n}), 1, '', 4000000000000 + ${n} from ${from}`,
        )
        await kit.ask(address, kit.kind === 'postgres' ? 'analyze' : 'analyze table keyrung_limits')
        const sent: Sent[] = []
        const store = open({ meddle: (one) => (sent.push(one), one.go()) })
        const [subject, rules] = [fresh(), limited(10)]
        await spend(store, subject, rules)
        await spend(store, subject, rules)
        const charges = [subject, fresh()].map((one) => ({ subject: one, rules, cost: 1 }))
        const { now } = await store.spend({ workspaceId: 'ws_1', charges })
        await store.refund({ workspaceId: 'ws_1', subject, rules, units: 1, spentAt: now })
        await store.forget('ws_1', subject)
        await store.purge!(10)
        const asked = sent.filter((one) => /limits/.test(one.text) && !one.text.includes('makes'))
        expect(asked.length).toBeGreaterThan(8)
        for (const { text, values } of asked) {
          const steps = (await kit.explain(address, text, values)).join('\n')
          if (kit.kind === 'postgres') expect(steps).not.toMatch(/Seq Scan|Sort Key: .*forget/)
          else expect(steps).not.toMatch(/(?<!INSERT )keyrung_limits ALL|\bl ALL|filesort|temporary/)
        }
      })
    })

    describe('when something goes wrong', patience, () => {
      it('a time that passes the end of a bucket between plan and write is planned anew', async () => {
        let held = 0
        const store = open({
          async meddle(sent) {
            const isWrite = /update .*limits/.test(sent.text)
            if (isWrite && held++ === 0) {
              // The last number is the end of the bucket that the plan is for, of 167 ms.
              const until = Number(sent.values.filter((value) => typeof value === 'number').at(-1))
              const now = async () => Number((await kit.ask(address, `select ${kit.now}`))[0]![0])
              while ((await now()) < until);
            }
            return sent.go()
          },
        })
        const [subject, rules] = [fresh(), limited(5, 10_000)]
        await spend(store, subject, rules)
        const answer = await spend(store, subject, rules)
        expect(answer.ok).toBe(true)
        expect(held).toBeGreaterThan(1)
        expect(await used(store, subject)).toBe(2)
      })

      it('an answer that is lost costs a spending twice at most, and never admits one more', async () => {
        let left = 3
        const store = open({
          async meddle(sent) {
            const answer = await sent.go()
            if (!/update .*limits/.test(sent.text) || left-- <= 0) return answer
            throw Object.assign(new Error('gone'), { code: 'ECONNRESET', fatal: true })
          },
        })
        const [subject, rules] = [fresh(), limited(12)]
        let admitted = 0
        for (let i = 0; i < 20; i++) {
          const answer = await spend(store, subject, rules).catch(() => undefined)
          if (answer?.ok) admitted++
        }
        expect(admitted).toBeLessThanOrEqual(12)
        expect(admitted).toBeGreaterThanOrEqual(8)
        expect(await used(store, subject)).toBe(12)
      })

      it.each(kit.awkward)('a session that was told "%s" spends all the same', async (begin) => {
        const stores = [open({ begin }), open()]
        const [subject, rules] = [fresh(), limited(60)]
        expect(await flood(stores, 8, (store) => spend(store, subject, rules))).toBe(60)
        expect(await used(stores[1]!, subject)).toBe(60)
      })

      it('nothing is kept prepared where it is told so, and counts the same', async () => {
        const stores = [open({ prepare: false }), open()]
        const [subject, rules] = [fresh(), limited(60)]
        expect(await flood(stores, 8, (store) => spend(store, subject, rules))).toBe(60)
      })

      it('a row that was removed and made anew elsewhere is not taken for what it was', async () => {
        const [one, other] = [open(), open()]
        const [subject, rules] = [fresh(), limited(5)]
        for (let i = 0; i < 3; i++) await spend(one, subject, rules)
        await other.forget('ws_1', subject)
        for (let i = 0; i < 3; i++) expect((await spend(other, subject, rules)).ok).toBe(true)
        expect((await spend(one, subject, rules)).meters[0]!.used).toBe(4)
      })

      it('a store that cannot be reached, or says nothing, is refused with store_unavailable in time', async () => {
        const proxy = await startProxy(address, kit.protocol)
        const store = open({ timeoutMs: 400 }, { ...address, host: proxy.host, port: proxy.port })
        try {
          const [subject, rules] = [fresh(), limited(1_000)]
          const charges = [subject, fresh()].map((one) => ({ subject: one, rules, cost: 1 }))
          const ask = () => [spend(store, subject, rules), store.spend({ workspaceId: 'ws_1', charges })]
          await Promise.all(ask())
          for (const trouble of ['stall', 'refuse'] as const) {
            if (trouble === 'stall') proxy.stall()
            else {
              proxy.refuse(true)
              proxy.cut()
            }
            const start = performance.now()
            const outcomes = await Promise.allSettled(Array.from({ length: 20 }, ask).flat())
            for (const outcome of outcomes) {
              expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'store_unavailable' } })
            }
            expect(performance.now() - start).toBeLessThan(2 * 400 + 2_000)
            proxy.release()
          }
          proxy.refuse(false)
          expect((await spend(store, subject, rules)).ok).toBe(true)
        } finally {
          proxy.cut()
          await proxy.close()
        }
      })

      it('a closed store says so', async () => {
        const store = open()
        await store.close()
        await expect(spend(store, fresh(), limited(1))).rejects.toMatchObject({ code: 'store_unavailable' })
      })
    })
  })
}

declare(postgresKit)
declare(mariadbKit)
