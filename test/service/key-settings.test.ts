import { expect, it } from 'vitest'
import { KeyrungError } from '../../src/core/errors.js'
import { lifecycles, parseKeySettings } from '../../src/service/key-settings.js'

const parse = (options: unknown) => parseKeySettings(options as never, ['live'])

function pathsOf(options: unknown): string[] {
  try {
    parse(options)
  } catch (error) {
    expect(error).toBeInstanceOf(KeyrungError)
    expect((error as KeyrungError).code).toBe('config_invalid')
    return (error as KeyrungError).faults.map(({ path }) => path)
  }
  return []
}

it('has two presets, and single switches over either', () => {
  expect(parse({}).lifecycle).toEqual(lifecycles.editable)
  expect(parse({ lifecycle: 'editable' }).lifecycle).toEqual(lifecycles.editable)
  expect(parse({ lifecycle: 'immutable' }).lifecycle).toEqual({
    edit: false,
    rotate: false,
    revoke: true,
    activate: false,
    delete: false,
  })
  expect(parse({ lifecycle: { delete: false, edit: undefined } }).lifecycle).toEqual({
    ...lifecycles.editable,
    delete: false,
  })
  expect(parse({ lifecycle: { preset: 'immutable', rotate: true } }).lifecycle).toEqual({
    ...lifecycles.immutable,
    rotate: true,
  })
})

it('names everything that is wrong, at once', () => {
  expect(
    pathsOf({
      lifecycle: { preset: 'frozen', edit: 'no', rotated: true, constructor: true },
      canManage: true,
      checkName: /x/,
      maxGraceMs: '1d',
    }),
  ).toEqual([
    'keys.lifecycle.preset',
    'keys.lifecycle.edit',
    'keys.lifecycle.rotated',
    'keys.lifecycle.constructor',
    'keys.canManage',
    'keys.checkName',
    'keys.maxGraceMs',
  ])
  for (const lifecycle of ['', 'toString', 7, [], null, () => 1]) {
    expect(pathsOf({ lifecycle })).toEqual(['keys.lifecycle'])
  }
  expect(pathsOf({ lifecycle: { preset: null } })).toEqual(['keys.lifecycle.preset'])
  for (const maxGraceMs of [-1, 0.5, NaN, 367 * 86_400_000]) {
    expect(pathsOf({ maxGraceMs })).toEqual(['keys.maxGraceMs'])
  }
})

it('says how long keys may last', () => {
  const lifetime = { requireExpiry: true, maxLifetimeMs: 2_000, defaultLifetimeMs: 1_000 }
  expect(parse(lifetime).lifetime).toEqual(lifetime)
  expect(parse({}).lifetime).toEqual({})
  expect(pathsOf({ requireExpiry: 'yes' })).toEqual(['keys.requireExpiry'])
  for (const name of ['maxLifetimeMs', 'defaultLifetimeMs']) {
    for (const ms of [0, -1, 1.5, NaN, Infinity, '1d', null, 1e15]) {
      expect(pathsOf({ [name]: ms })).toEqual([`keys.${name}`])
    }
  }
  expect(pathsOf({ maxLifetimeMs: 1, defaultLifetimeMs: 2 })).toEqual(['keys.defaultLifetimeMs'])
})

it('admits admins and the host itself unless told otherwise', async () => {
  const { canManage } = parse({})
  const user = { type: 'user', id: 'a', workspaceId: 'w' } as const
  expect(await canManage({ ...user, role: 'admin' }, 'create')).toBe(true)
  expect(await canManage({ type: 'system', name: 's', workspaceId: 'w' }, 'create')).toBe(true)
  for (const role of ['member', 'Admin', 'admin ', '']) {
    expect(await canManage({ ...user, role }, 'create')).toBe(false)
  }
})
