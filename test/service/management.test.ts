import { catalog } from './sample.js'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { Actor } from '../../src/core/actor.js'
import { KeyrungError } from '../../src/core/errors.js'
import type { KeyRecord, KeySecretRecord } from '../../src/core/key.js'
import { createKeyFormat } from '../../src/crypto/key-format.js'
import type { KeySettings } from '../../src/service/key-settings.js'
import { admitActor, parseActor } from '../../src/service/management.js'
import type { Rights } from '../../src/service/rights.js'
import { memoryStore } from '../../src/stores/memory.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import { admin, keyRecord, never, secretRecord, start } from './audit-samples.js'

const principal = {
  type: 'key',
  keyId: 'key_1',
  secretId: 'sec_1',
  keyName: 'CI',
  workspaceId: 'acme',
  environment: 'live',
  ownerId: null,
  address: null,
  scopes: ['contacts:read'],
  metadata: {},
} as const
const byKey: Actor = { type: 'principal', principal }

let canManage: KeySettings['canManage']
let ofUser: Rights['ofUser']
let hasDirectory: boolean
const keyFormat = createKeyFormat({ prefix: 'tp', environments: ['live'] })

let clock: ReturnType<typeof manualClock>
let store: ReturnType<typeof memoryStore>

beforeEach(() => {
  canManage = () => true
  ofUser = () => null
  hasDirectory = false
  clock = manualClock(start)
  store = memoryStore({ clock })
})

function admit(actor: unknown): Promise<Actor> {
  const rights = { hasDirectory, ofUser } as Rights
  const keySettings = { canManage } as KeySettings
  return admitActor({ catalog, clock, store, rights, keySettings, keyFormat }, actor as Actor, 'audit')
}

const code = (expected: string) => expect.objectContaining({ code: expected })

describe('the hook canManage', () => {
  test.each([[true], [Promise.resolve(true)]])('admits by true itself (%#)', async (answer) => {
    canManage = () => answer
    expect(await admit(admin)).toEqual(admin)
  })

  test('denies by false', async () => {
    canManage = () => false
    await expect(admit(admin)).rejects.toEqual(code('forbidden'))
  })

  const others: unknown[] = [1, 'true', {}, [], null, undefined, Object(true), () => true]
  const promises = others.map((answer) => Promise.resolve(answer))
  test.each([...others, ...promises].map((answer) => [answer]))(
    'admits by nothing else, and says to the operator that it is no answer (%#)',
    async (answer) => {
      canManage = () => answer as boolean
      const error: unknown = await admit(admin).catch((thrown: unknown) => thrown)
      expect(error).toEqual(code('hook_failed'))
      expect((error as KeyrungError).internal).toMatch(/^canManage: answered .+, must be true or false$/)
    },
  )

  const raise = (): never => {
    throw new Error('canary')
  }
  const broken: [string, () => unknown][] = [
    ['throws', raise],
    ['rejects', () => Promise.reject(new Error('canary'))],
    ['answers something hostile', () => new Proxy({}, { has: () => true, get: raise })],
  ]
  test.each(broken)('that %s is an outage, and its text stays inside', async (_, hook) => {
    canManage = hook as () => boolean
    const error: unknown = await admit(admin).catch((thrown: unknown) => thrown)
    expect(error).toEqual(code('hook_failed'))
    expect(JSON.stringify([error, (error as KeyrungError).internal])).not.toContain('canary')
  })

  test('that hangs is an outage after five seconds', async () => {
    canManage = never
    const refused = expect(admit(admin)).rejects.toEqual(code('hook_failed'))
    await clock.advance(5_000)
    await refused
  })

  test('is told the verb and the key, and cannot change the actor', async () => {
    const hook = vi.fn((actor: Actor) => {
      expect(Object.isFrozen(actor)).toBe(true)
      return true
    })
    canManage = hook
    const given = { ...admin }
    const admitted = await admit(given)
    expect(hook).toHaveBeenCalledWith(admin, 'audit', undefined, undefined)
    expect(admitted).not.toBe(given)
  })
})

