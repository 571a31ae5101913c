import { afterEach, describe, expect, test } from 'vitest'
import { serve } from './host-apps.js'
import type { Running } from './host-apps.js'
import { sendRaw } from './raw-http.js'
import { replayFrameworks } from './replay-apps.js'
import type { Met, Parser } from './replay-apps.js'
import { createReplayHost } from './replay-host.js'

let running: Running | undefined
afterEach(async () => {
  await running?.stop()
  running = undefined
})

const types = {
  json: 'application/json',
  form: 'application/x-www-form-urlencoded',
  text: 'text/plain; charset=utf-8',
} as const

type Place = Parser | null
type Case = readonly [queued: Place, replayed: Place, type: keyof typeof types, body: string]

const same: readonly Case[] = [
  [null, 'json', 'json', '{ "b": [1.0, "\\u00e4"], "a": {} }'],
  [null, 'urlencoded', 'form', 'b=1&a=%C3%A4+2'],
  [null, 'text', 'text', 'abc'],
  [null, 'raw', 'text', 'abc'],
  ['json', null, 'json', '{"a":1}'],
  ['counting', 'json', 'json', '{"a":1}'],
]

const changed: readonly Case[] = [
  ['counting', 'counting', 'json', '{"a":1}'],
  ['counting', 'counting', 'json', '{"a":1,"count":7}'],
  ['json', 'counting', 'json', '{"a":1}'],
  [null, 'counting', 'json', '{"a":1}'],
  [null, 'multipart', 'json', '{"a":1}'],
  ['json', 'text', 'json', '{"a":1}'],
]

describe.each(Object.entries(replayFrameworks))('behind %s', (_framework, build) => {
  async function replay([queued, replayed, type, body]: Case) {
    const host = createReplayHost()
    const met: Met[] = []
    running = await serve(build(host, met, queued === null ? {} : { parser: queued }))
    const { secret } = await host.makeKey(['contacts:write-approval'])
    const headers = [
      ['Authorization', `Bearer ${secret}`],
      ['Content-Type', types[type]],
    ] as const
    const reply = await sendRaw(running.port, { method: 'POST', target: '/contacts/7', headers, body })
    expect(reply).toMatchObject({ status: 202 })
    build(host, met, replayed === null ? {} : { parser: replayed })
    const shown = Buffer.from(host.queued[0]!.request.body).toString()
    const { answer, ticket } = await host.replay()
    return { shown, met, came: `${ticket.state} ${answer.status}` }
  }

  test.each(same)('a body that %s queued and %s replayed is run: %s %s', async (...given) => {
    expect(await replay(given)).toMatchObject({ came: 'admitted 200', met: [{ route: '/contacts/:id' }] })
  })

  test.each(changed)('no handler is reached where %s queued and %s replayed: %s %s', async (...given) => {
    expect(await replay(given)).toMatchObject({ came: 'body_changed 412', met: [] })
  })

  test('what a middleware has changed is shown as it would run', async () => {
    const { shown } = await replay(['counting', null, 'json', '{"a":1}'])
    expect(JSON.parse(shown)).toEqual({ a: 1, count: 1 })
  })
})
