import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import autocannon from 'autocannon'
import { median, report } from '../contest.js'
import type { ServerName } from './http-servers.js'

const rounds = 15
const seconds = 1.5
const names = ['Express 5, bare', 'Express 5, guarded', 'Koa 3, bare', 'Koa 3, guarded'] as const

interface Served {
  readonly child: ChildProcess
  readonly port: number
  readonly secret: string
}

/** Each server has a process of its own, so that none is optimised for, or slowed by, another's code. */
async function start(name: ServerName): Promise<Served> {
  const child = fork(process.argv[1]!, ['--serve', name])
  const [told] = (await once(child, 'message')) as [{ port: number; secret: string }]
  return { child, ...told }
}

/** Nanoseconds a request under load. */
async function load({ port, secret }: Served, duration: number): Promise<number> {
  const result = await autocannon({
    ...{ url: `http://127.0.0.1:${port}/contacts`, connections: 32, duration },
    headers: { authorization: `Bearer ${secret}` },
  })
  const { non2xx, errors } = result
  if (non2xx > 0 || errors > 0) throw new Error(`${non2xx} refusals and ${errors} errors under load`)
  return (result.duration * 1e9) / result.requests.total
}

/** What a guard costs the frameworks: the same handler, bare and guarded, in short turns. */
export async function httpContest(): Promise<void> {
  const served = new Map<ServerName, Served>()
  const times = new Map<ServerName, number[]>()
  for (const name of names) {
    served.set(name, await start(name))
    times.set(name, [])
    await load(served.get(name)!, 3)
  }
  for (let round = 0; round < rounds; round++) {
    for (const name of names) times.get(name)!.push(await load(served.get(name)!, seconds))
  }
  report(
    `A guarded route over HTTP, 32 connections, a process for each (time a request)`,
    new Map([...times].map(([name, all]) => [name, median(all)])),
    [
      { of: 'Express 5, guarded', against: 'Express 5, bare', times: 0.9 },
      { of: 'Koa 3, guarded', against: 'Koa 3, bare', times: 0.9 },
    ],
  )
  for (const { child } of served.values()) child.disconnect()
}
