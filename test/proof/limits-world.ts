/** Instances of a host that count together, on virtual time: any moment can be chosen, to a part of a millisecond. */
import { noLimits } from '../../src/core/key-limits.js'
import type { KeyRecord } from '../../src/core/key.js'
import type { LimitRule } from '../../src/core/limit.js'
import { isPromise } from '../../src/core/maybe-promise.js'
import type { Clock } from '../../src/ports/clock.js'
import type { LimitAnswer, LimitStore } from '../../src/ports/limit-store.js'
import { createMeter } from '../../src/service/meter.js'
import type { Meter } from '../../src/service/meter.js'
import { memoryLimits } from '../../src/stores/memory-limits.js'
import type { Spell } from './limits-worst.js'

/** Taken before anybody replaces the timers. */
const { setImmediate } = globalThis

/** A minute before a month's end. */
export const worldStart = Date.UTC(2028, 1, 29, 23, 59, 0)

/** What the instances of a world are. */
export interface WorldOptions {
  readonly rules: readonly LimitRule[]
  readonly instances: number
  readonly leases?: number
  readonly share?: number
}

interface Event {
  readonly at: number
  do(): void
}

/** One instance, as the world sees it. */
interface Member {
  meter: Meter
  /** How far its wall clock is off. */
  ahead: number
  isSteppedBack: boolean
  /** For how long it was suspended in all, which its monotonic clock does not know. */
  slept: number
  /** How long a question takes to the store, and an answer back. */
  there: number
  back: number
}

const key = {
  ...{ id: 'key_1', workspaceId: 'ws_1', limits: null, ownerId: null },
} as unknown as KeyRecord

/** A host of several instances. */
export class LimitsWorld {
  /** What was admitted: when it was asked for, and answered. */
  readonly admitted: Spell[] = []
  failed = 0
  refused = 0
  #now = 0
  #isDown = false
  readonly #queue: Event[] = []
  readonly #members: Member[] = []
  readonly #store: LimitStore

  constructor(private readonly options: WorldOptions) {
    const clock = { now: () => worldStart, monotonic: () => this.#now }
    this.#store = memoryLimits({ clock })
    for (let i = 0; i < options.instances; i++) this.#members.push(this.#start())
  }

  /** Since the start, in milliseconds and parts of them. */
  get now(): number {
    return this.#now
  }

  get instances(): number {
    return this.#members.length
  }

  /** Has an instance asked so many times at once. */
  burst(which: number, count: number): void {
    const { meter } = this.#members[which]!
    for (let i = 0; i < count; i++) this.#call(meter)
  }

  /** Ends an instance as a crash would, with all it holds, and starts another in its place. */
  crash(which: number): void {
    this.#members[which] = this.#start()
  }

  /** Not back on one that was suspended: then neither of its clocks tells of the time that has passed. */
  stepClock(which: number, ms: number): void {
    const member = this.#members[which]!
    if (ms < 0 && member.slept > 0) return
    member.ahead += ms
    member.isSteppedBack ||= ms < 0
  }

  setDelays(which: number, there: number, back: number): void {
    Object.assign(this.#members[which]!, { there, back })
  }

  /** An instance was suspended, as with its machine, for all of the time that has passed since an instant. */
  wake(which: number, since: number): void {
    const member = this.#members[which]!
    if (!member.isSteppedBack) member.slept += this.#now - since
  }

  /** The store answers nobody, or is back with all that it had acknowledged. */
  setDown(isDown: boolean): void {
    this.#isDown = isDown
  }

  /** Does what an instance does in the background. */
  work(which: number): void {
    for (const job of this.#members[which]!.meter.jobs) void job.step().catch(() => undefined)
  }

  stateOf(which: number) {
    return this.#members[which]!.meter.state()!
  }

  /** Lets time pass. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms
    await this.#settle()
    while (this.#queue.length > 0 && this.#queue[0]!.at <= end) {
      const next = this.#queue.shift()!
      this.#now = Math.max(this.#now, next.at)
      next.do()
      await this.#settle()
    }
    this.#now = end
  }

  #settle(): Promise<void> {
    return new Promise((resolve) => void setImmediate(resolve))
  }

  #after(ms: number, run: () => void): () => void {
    const event = { at: this.#now + ms, do: run }
    let i = this.#queue.length
    while (i > 0 && this.#queue[i - 1]!.at > event.at) i--
    this.#queue.splice(i, 0, event)
    return () => {
      const place = this.#queue.indexOf(event)
      if (place >= 0) this.#queue.splice(place, 1)
    }
  }

  #start(): Member {
    const { rules, leases, share } = this.options
    const member = { ahead: 0, isSteppedBack: false, slept: 0, there: 0, back: 0 } as Member
    const clock: Clock = {
      now: () => Math.floor(worldStart + this.#now + member.ahead),
      monotonic: () => 7_000 + this.#now - member.slept,
      sleep: (ms) => new Promise((resolve) => void this.#after(ms, resolve)),
      after: (ms, ring) => this.#after(ms, ring),
    }
    member.meter = createMeter({
      ...{ keys: rules, workspace: noLimits, owner: noLimits, clock, notify: () => undefined },
      settings: {
        ...{ store: this.#seenBy(member), workspace: noLimits, owner: noLimits, sources: null },
        ...{ share: share ?? null, leaseUnits: leases ?? null, timeoutMs: 1_000 },
      },
    })
    return member
  }

  /** The store behind an instance's connection. */
  #seenBy(member: Member): LimitStore {
    const ask = <T>(question: () => T): T | Promise<T> => {
      const { there, back } = member
      if (there + back === 0) {
        if (this.#isDown) throw new Error('refused')
        return question()
      }
      return new Promise<T>((resolve, reject) => {
        const lost = (): void => reject(new Error('reset'))
        this.#after(there, () => {
          if (this.#isDown) return lost()
          const answer = question()
          this.#after(back, () => (this.#isDown ? lost() : resolve(answer)))
        })
      })
    }
    return {
      ...{ name: 'virtual', synchronous: false, shared: true },
      spend: (request) => ask(() => this.#store.spend(request) as LimitAnswer),
      refund: (refund) => ask(() => this.#store.refund(refund) as void),
      forget: (workspaceId, subject) => this.#store.forget(workspaceId, subject),
      close: () => undefined,
    }
  }

  #call(meter: Meter): void {
    const begin = this.#now
    const take = (answer: LimitAnswer | null): void => {
      if (answer!.ok) this.admitted.push({ begin, end: this.#now })
      else this.refused++
    }
    const fail = (): void => void this.failed++
    try {
      const answer = meter.charge(key, noLimits, { cost: 1, limit: null })
      if (isPromise(answer)) void answer.then(take, fail)
      else take(answer)
    } catch {
      fail()
    }
  }
}
