import { describe, expect, test } from 'vitest'
import { defineCatalog } from '../../src/core/catalog.js'
import { ladders } from '../../src/core/ladder.js'
import type { Directory } from '../../src/ports/directory.js'
import type { Entitlements } from '../../src/ports/entitlements.js'
import { createLocalLease, createSharedLease } from '../../src/service/lease.js'
import type { Notice } from '../../src/service/notice.js'
import { createRights } from '../../src/service/rights-hooks.js'
import { memoryStore } from '../../src/stores/memory.js'
import { manualClock } from '../../src/testing/manual-clock.js'

const catalog = defineCatalog({ resources: { contacts: { ladder: ladders.crud } } })

function setUp(hooks: { directory?: Directory; entitlements?: Entitlements }) {
  const clock = manualClock()
  const notices: Notice[] = []
  const rights = createRights({
    ...{ catalog, clock, timeoutMs: 5_000, lease: createLocalLease(1_000) },
    directory: hooks.directory,
    entitlements: hooks.entitlements,
    notify: (notice) => void notices.push(notice),
  })
  return { clock, notices, rights }
}

describe('plans', () => {
  test('without the hook: access, no ceiling, any number', () => {
    expect(setUp({}).rights.ofWorkspace('w')).toEqual({
      access: true,
      ceiling: null,
      maxKeys: null,
      limits: [],
      lifetime: {},
    })
  })

  test('an answer that is there at once is given at once', async () => {
    const { rights } = setUp({
      entitlements: { of: () => ({ access: true, ceilings: ['contacts:read'], maxKeys: 3 }) },
    })
    expect(rights.ofWorkspace('w')).toMatchObject({ access: true, maxKeys: 3 })
    expect((await rights.ofWorkspace('w')).ceiling?.scopes).toEqual(['contacts:read'])
  })

  test.each([null, { access: false }])('%j is no access', async (plan) => {
    expect(await setUp({ entitlements: { of: () => plan } }).rights.ofWorkspace('w')).toMatchObject({
      access: false,
    })
  })

  test.each<[string, unknown]>([
    ['a truthy access', { access: 1 }],
    ['a promise as access', { access: Promise.resolve(true) }],
    ['no access said', {}],
    ['nothing', undefined],
    ['text', 'pro'],
    ['ceilings that are no list', { access: true, ceilings: 'contacts:read' }],
    ['ceilings that are no scopes', { access: true, ceilings: [7] }],
    ['a negative maximum', { access: true, maxKeys: -1 }],
    ['a maximum that is no number', { access: true, maxKeys: '3' }],
    ['a maximum that is NaN', { access: true, maxKeys: NaN }],
  ])('%s cannot be decided on', async (_, plan) => {
    const { rights, notices } = setUp({ entitlements: { of: () => plan as never } })
    await expect((async () => rights.ofWorkspace('w'))()).rejects.toMatchObject({ code: 'hook_failed' })
    expect(notices.map(({ code }) => code)).toEqual(['hook_failing'])
  })
})

describe('a hook that fails', () => {
  const failures: [string, () => never | Promise<never>][] = [
    [
      'throws',
      () => {
        throw new TypeError('secret-canary')
      },
    ],
    ['rejects', () => Promise.reject(new RangeError('secret-canary'))],
    [
      'throws what is no error',
      () => {
        throw 'secret-canary'
      },
    ],
  ]
  test.each(failures)(
    'that %s is 503, is asked again at once, and its text is shown nowhere',
    async (_, fail) => {
      let asked = 0
      const { rights, notices } = setUp({ directory: { rightsOf: () => (asked++, fail()) } })
      for (let i = 0; i < 2; i++) {
        const error: unknown = await (async () => rights.ofUser('u', 'w'))().catch(
          (thrown: unknown) => thrown,
        )
        expect(error).toMatchObject({ code: 'hook_failed' })
        expect(JSON.stringify([error, (error as { internal?: string }).internal, notices])).not.toContain(
          'canary',
        )
      }
      expect(asked).toBe(2)
    },
  )

  test('that never answers is given up in time', async () => {
    const { rights, clock } = setUp({ directory: { rightsOf: () => new Promise(() => undefined) } })
    const answer = Promise.resolve(rights.ofUser('u', 'w')).catch((error: unknown) => error)
    await clock.advance(5_000)
    expect(await answer).toMatchObject({ code: 'hook_failed' })
    expect(clock.sleepers).toBe(0)
  })
})

