import type { RequestListener } from 'node:http'
import express from 'express'
import { afterEach, describe, expect, test } from 'vitest'
import { attach, guard } from '../../src/middleware/express.js'
import { createHost } from './host.js'
import type { Host } from './host.js'
import { serve } from './host-apps.js'
import type { Running } from './host-apps.js'

const attacks = [
  'application/json; charset="utf-7 "',
  'application/json; charset="utf-7"x',
  'application/json; charset=utf- 7',
  'application/json; x="; charset=utf-8"; charset=utf-7',
  'application/json;a="b; charset=utf-8";c="d";charset=utf-7',
  'application/json; charset ="utf-7 "',
]
const body = '{"to":"alice","note":"+ACIALAAi-to+ACIAOgAi-mallory"}'
const admin = { type: 'user', id: 'usr_1', workspaceId: 'ws_1', role: 'admin' } as const

const apps: Readonly<Record<string, (host: Host, ran: unknown[]) => RequestListener>> = {
  'ahead of the guard': ({ keyrung }, ran) => {
    const app = express()
    attach(keyrung, app)
    app.use(express.json())
    app.post('/pay', guard(keyrung, 'contacts:write'), (request, response) => {
      ran.push(request.body)
      response.status(201).end()
    })
    return app
  },
  'behind the guard': ({ keyrung }, ran) => {
    const app = express()
    attach(keyrung, app)
    app.post('/pay', guard(keyrung, 'contacts:write'), express.json(), (request, response) => {
      ran.push(request.body)
      response.status(201).end()
    })
    return app
  },
}

let running: Running | undefined
afterEach(async () => {
  await running?.stop()
  running = undefined
})

describe.each(Object.entries(apps))('with express.json() %s', (_place, build) => {
  test.each([...attacks, 'application/json; charset=utf-7', 'application/json; charset="UTF-8"'])(
    'what an approver is shown of %s is what runs, or it is refused',
    async (type) => {
      const host = createHost({ role: 'admin' }, 'memory')
      await host.keyrung.ready({ migrate: true })
      const ran: unknown[] = []
      running = await serve(build(host, ran))
      const { secret } = await host.makeKey(['contacts:write-approval'])
      const response = await fetch(`http://127.0.0.1:${running.port}/pay`, {
        method: 'POST',
        headers: { authorization: `Bearer ${secret}`, 'content-type': type },
        body,
      })
      const told = (await response.json()) as { approval_id: string; digest: string; code?: string }
      if (response.status !== 202) {
        expect([response.status, told.code]).toEqual([422, 'not_replayable'])
        return expect(type).not.toContain('UTF-8')
      }
      const { approvals } = host.keyrung
      const { request } = await approvals.get(admin, told.approval_id)
      const { status } = await approvals.approve(admin, told.approval_id, { digest: told.digest })
      expect([status, ran]).toEqual(['succeeded', [JSON.parse(request!.body.text)]])
    },
  )
})
