import { afterEach, describe, expect, test } from 'vitest'
import { createHost, storeKinds } from './host.js'
import type { Host, StoreKind } from './host.js'
import { frameworks, serve } from './host-apps.js'
import type { Running } from './host-apps.js'
import { sendRaw } from './raw-http.js'
import type { Reply } from './raw-http.js'
import { scenarios } from './scenarios.js'
import type { Scenario, Served } from './scenarios.js'

let running: Running | undefined
let host: Host | undefined
afterEach(async () => {
  await running?.stop()
  await host?.keyrung.close()
})

async function start(framework: string, kind: StoreKind, scenario: Scenario): Promise<Served> {
  const made = createHost(scenario.setup ?? {}, kind)
  if (!scenario.setup?.isStarting) await made.keyrung.ready({ migrate: true })
  host = made
  running = await serve(frameworks[framework]!(made), scenario.setup?.maxHeaderSize)
  const { port } = running
  return {
    host: made,
    get(target, secret = null, { headers = [], ...more } = {}) {
      const credential = secret === null ? [] : ([['Authorization', `Bearer ${secret}`]] as const)
      return sendRaw(port, { target, ...more, headers: [...credential, ...headers] })
    },
  }
}

/** The statuses a scenario's name begins with. */
function promised({ name }: Scenario): number[] {
  return (/^(?:\d{3}[ :]+)+/.exec(name)?.[0].match(/\d{3}/g) ?? []).map(Number)
}

function isRefusal({ status }: Reply): boolean {
  return [401, 403, 429, 503].includes(status)
}

/** What every refusal of keyrung's looks like, and what nobody may ever see. */
function checkManners(replies: readonly Reply[], { secrets, notices }: Host): void {
  for (const reply of replies.filter(isRefusal)) {
    expect(reply.headers['content-type']).toBe('application/problem+json')
    expect(reply.headers['cache-control']).toBe('no-store')
    const waits = { 429: expect.stringMatching(/^[1-9]\d*$/), 503: '1' }[reply.status]
    expect(reply.headers['retry-after']).toEqual(waits)
    if (reply.status === 401) expect(reply.headers['www-authenticate']).toMatch(/^Bearer realm="api"/)
  }
  const seen = JSON.stringify([replies, notices])
  for (const secret of secrets) expect(seen).not.toContain(secret)
}

describe.each(Object.keys(frameworks))('behind %s', (framework) => {
  describe.each(storeKinds)('on %s', (kind) => {
    describe.each(Object.entries(scenarios))('%s', (_group, table) => {
      test.each(table as readonly Scenario[])('$name', async (scenario) => {
        const served = await start(framework, kind, scenario)
        const answered = await scenario.run(served)
        const replies = Array.isArray(answered) ? (answered as Reply[]) : [answered as Reply]

        expect(replies.map(({ status }) => status)).toEqual(promised(scenario))
        expect(served.host.ran).toEqual(scenario.ran ?? [])
        checkManners(replies, served.host)
        const last = replies.at(-1)!
        if (scenario.code !== undefined) expect(JSON.parse(last.body)).toMatchObject({ code: scenario.code })
        if (scenario.challenge !== undefined)
          expect(last.headers['www-authenticate']).toBe(scenario.challenge)
        expect(scenario.check?.(served.host, replies)).toBeUndefined()
      })
    })
  })
})
