import { expect, test } from 'vitest'
import { memoryStore } from '../../src/stores/memory.js'
import { admin, sample } from './sample.js'

/** A store whose answers about credentials wait until they are released. */
function heldStore() {
  const store = memoryStore()
  let release: () => void = () => undefined
  const gate = new Promise<void>((resolve) => (release = resolve))
  let held = false
  return {
    store: {
      ...store,
      freshness: 'strict' as const,
      synchronous: false,
      findCredential: async (digest: string) => {
        if (held) await gate
        return store.findCredential(digest)
      },
      findCredentials: async (digests: readonly string[]) => {
        if (held) await gate
        return store.findCredentials(digests)
      },
      findKey: async (workspaceId: string, id: string) => {
        if (held) await gate
        return store.findKey(workspaceId, id)
      },
    },
    hold: () => {
      held = true
    },
    release,
  }
}

async function prepare() {
  const held = heldStore()
  const { keyrung, clock } = sample({ store: held.store })
  const { key, secret } = await keyrung.keys.create(admin, { name: 'A', scopes: ['contacts:read'] })
  held.hold()
  return { ...held, keyrung, clock, key, secret }
}

test('close waits for requests and commands in progress, and refuses new ones at once', async () => {
  const { keyrung, key, secret, release } = await prepare()
  const request = { authorization: [`Bearer ${secret}`] }
  const admitted = keyrung.admit(request, keyrung.demand('contacts:read'))
  const authenticated = keyrung.authenticate(secret)
  const revoked = keyrung.keys.revoke(admin, key.id)
  const ended: string[] = []
  const closing = keyrung.close().then(() => ended.push('first'))
  const again = keyrung.close().then(() => ended.push('second'))
  expect(() => keyrung.authenticate(secret)).toThrow(expect.objectContaining({ code: 'closed' }))
  await Promise.resolve()
  expect(ended).toEqual([])
  release()
  expect(await admitted).toMatchObject({ ok: true })
  expect(await authenticated).toMatchObject({ ok: true })
  expect(await revoked).toMatchObject({ status: 'revoked' })
  await Promise.all([closing, again])
  await expect(keyrung.keys.list(admin)).rejects.toMatchObject({ code: 'closed' })
})

test('close ends although a call hangs', async () => {
  const { keyrung, clock, secret } = await prepare()
  const authenticated = Promise.resolve(keyrung.authenticate(secret)).catch((error: unknown) => error)
  const closing = keyrung.close()
  await clock.advance(10_000)
  await closing
  expect(await authenticated).toMatchObject({ code: 'store_unavailable' })
})
