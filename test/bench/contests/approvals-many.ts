import { approve, approver, makeCaller, openHost, queue } from '../approvals/host.js'
import type { Host, Waiting } from '../approvals/host.js'
import { makePending, rareResource, writePending } from '../approvals/pending.js'
import { openStores } from '../approvals/stores.js'
import type { StoreKind } from '../approvals/stores.js'
import type { ApprovalRecord } from '../../../src/core/approval.js'
import { formatCursor } from '../../../src/service/cursor.js'
import type { ListApprovalsInput } from '../../../src/service/approvals/list.js'
import { report } from '../contest.js'

const sizes = [1_000, 100_000] as const
const keys = 100
const rounds = 11
/** As many as each key has waiting among the fewest, less the one that tells whether there are more. */
const pageSize = 9
const pagesATurn = 20
const decisionsATurn = 6

/** So many that wait in one workspace, and a host that they are in front of. */
interface Filled {
  readonly name: string
  readonly host: Host
  readonly approvals: readonly ApprovalRecord[]
  /** Hands out what can be approved, here and there. */
  next(): Waiting
  ask(): Promise<unknown>
}

/** Does it matter how many wait? Pages and decisions among many, beside the same among few, on each store. */
export async function approvalsManyContest(): Promise<void> {
  for (const kind of await openStores()) {
    try {
      const filled: Filled[] = []
      for (const size of sizes) filled.push(await fill(kind, size))
      await kind.analyze()
      await pages(kind, filled)
      await decisions(kind, filled)
      for (const { host } of filled) await host.keyrung.close()
    } finally {
      await kind.end()
    }
  }
}

async function fill(kind: StoreKind, size: number): Promise<Filled> {
  const prefix = `of_${size}_`
  const store = kind.open(prefix)
  const host = await openHost(store)
  const callers: Awaited<ReturnType<typeof makeCaller>>[] = []
  for (let i = 0; i < keys; i++) callers.push(await makeCaller(host, `agent ${i}`))
  const start = performance.now()
  const pending = await makePending(
    size,
    callers.map(({ principal }) => principal),
  )
  const made = performance.now()
  await writePending(kind, prefix, store, pending)
  const seconds = (ms: number) => (ms / 1e3).toFixed(1)
  console.log(
    `\n${kind.name}: ${size.toLocaleString('en')} made in ${seconds(made - start)} s, written in ${seconds(performance.now() - made)} s`,
  )
  const { approvals, decidable } = pending
  let [taken, asked] = [0, 0]
  return {
    ...{ name: `among ${size.toLocaleString('en')}`, host, approvals },
    // A step that leads through all of them, and from one end to the other.
    next: () => decidable[(taken++ * 389) % decidable.length]!,
    ask: () => queue(host.keep, callers[asked % keys]!.principal, `asked ${asked++}`),
  }
}

/** What pages are asked for. */
const questions: readonly [what: string, ask: (among: readonly ApprovalRecord[]) => ListApprovalsInput][] = [
  ['the first page', () => ({})],
  ['the first page of those that wait', () => ({ status: 'pending' })],
  ['the first page of a key', (among) => ({ keyId: among[7]!.keyId })],
  ['the first page of what waits of a key', (among) => ({ keyId: among[7]!.keyId, status: 'pending' })],
  ['the first page of a rare resource', () => ({ resource: rareResource })],
  ['the first page of what waits of a rare resource', () => ({ resource: rareResource, status: 'pending' })],
  ['the first page before an instant', (among) => ({ createdBefore: at(among, 0.5).createdAt })],
  ['a page deep inside', (among) => ({ cursor: formatCursor([at(among, 0.05).id]) })],
  [
    'a page of those that wait deep inside',
    (among) => ({ status: 'pending', cursor: formatCursor([at(among, 0.05).id]) }),
  ],
]

const at = (among: readonly ApprovalRecord[], share: number) => among[Math.floor(among.length * share)]!

async function pages(kind: StoreKind, filled: readonly Filled[]): Promise<void> {
  for (const [what, ask] of questions) {
    await compare(`${kind.name}, ${what}`, filled, pagesATurn, ({ host, approvals }) => {
      const input = { ...ask(approvals), limit: pageSize }
      return async () => {
        const page = await host.keyrung.approvals.list(approver, input)
        if (page.approvals.length !== pageSize) throw new Error(`${what} has ${page.approvals.length}`)
      }
    })
  }
}

async function decisions(kind: StoreKind, filled: readonly Filled[]): Promise<void> {
  await compare(`${kind.name}, queued`, filled, decisionsATurn, ({ ask }) => ask)
  await compare(
    `${kind.name}, approved until it has run`,
    filled,
    decisionsATurn,
    ({ host, next }) =>
      () =>
        approve(host, next()),
  )
  await compare(
    `${kind.name}, rejected`,
    filled,
    decisionsATurn,
    ({ host, next }) =>
      () =>
        host.keyrung.approvals.reject(approver, next().id, { reason: 'no' }),
  )
}

/** Lets them take turns, one call after the other: nanoseconds a call, of which half the rate is to be left. */
async function compare(
  title: string,
  filled: readonly Filled[],
  calls: number,
  make: (filled: Filled) => () => Promise<unknown>,
): Promise<void> {
  const runs = filled.map((one) => [one.name, make(one)] as const)
  const standings = new Map<string, number[]>(filled.map(({ name }) => [name, []]))
  for (let round = -2; round < rounds; round++) {
    for (const [name, run] of runs) {
      const start = performance.now()
      for (let i = 0; i < calls; i++) await run()
      if (round >= 0) standings.get(name)!.push(((performance.now() - start) * 1e6) / calls)
    }
  }
  const [few, many] = filled as [Filled, Filled]
  report(title, standings, [{ of: many.name, against: few.name, times: 0.5 }])
}
