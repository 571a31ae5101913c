import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import autocannon from 'autocannon'
import { report } from '../contest.js'
import type { ServerName, Usage } from './http-servers.js'

const casts = 8
const rounds = 3
const seconds = 0.7
const names = [
  ...(['Express 5, bare', 'Express 5, guarded', 'Express 5, guarded with limits'] as const),
  ...(['Koa 3, bare', 'Koa 3, guarded', 'Koa 3, guarded with limits'] as const),
]

interface Served {
  readonly child: ChildProcess
  readonly port: number
  readonly secret: string
}

interface Spent {
  readonly clock: number
  readonly cpu: number
}

/** Each server has a process of its own, so that none is optimised for, or slowed by, another's code. */
async function start(name: ServerName): Promise<Served> {
  const child = fork(process.argv[1]!, ['--serve', name])
  const [told] = (await once(child, 'message')) as [{ port: number; secret: string }]
  return { child, ...told }
}

/** Nanoseconds a request under load: of the clock, and of the server's processor. */
async function load({ child, port, secret }: Served, duration: number): Promise<Spent> {
  const before = await usageOf(child)
  const result = await autocannon({
    ...{ url: `http://127.0.0.1:${port}/contacts`, connections: 32, duration },
    headers: { authorization: `Bearer ${secret}` },
  })
  const after = await usageOf(child)
  const { non2xx, errors, requests } = result
  if (non2xx > 0 || errors > 0) throw new Error(`${non2xx} refusals and ${errors} errors under load`)
  return { clock: (result.duration * 1e9) / requests.total, cpu: ((after - before) * 1e3) / requests.total }
}

async function usageOf(child: ChildProcess): Promise<number> {
  child.send('usage')
  const [usage] = (await once(child, 'message')) as [Usage]
  return usage.cpu
}

/**
 * What a guard costs the frameworks: the same handler, bare and guarded, in short turns.
 *
 * Two processes of the very same server differ by a fifth for as long as they live, so all are started afresh
 * several times.
 */
export async function httpContest(): Promise<void> {
  const spent = new Map<ServerName, Spent[]>(names.map((name) => [name, []]))
  for (let cast = 0; cast < casts; cast++) {
    const served = new Map<ServerName, Served>()
    for (const name of names) {
      served.set(name, await start(name))
      await load(served.get(name)!, 2)
    }
    for (let round = 0; round < rounds; round++) {
      for (const [name, server] of served) spent.get(name)!.push(await load(server, seconds))
    }
    for (const { child } of served.values()) child.disconnect()
  }
  for (const [kind, title] of [
    ['clock', 'time a request'],
    ['cpu', "time a request of the server's processor"],
  ] as const) {
    report(
      `A guarded route over HTTP, 32 connections, a process for each server: ${title}`,
      new Map([...spent].map(([name, all]) => [name, all.map((one) => one[kind])])),
      [
        { of: 'Express 5, guarded', against: 'Express 5, bare', times: 0.9 },
        { of: 'Express 5, guarded with limits', against: 'Express 5, bare', times: 0.9 },
        { of: 'Koa 3, guarded with limits', against: 'Koa 3, bare', times: 0.9 },
        { of: 'Koa 3, guarded', against: 'Koa 3, bare', times: 0.9 },
      ],
    )
  }
}
