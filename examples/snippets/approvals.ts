import { createKeyrung, memoryStore } from 'keyrung'
import { catalog } from './catalog.js'
import { callerOf, closeServer, urlOf } from './server.js'

const keyrung = createKeyrung({
  catalog,
  store: memoryStore(),
  secret: process.env['KEYRUNG_SECRET'],
  keys: { prefix: 'acme' },
  http: { approvalsUrl: '/manage/approvals' },
})
const ada = { type: 'user', id: 'ada', workspaceId: 'ws_1', role: 'admin' } as const
const actorOf = (request: Request) => (request.headers.get('cookie') === 'session=ada' ? ada : null)

//#region express
import express from 'express'
import { createAdmin } from 'keyrung/admin'
import { attach, guard, mount } from 'keyrung/express'

const app = express()
app.post('/contacts', guard(keyrung, 'contacts:write'), (_request, response) => {
  response.status(201).json({ id: 7 })
})
app.use('/manage', mount(createAdmin(keyrung, { actor: actorOf })))
attach(keyrung, app) // once, the outermost app
const worker = keyrung.run() // or keyrung.tick() from a cron job
//#endregion express

//#region koa
import Koa from 'koa'
import { attach as attachKoa, guard as guardKoa, mount as mountKoa } from 'keyrung/koa'

const koa = new Koa()
koa.use(mountKoa(createAdmin(keyrung, { actor: actorOf }), { prefix: '/manage' }))
koa.use(guardKoa(keyrung, 'contacts:write'))
koa.use((context) => {
  context.status = 201
  context.body = { id: 7 }
})
attachKoa(keyrung, koa, { name: 'koa' }) // the same name on every instance
//#endregion koa

const server = app.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1')
const base = await urlOf(server)
const { secret } = await keyrung.keys.create(ada, { name: 'Agent', scopes: ['contacts:write-approval'] })

//#region client
import { approved } from 'keyrung/client'

async function createContact(contact: object) {
  const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' }
  const response = await fetch(`${base}/contacts`, { method: 'POST', headers, body: JSON.stringify(contact) })
  const approval = await approved(response, { headers }) // null where it had not to wait
  return approval
    ? { status: approval.status, answered: approval.result_status, reason: approval.reason }
    : null
}
//#endregion client

const agent = callerOf(base, secret)
const queued = await agent('POST', '/contacts', { name: 'Eve' })
const { approval_id: id } = queued.body as { approval_id: string }

//#region decide
const waiting = await keyrung.approvals.list(ada, { status: 'pending' })
for (const { id, operation, keyName } of waiting.approvals) {
  const { request, digest } = await keyrung.approvals.get(ada, id)
  console.log(keyName, operation, request?.body.text) // what a human looks at
  const { status, result } = await keyrung.approvals.approve(ada, id, { digest })
  console.log(status, result?.text) // succeeded {"id":7}
}
//#endregion decide

const followed = (await agent('GET', `/manage/approvals/${id}`)).body as { status: string }
const ended = createContact({ name: 'Mallory' })
let second: string | undefined
while (second === undefined) {
  second = (await keyrung.approvals.list(ada, { status: 'pending' })).approvals[0]?.id
  await new Promise((resolve) => setTimeout(resolve, 5))
}
await keyrung.approvals.reject(ada, second, { reason: 'not this one' })

//#region operation
import * as z from 'zod'

const merge = keyrung.operation('contacts.merge', {
  permission: ['contacts:write', 'contacts:delete'],
  input: z.object({ from: z.string(), into: z.string() }),
  effect: 'idempotent', // run again after a crash, under the same approvalId
  preview: ({ from, into }) => ({ text: `${from} is deleted, ${into} stays` }),
  run: ({ into }, { approvalId }) => ({ id: into, mergedBy: approvalId }),
})
//#endregion operation

const known = await keyrung.authenticate(secret)
if (!known.ok) throw new Error(known.code)
const refused = await merge.call(known.principal, { from: 'c_1', into: 'c_2' })
const full = await keyrung.keys.create(ada, { name: 'Merger', scopes: ['contacts:delete-approval'] })
const merger = await keyrung.authenticate(full.secret)
if (!merger.ok) throw new Error(merger.code)
const called = await merge.call(merger.principal, { from: 'c_1', into: 'c_2' })

/** What came of it. */
export const outcome = {
  ...{ queued: queued.status, followed: followed.status, ended: await ended },
  ...{ refused: refused.status, called: called.status, mode: koa.env.length > 0 },
}
await worker.stop()
await closeServer(server)
await keyrung.close()