describe('with a directory', () => {
  beforeEach(() => {
    hasDirectory = true
  })

  test("a user's role is the directory's", async () => {
    ofUser = (id, workspaceId) => ({ role: `${id}@${workspaceId}`, grant: {} as never })
    const hook = vi.fn(() => true)
    canManage = hook
    expect(await admit(admin)).toEqual({ ...admin, role: '42@acme' })
    expect(hook).toHaveBeenCalledWith(
      expect.objectContaining({ role: '42@acme' }),
      'audit',
      undefined,
      undefined,
    )
  })

  test('someone who is no member is refused without asking the host further', async () => {
    const hook = vi.fn(() => true)
    canManage = hook
    await expect(admit(admin)).rejects.toEqual(code('forbidden'))
    expect(hook).not.toHaveBeenCalled()
  })

  test('its failure is an outage', async () => {
    ofUser = () => Promise.reject(new KeyrungError('hook_failed'))
    await expect(admit(admin)).rejects.toEqual(code('hook_failed'))
    ofUser = () => {
      throw new Error('canary')
    }
    await expect(admit(admin)).rejects.toEqual(code('hook_failed'))
  })

  test('the host itself is not looked up', async () => {
    const job: Actor = { type: 'system', name: 'nightly', workspaceId: 'acme' }
    expect(await admit(job)).toEqual(job)
  })
})

describe('a principal that was kept', () => {
  const put = async (key: Partial<KeyRecord> = {}, secret: Partial<KeySecretRecord> = {}) =>
    store.commit([
      { do: 'insert', type: 'key', record: keyRecord(key) },
      { do: 'insert', type: 'secret', record: secretRecord(secret) },
    ])

  test('manages while its key is in force', async () => {
    await put({ expiresAt: start + 1, notBefore: start }, { endsAt: start + 1 })
    expect(await admit(byKey)).toEqual(byKey)
  })

  test.each<[string, Partial<KeyRecord>, Partial<KeySecretRecord>]>([
    ['key_revoked', { status: 'revoked' }, {}],
    ['key_expired', { expiresAt: start }, {}],
    ['key_not_yet_valid', { notBefore: start + 1 }, {}],
    ['secret_rotated', {}, { endsAt: start }],
    ['address_denied', { addressRules: '192.0.2.0/24' }, {}],
    ['credential_invalid', { workspaceId: 'other' }, { workspaceId: 'other' }],
    ['credential_invalid', { id: 'key_2' }, { keyId: 'key_2' }],
  ])('is refused with %s as soon as it is not (%#)', async (refusal, key, secret) => {
    await put(key, secret)
    await expect(admit(byKey)).rejects.toEqual(code(refusal))
  })

  test('is refused when its key is gone', async () => {
    await expect(admit(byKey)).rejects.toEqual(code('credential_invalid'))
  })

  test('is told nothing of its key when the host does not admit it', async () => {
    canManage = () => false
    await expect(admit(byKey)).rejects.toEqual(code('forbidden'))
  })
})

describe('whatever is handed in as an actor', () => {
  test.each([null, undefined])('%s: nobody is signed in', async (actor) => {
    await expect(admit(actor)).rejects.toEqual(code('actor_missing'))
  })

  const hostile = {
    get type() {
      throw new Error('canary')
    },
  }
  test.each([
    ['a text', 'admin'],
    ['a list', []],
    ['an unknown type', { type: 'root', workspaceId: 'acme' }],
    ['an inherited type', Object.create({ toString: 1 })],
    ['no workspace', { type: 'system', name: 'x' }],
    ['an empty workspace', { ...admin, workspaceId: '' }],
    ['a list as workspace', { ...admin, workspaceId: ['acme'] }],
    ['a number as id', { ...admin, id: 42 }],
    ['half a surrogate pair', { ...admin, workspaceId: 'a\ud800' }],
    ['a NUL', { ...admin, workspaceId: 'acme\0' }],
    ['an id without end', { ...admin, id: 'x'.repeat(241) }],
    ['a principal that is none', { type: 'principal', principal: null }],
    ['a principal without workspace', { type: 'principal', principal: { ...principal, workspaceId: '' } }],
    ['a getter that throws', hostile],
  ])('%s is refused', async (_, actor) => {
    await expect(admit(actor)).rejects.toEqual(code('input_invalid'))
  })

  test('all its faults are named at once', () => {
    const faults = () => parseActor({ type: 'user', id: '', workspaceId: 7 })
    expect(faults).toThrow(
      expect.objectContaining({
        faults: ['actor.id', 'actor.role', 'actor.workspaceId'].map((path) =>
          expect.objectContaining({ path }),
        ),
      }),
    )
  })

  test('only known fields come through', () => {
    expect(parseActor({ ...admin, superuser: true })).toEqual(admin)
  })
})