describe('users', () => {
  test('the role and the rights are the directory’s; null is no member, and is leased too', async () => {
    let asked = 0
    const { rights, clock } = setUp({
      directory: { rightsOf: (id) => (asked++, id === 'ann' ? { role: 'admin', scopes: 'full' } : null) },
    })
    expect(await rights.ofUser('ann', 'w')).toMatchObject({ role: 'admin', grant: { full: true } })
    expect(await rights.ofUser('bob', 'w')).toBeNull()
    await clock.advance(700)
    await rights.ofUser('ann', 'w')
    await rights.ofUser('bob', 'w')
    expect(asked).toBe(2)
    await clock.advance(300)
    await rights.ofUser('ann', 'w')
    expect(asked).toBe(3)
  })

  test('ids are never mixed up, however they are cut', async () => {
    const { rights } = setUp({
      directory: {
        rightsOf: (userId, workspaceId) => ({ role: JSON.stringify([userId, workspaceId]), scopes: [] }),
      },
    })
    const pairs = [
      ['bc', 'a'],
      ['c', 'ab'],
      ['abc', ''],
      ['', 'abc'],
      ['1:a', '2:b'],
      [':a', '2:b1'],
    ] as const
    for (const pair of [...pairs, ...pairs]) {
      expect((await rights.ofUser(pair[0]!, pair[1]!))!.role).toBe(JSON.stringify(pair))
    }
  })

  test('scopes that the catalogue does not know grant nothing, and are told once, by name', async () => {
    const { rights, notices } = setUp({
      directory: { rightsOf: () => ({ role: 'x', scopes: ['contacts:read', 'gone:read'] }) },
      entitlements: { of: () => ({ access: true, ceilings: ['contact:read'] }) },
    })
    for (const user of ['u', 'v']) {
      expect((await rights.ofUser(user, 'w'))!.grant.scopes).toEqual(['contacts:read'])
      expect((await rights.ofWorkspace(user)).ceiling!.scopes).toEqual([])
    }
    expect(notices.map(({ code }) => code)).toEqual(['unknown_scopes', 'unknown_scopes'])
    expect(notices[0]!.message).toContain('directory.rightsOf answered the scope "gone:read"')
    expect(notices[1]!.message).toContain('entitlements.of answered the scope "contact:read"')
  })

  test.each<[string, { directory?: unknown; entitlements?: unknown }, string]>([
    ['a user who is a text', { directory: 'admin' }, 'role'],
    ['a role that is a number', { directory: { role: 1, scopes: [] } }, 'role must be a text'],
    ['scopes in one text', { directory: { role: 'x', scopes: 'contacts:read' } }, 'scopes must be'],
    ['a scope that is none', { directory: { role: 'x', scopes: ['contacts'] } }, 'scopes'],
    ['access that is a number', { entitlements: { access: 1 } }, 'access must be true or false'],
    ['a misspelled ceiling', { entitlements: { access: true, ceiling: [] } }, 'ceiling'],
    ['a negative maximum', { entitlements: { access: true, maxKeys: -1 } }, 'maxKeys must be'],
  ])('%s is told to the operator by its path', async (_, answer, path) => {
    const { rights, notices } = setUp({
      ...('directory' in answer && { directory: { rightsOf: () => answer.directory as never } }),
      ...('entitlements' in answer && { entitlements: { of: () => answer.entitlements as never } }),
    })
    const ask = async () => ('directory' in answer ? rights.ofUser('u', 'w') : rights.ofWorkspace('w'))
    const error: unknown = await ask().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'hook_failed', internal: expect.stringContaining(path) })
    expect(notices).toMatchObject([{ code: 'hook_failing', message: expect.stringContaining(path), error }])
  })

  test('without a directory nobody is a member', () => {
    expect(setUp({}).rights.ofUser('u', 'w')).toBeNull()
  })
})

describe('changed', () => {
  async function setUpShared() {
    const clock = manualClock()
    const store = memoryStore({ clock })
    const plans = new Map([['w', true]])
    const roles = new Map([
      ['ann', 'admin'],
      ['bob', 'admin'],
    ])
    async function instance() {
      const lease = createSharedLease({ name: 'hook-lease', ms: 1_000, store, clock })
      await lease.open()
      return createRights({
        ...{ catalog, clock, lease, timeoutMs: 5_000, notify: () => undefined },
        directory: { rightsOf: (id) => ({ role: roles.get(id)!, scopes: 'full' }) },
        entitlements: { of: (id) => ({ access: plans.get(id)! }) },
      })
    }
    return { clock, plans, roles, instance }
  }

  test('a downgrade is seen here at once, and on every instance when it has returned', async () => {
    const { clock, plans, instance } = await setUpShared()
    const [here, there] = [await instance(), await instance()]
    for (const rights of [here, there]) expect((await rights.ofWorkspace('w')).access).toBe(true)
    plans.set('w', false)
    const changed = here.changed({ workspaceId: 'w' })
    expect((await here.ofWorkspace('w')).access).toBe(false)
    expect((await there.ofWorkspace('w')).access).toBe(true)
    await clock.advance(1_000)
    await changed
    expect((await there.ofWorkspace('w')).access).toBe(false)
  })

  test('a demotion likewise, in every workspace of the user', async () => {
    const { clock, roles, instance } = await setUpShared()
    const [here, there] = [await instance(), await instance()]
    for (const rights of [here, there]) {
      for (const workspace of ['w', 'v']) expect((await rights.ofUser('ann', workspace))!.role).toBe('admin')
      expect((await rights.ofUser('bob', 'w'))!.role).toBe('admin')
    }
    roles.set('ann', 'member').set('bob', 'member')
    const changed = here.changed({ userId: 'ann' })
    for (const workspace of ['w', 'v']) expect((await here.ofUser('ann', workspace))!.role).toBe('member')
    expect((await here.ofUser('bob', 'w'))!.role).toBe('admin')
    await clock.advance(1_000)
    await changed
    for (const workspace of ['w', 'v']) expect((await there.ofUser('ann', workspace))!.role).toBe('member')
  })

  test('an answer that was on its way when it was called is not kept', async () => {
    let answer: (plan: { access: boolean }) => void = () => undefined
    const { rights } = setUp({ entitlements: { of: () => new Promise((resolve) => (answer = resolve)) } })
    const asked = rights.ofWorkspace('w')
    await rights.changed({ workspaceId: 'w' })
    answer({ access: true })
    await asked
    const again = rights.ofWorkspace('w')
    answer({ access: false })
    expect((await again).access).toBe(false)
  })

  test('says clearly what it needs', async () => {
    const { rights } = setUp({})
    for (const what of [{}, { workspaceId: 1 }, { workspaceId: 'w', userId: 'u' }]) {
      await expect(rights.changed(what as never)).rejects.toMatchObject({ code: 'input_invalid' })
    }
  })
})
