import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import Koa from 'koa'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { RequestListener } from 'node:http'
import type { GateOptions } from '../../src/http/gate-demand.js'
import { attach as attachExpress, guard as guardExpress } from '../../src/middleware/express.js'
import { attach as attachKoa, guard as guardKoa } from '../../src/middleware/koa.js'
import type { GuardedState } from '../../src/middleware/koa.js'
import { createHost, operator, storeKinds } from './host.js'
import type { Host } from './host.js'
import { serve } from './host-apps.js'
import type { Running } from './host-apps.js'

/** What a handler of these tests was given. */
interface Ran {
  readonly body: string
  readonly keyId: string | undefined
  readonly approvalId: string | undefined
  readonly idempotencyKey: string | undefined
}

type Build = (host: Host, ran: Ran[], options?: GateOptions) => RequestListener

const drain = async (stream: AsyncIterable<unknown>): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('latin1')
}

const frameworks: Readonly<Record<string, Build>> = {
  'Express 5': (host, ran, options = {}) => {
    const app = express()
    attachExpress(host.keyrung, app)
    app.post(
      '/contacts',
      guardExpress(host.keyrung, 'contacts:write', options),
      async (request, response) => {
        ran.push({
          body: await drain(request),
          keyId: request.principal?.keyId,
          approvalId: request.approval?.id,
          idempotencyKey: request.get('idempotency-key'),
        })
        response.status(201).json({ created: ran.length })
      },
    )
    return app
  },
  'Koa 3': (host, ran, options = {}) => {
    const app = new Koa<GuardedState>()
    attachKoa(host.keyrung, app)
    app.use(guardKoa(host.keyrung, 'contacts:write', options))
    app.use(async (context) => {
      ran.push({
        body: await drain(context.req),
        keyId: context.state.principal.keyId,
        approvalId: context.state.approval?.id,
        idempotencyKey: context.get('idempotency-key') || undefined,
      })
      context.status = 201
      context.body = { created: ran.length }
    })
    return app.callback() as RequestListener
  },
}

const admin = { type: 'user', id: 'usr_1', workspaceId: 'ws_1', role: 'admin' } as const

/** Apps with a guard ahead of the one that queues, and one behind it; they note the secrets their handlers find. */
const guarded: Readonly<Record<string, (host: Host, ran: string[]) => RequestListener>> = {
  'Express 5': ({ keyrung }, ran) => {
    const app = express()
    attachExpress(keyrung, app)
    app.use(guardExpress(keyrung))
    const guards = [guardExpress(keyrung, 'contacts:write'), guardExpress(keyrung, 'email:read')]
    app.post('/contacts', ...guards, (request, response) => {
      ran.push(request.principal!.secretId)
      response.status(201).json({})
    })
    return app
  },
  'Koa 3': ({ keyrung }, ran) => {
    const app = new Koa<GuardedState>()
    attachKoa(keyrung, app)
    app.use(guardKoa(keyrung, 'contacts:write'))
    app.use(guardKoa(keyrung, 'email:read'))
    app.use((context) => {
      ran.push(context.state.principal.secretId)
      context.status = 201
    })
    return app.callback() as RequestListener
  },
}

