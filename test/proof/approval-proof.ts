import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ApprovalView } from '../../src/service/approvals/view.js'
import { approver, openHost } from './approval-process.js'
import type { ApprovalHost } from './approval-process.js'
import { useBuilt } from './built-process.js'
import type { Meeting } from './freshness-words.js'

const full = process.env['KEYRUNG_PROOF'] === 'full'
const kills = full ? 200 : 3

/** More than a lease lasts. */
const apartMs = 120_000

const built = useBuilt(new URL('approval-process.ts', import.meta.url))

/** Starts the process, kills it at its so-many-th line after it was ready, and answers what it had said until then. */
async function killAt(line: number, host: ApprovalHost): Promise<string[]> {
  const child = spawn(process.execPath, [built], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, KEYRUNG_APPROVAL_HOST: JSON.stringify(host) },
  })
  const ended = once(child, 'close')
  const said: string[] = []
  let left = Infinity
  for await (const text of createInterface({ input: child.stdout })) {
    said.push(text)
    if (text === 'ready') left = line
    else if (--left === 0) child.kill('SIGKILL')
  }
  expect(await ended).toEqual([null, 'SIGKILL'])
  return said
}

function wordsOf(said: readonly string[], word: string): string[] {
  return said.filter((text) => text.startsWith(`${word} `)).map((text) => text.slice(word.length + 1))
}

function countEach(ids: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1)
  return counts
}

/** What a store needs beside its tables, and how the host reads its own. */
export interface ProofStore {
  readonly meeting: Meeting
  /** The host's own rows: an approval's id each. */
  readonly done: () => Promise<readonly string[]>
  readonly end: () => Promise<void>
}

/**
 * Declares the proof that a killed process neither doubles nor loses what was approved.
 *
 * @param open makes the database with the host's own table in it, `done (id)`, but without keyrung's
 */
export function proveApprovals(name: string, open: (folder: string) => Promise<ProofStore>): void {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'keyrung-approve-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  test(
    `on ${name} an unsafe operation ran once, none was lost, and each unknown was found, though the process is killed ${kills} times`,
    { timeout: full ? 1_800_000 : 90_000 },
    async () => {
      const effects = join(folder, 'effects')
      await writeFile(effects, '')
      const { meeting, done, end } = await open(folder)
      const first = openHost({ meeting, effects, aheadMs: 0 }, () => undefined)
      await first.keyrung.ready({ migrate: true })
      await first.keyrung.close()
      await first.end()

      const queued: string[] = []
      const approved: string[] = []
      for (let kill = 0; kill < kills; kill++) {
        // Spread over the steps of a round, and over rounds.
        const said = await killAt(3 + ((kill * 37) % 89), { meeting, effects, aheadMs: kill * apartMs })
        queued.push(...wordsOf(said, 'queued'))
        approved.push(...wordsOf(said, 'approved'))
      }

      const host = openHost({ meeting, effects, aheadMs: (kills + 1) * apartMs }, () => undefined)
      const { keyrung } = host
      await keyrung.ready()
      // What a step has given up waits for its back-off; everything else is found at once.
      for (let i = 0; i < 3; i++) await keyrung.tick({ budgetMs: 10_000 })
      const all = new Map<string, ApprovalView>()
      for (let cursor: string | undefined; ;) {
        const page = await keyrung.approvals.list(approver, { cursor, limit: 200 })
        for (const approval of page.approvals) all.set(approval.id, approval)
        if (page.next === null) break
        cursor = page.next
      }
      const told = await readFile(effects, 'utf8')
      const ran = countEach(told.split('\n').filter(Boolean))
      const rows = countEach(await done())

      expect(approved.length).toBeGreaterThan(0)
      expect(queued.filter((id) => !all.has(id))).toEqual([])
      const unknown: ApprovalView[] = []
      for (const approval of all.values()) {
        const { id, operation, status, outcome } = approval
        const times = ran.get(id) ?? 0
        if (status === 'pending') {
          // The approver was never told that it was approved.
          expect([id, approved.includes(id), times, rows.get(id) ?? 0]).toEqual([id, false, 0, 0])
        } else if (operation === 'do.unsafe') {
          if (status === 'unknown') {
            unknown.push(approval)
            expect(outcome).toBe('lease_lost')
            expect(times).toBeLessThanOrEqual(1)
          } else expect([id, status, times]).toEqual([id, 'succeeded', 1])
        } else if (operation === 'do.idempotent') {
          expect([id, status]).toEqual([id, 'succeeded'])
          expect(times).toBeGreaterThanOrEqual(1)
        } else expect([id, status, rows.get(id), times]).toEqual([id, 'succeeded', 1, 0])
      }
      // A process that was killed was running at most as many as it had begun.
      expect(unknown.length).toBeLessThanOrEqual(kills)
      if (full) {
        expect(unknown.length).toBeGreaterThan(0)
        console.log(
          `${name}: ${kills} kills, ${all.size} approvals, ${approved.length} promised, ${unknown.length} unknown, none lost, no unsafe run twice`,
        )
      }

      // It is repeated when a human says so, and not before.
      for (const { id } of unknown) {
        const before = ran.get(id) ?? 0
        const settled = await keyrung.approvals.resolve(approver, id, { as: 'again' })
        expect(settled.status).toBe('succeeded')
        const after = countEach((await readFile(effects, 'utf8')).split('\n')).get(id)
        expect(after).toBe(before + 1)
      }
      await keyrung.close()
      await host.end()
      await end()
    },
  )
}
