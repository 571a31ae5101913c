import { expect, test } from 'vitest'
import type { DecisionEvent } from '../../src/core/audit.js'
import { defineCatalog } from '../../src/core/catalog.js'
import { ladders } from '../../src/core/ladder.js'
import { createKeyrung } from '../../src/service/create-keyrung.js'
import { memoryStore } from '../../src/stores/memory.js'
import { manualClock } from '../../src/testing/manual-clock.js'

const admin = { type: 'user', id: 'ann', workspaceId: 'ws', role: 'admin' } as const

test.each<[code: string, end: 'revoke' | 'expire' | 'rotate' | 'move']>([
  ['key_revoked', 'revoke'],
  ['key_expired', 'expire'],
  ['secret_rotated', 'rotate'],
  ['address_denied', 'move'],
])('a use that is refused with %s is counted, and names the key', async (code, end) => {
  const clock = manualClock()
  const written: DecisionEvent[] = []
  const sink = {
    name: 'seen',
    write: async () => undefined,
    writeDecisions: async (events: readonly DecisionEvent[]) => void written.push(...events),
  }
  const keyrung = createKeyrung({
    catalog: defineCatalog({ resources: { contacts: { ladder: ladders.crud } } }),
    store: memoryStore({ clock }),
    ...{
      secret: 'a secret of the host, for tests only',
      clock,
      sinks: [sink],
      keys: { prefix: 'acme' },
      notify: () => undefined,
    },
  })
  await keyrung.ready()
  const { key, secret } = await keyrung.keys.create(admin, {
    ...{ name: 'Agent', scopes: ['contacts:read'], expiresAt: clock.now() + 10 },
    addressRules: ['192.0.2.7'],
  })
  const at = { ip: end === 'move' ? '192.0.2.8' : '192.0.2.7' }
  const known = await keyrung.authenticate(secret, { ip: '192.0.2.7' })
  if (end === 'revoke') await keyrung.keys.revoke(admin, key.id)
  if (end === 'rotate') await keyrung.keys.rotate(admin, key.id, { graceMs: 0 })
  if (end === 'expire') await clock.advance(10)
  for (let i = 0; i < 3; i++) expect(await keyrung.authenticate(secret, at)).toEqual({ ok: false, code })
  // A principal that was kept is a use of the key too.
  if (known.ok && end !== 'move') await keyrung.authorize(known.principal, 'contacts:read')
  await keyrung.authenticate('acme_live_nobody', at)
  await keyrung.close()
  const count = end === 'move' ? 3 : 4
  expect(written).toMatchObject([{ workspaceId: 'ws', keyId: key.id, code, permission: null, count }])
})