describe.each(Object.entries(frameworks))('behind %s', (framework, build) => {
  describe.each(storeKinds)('on %s', (kind) => {
    let host: Host
    let ran: Ran[]
    let running: Running
    beforeEach(async () => {
      host = createHost({ http: { approvalsUrl: '/manage/approvals' }, role: 'admin' }, kind)
      await host.keyrung.ready({ migrate: true })
      ran = []
      running = await serve(build(host, ran))
    })
    afterEach(async () => {
      await running.stop()
      await host.keyrung.close()
    })

    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
    const post = (
      secret: string,
      headers: Record<string, string> = {},
      body: Uint8Array = bytes,
      signal: AbortSignal | null = null,
    ) =>
      fetch(`http://127.0.0.1:${running.port}/contacts`, {
        method: 'POST',
        headers: { authorization: `Bearer ${secret}`, 'content-type': 'image/png', ...headers },
        body: body as Uint8Array<ArrayBuffer>,
        signal,
      })

    test('what was sent is run once when it is approved, with the stored bytes, and its answer is kept', async () => {
      const { id: keyId, secret } = await host.makeKey(['contacts:write-approval'])
      const response = await post(secret)
      expect(response.status).toBe(202)
      const told = (await response.json()) as { approval_id: string; digest: string; expires_at: string }
      expect(response.headers.get('location')).toBe(`/manage/approvals/${told.approval_id}`)
      expect(told).toEqual({
        approval_id: expect.stringMatching(/^apr_/),
        status: 'pending',
        digest: expect.stringMatching(/^[0-9a-f]{64}$/),
        expires_at: new Date(host.clock.now() + 7 * 86_400_000).toISOString(),
        permissions: ['contacts:write'],
      })
      expect(ran).toEqual([])

      const { digest } = told
      const done = await host.keyrung.approvals.approve(
        admin,
        told.approval_id,
        { digest },
        { waitMs: 5_000 },
      )
      expect(done).toMatchObject({ status: 'succeeded', outcome: 'done', resultStatus: 201 })
      expect(done.result).toMatchObject({ text: '{"created":1}' })
      const approvalId = told.approval_id
      const body = Buffer.from(bytes).toString('latin1')
      expect(ran).toEqual([{ body, keyId, approvalId, idempotencyKey: undefined }])

      await host.keyrung.approvals.wake(approvalId)
      await host.keyrung.tick()
      expect(ran).toHaveLength(1)
    })

    test('what is rejected never runs', async () => {
      const { secret } = await host.makeKey(['contacts:write-approval'])
      const { approval_id: id } = (await (await post(secret)).json()) as { approval_id: string }
      await host.keyrung.approvals.reject(admin, id, { reason: 'not today' })
      await host.keyrung.tick()
      expect(ran).toEqual([])
    })

    test('a repetition under one Idempotency-Key is one approval, another body under it is refused', async () => {
      const { secret } = await host.makeKey(['contacts:write-approval'])
      const named = { 'idempotency-key': 'order-1' }
      const [first, again] = [await post(secret, named), await post(secret, named)]
      expect(await again.json()).toEqual(await first.json())
      const other = await post(secret, named, Uint8Array.of(1))
      expect(other.status).toBe(422)
      expect(await other.json()).toMatchObject({ code: 'idempotency_mismatch' })
    })

    test('a caller that would wait is answered when it is decided', async () => {
      const { secret } = await host.makeKey(['contacts:write-approval'])
      const { approval_id: id, digest } = (await (await post(secret)).json()) as {
        approval_id: string
        digest: string
      }
      const waiting = post(secret, { prefer: 'wait=30' })
      while (host.clock.sleepers === 0) await new Promise((resolve) => void setImmediate(resolve))
      await host.keyrung.approvals.reject(admin, id, { reason: 'no' })
      const response = await waiting
      expect(response.status).toBe(202)
      expect(response.headers.get('preference-applied')).toBe('wait=30')
      expect(response.headers.get('retry-after')).toBeNull()
      expect(await response.json()).toMatchObject({ approval_id: id, digest, status: 'rejected' })
    })

    test('a caller that leaves is waited for no longer', async () => {
      const { secret } = await host.makeKey(['contacts:write-approval'])
      const client = new AbortController()
      const waiting = post(secret, { prefer: 'wait=30' }, bytes, client.signal)
      while (host.clock.sleepers === 0) await new Promise((resolve) => void setImmediate(resolve))
      client.abort()
      await expect(waiting).rejects.toMatchObject({ name: 'AbortError' })
      while (host.clock.sleepers > 0) await new Promise((resolve) => void setImmediate(resolve))
      // What it has asked for waits on.
      expect((await host.keyrung.approvals.list(admin)).approvals).toMatchObject([{ status: 'pending' }])
    })

    test('a key that was revoked in between has nothing run for it', async () => {
      const { id: keyId, secret } = await host.makeKey(['contacts:write-approval'])
      const told = (await (await post(secret)).json()) as { approval_id: string; digest: string }
      await host.keyrung.keys.revoke(admin, keyId, {})
      await host.keyrung.approvals
        .approve(admin, told.approval_id, { digest: told.digest }, { waitMs: 1 })
        .catch(() => undefined)
      await host.keyrung.tick()
      expect(ran).toEqual([])
    })
  })

  test('a secret in its grace period denies nothing of a run, at no guard, and past it nothing runs', async () => {
    const host = createHost({ role: 'admin' }, 'memory')
    const ran: string[] = []
    const twice = guarded[framework]!(host, ran)
    const running = await serve(twice)
    const { id: keyId, secret } = await host.makeKey(['contacts:write-approval', 'email:read'])
    const asked: { approval_id: string; digest: string }[] = []
    for (const body of ['grace', 'grace is over']) {
      const headers = { authorization: `Bearer ${secret}` }
      const response = await fetch(`http://127.0.0.1:${running.port}/contacts`, {
        method: 'POST',
        headers,
        body,
      })
      expect(response.status).toBe(202)
      asked.push((await response.json()) as (typeof asked)[number])
    }
    const before = await host.keyrung.authenticate(secret)
    await host.keyrung.keys.rotate(operator, keyId, { graceMs: 1_000 })
    const approve = ({ approval_id: id, digest }: (typeof asked)[number]) =>
      host.keyrung.approvals.approve(admin, id, { digest }, { waitMs: 5_000 })
    expect(await approve(asked[0]!)).toMatchObject({ status: 'succeeded', outcome: 'done' })
    await host.clock.advance(1_000)
    await expect(approve(asked[1]!)).rejects.toMatchObject({ code: 'not_pending' })
    expect(before.ok && [...new Set(ran)]).toEqual(before.ok && [before.principal.secretId])
    await running.stop()
    await host.keyrung.close()
  })

  test('a handler that says it may be repeated has the approval’s id for its key', async () => {
    const host = createHost({ role: 'admin' }, 'memory')
    const ran: Ran[] = []
    const server = createServer(build(host, ran, { effect: 'idempotent' }))
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const { secret } = await host.makeKey(['contacts:write-approval'])
    const response = await fetch(`http://127.0.0.1:${port}/contacts`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}` },
    })
    const { approval_id: id, digest } = (await response.json()) as { approval_id: string; digest: string }
    await host.keyrung.approvals.approve(admin, id, { digest }, { waitMs: 5_000 })
    expect(ran).toMatchObject([{ approvalId: id, idempotencyKey: id }])
    await new Promise((resolve) => void server.close(resolve))
  })
})
