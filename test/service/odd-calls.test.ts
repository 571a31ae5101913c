import { describe, expect, it } from 'vitest'
import { isKeyrungError } from '../../src/core/errors.js'
import { createKeyrung } from '../../src/service/create-keyrung.js'
import { adminHost, catalog } from '../admin/host.js'

const odd: readonly unknown[] = [null, undefined, Array(3), 7, 'x', Object.create(null), Symbol('x')]
const ann = { type: 'user', id: 'ann', workspaceId: 'ws_1', role: 'admin' }
const { keyrung, makeKey } = adminHost()

type Call = (...given: readonly unknown[]) => unknown

/** Every public method by its path, with arguments that are right. */
async function calls(): Promise<readonly (readonly [string, Call, readonly unknown[]])[]> {
  await keyrung.ready({ migrate: true })
  const { secret } = await makeKey()
  const known = await keyrung.authenticate(secret, {})
  if (!known.ok) throw new Error(known.code)
  const { principal } = known
  const demand = keyrung.demand([])
  const asked = { code: 'approval_required', principal, decision: { effect: 'approval' } }
  const own: Readonly<Record<string, readonly unknown[]>> = {
    authenticate: [secret, {}],
    authorize: [principal, 'contacts:read', {}],
    admit: [{ authorization: [`Bearer ${secret}`] }, demand],
    admitFurther: [principal, demand, 0],
    demand: [['contacts:read'], {}],
    queue: [asked, {}, { app: 'x', effect: 'unsafe' }],
    attach: [{ name: 'x', app: {}, dispatch: () => undefined }],
    attached: [{}],
    operation: ['op', {}],
    explain: [principal, 'contacts:read', {}],
    access: [principal],
    limits: [ann],
    usage: [ann, {}],
    changed: [{ workspaceId: 'ws_1' }],
    tick: [{}],
    ready: [{}],
  }
  const api = keyrung as unknown as Record<string, Record<string, Call>>
  const grouped = ['keys', 'approvals', 'audit', 'webhooks', 'tokens'].flatMap((group) =>
    Object.entries(api[group]!).flatMap(([name, call]) =>
      typeof call === 'function'
        ? [[`${group}.${name}`, call, [group === 'tokens' ? principal : ann, 'key_1', {}, {}]] as const]
        : [],
    ),
  )
  return [
    ...Object.entries(own).map(
      ([name, args]) => [name, (keyrung as unknown as Record<string, Call>)[name]!, args] as const,
    ),
    ...grouped,
  ]
}

describe('whatever a method is called with', () => {
  it('it fails with an error of keyrung’s own, or not at all', async () => {
    const failures: string[] = []
    for (const [name, call, args] of await calls()) {
      for (const [at] of args.entries()) {
        for (const value of odd) {
          try {
            await call(...args.map((right, i) => (i === at ? value : right)))
          } catch (error) {
            if (!isKeyrungError(error)) failures.push(`${name} ${at} ${String(value)}: ${String(error)}`)
          }
        }
      }
    }
    expect(failures).toEqual([])
  })

  it.each([[Array(3)], [[null]], [[undefined]], [null], [{}]])(
    'a list of sinks that is none stops the start: %j',
    (sinks) => {
      const options = { ...{ catalog, store: {}, keys: { prefix: 'tp' } }, sinks }
      expect(() => createKeyrung(options as never)).toThrow(/sinks/)
    },
  )
})
