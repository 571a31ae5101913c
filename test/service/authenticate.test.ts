import { expect, test, vi } from 'vitest'
import { defineCatalog } from '../../src/core/catalog.js'
import { ladders } from '../../src/core/ladder.js'
import { createKeyFormat } from '../../src/crypto/key-format.js'
import { createPeppers } from '../../src/crypto/pepper.js'
import type { Freshness, Store } from '../../src/ports/store.js'
import { createAuthenticator } from '../../src/service/authenticate.js'
import { createKeyrung } from '../../src/service/create-keyrung.js'
import { createCredentialSource } from '../../src/service/credential-source.js'
import { createLocalLease } from '../../src/service/lease.js'
import { memoryStore } from '../../src/stores/memory.js'
import { manualClock } from '../../src/testing/manual-clock.js'

const catalog = defineCatalog({ resources: { contacts: { ladder: ladders.crud } } })

test.each<[Freshness, boolean]>([
  ['exclusive', true],
  ['strict', true],
  ['cached', false],
])(
  'a key that is known costs one digest and one look on a store that is %s, behind a gate too',
  async (freshness, synchronous) => {
    const clock = manualClock()
    const inner = memoryStore({ clock })
    const keyrung = createKeyrung({
      ...{ catalog, clock, store: inner, pepper: 'none', keys: { prefix: 'tp' }, notify: () => undefined },
      secret: 'a secret of the host, for tests only',
    })
    const actor = { type: 'system', name: 'test', workspaceId: 'ws_1' } as const
    const { secret } = await keyrung.keys.create(actor, { name: 'test', scopes: ['contacts:read'] })

    const findCredential = vi.fn(inner.findCredential)
    const store: Store = { ...inner, synchronous, findCredential }
    const peppers = createPeppers('none')
    const digest = vi.fn(peppers.current.digest)
    const current = { ...peppers.current, digest }
    const authenticator = createAuthenticator({
      ...{ catalog, clock, notify: () => undefined, renew: () => undefined, tokens: null },
      recorder: { refused: () => undefined },
      keyFormat: createKeyFormat({ prefix: 'tp', environments: ['live'] }),
      peppers: { ...peppers, current, all: [current] },
      source: createCredentialSource({
        ...{ store, freshness, clock, bounds: {}, lease: createLocalLease(1_000) },
      }),
    })
    expect(await authenticator.identify(secret, undefined, null)).toMatchObject({ key: { name: 'test' } })
    digest.mockClear()
    findCredential.mockClear()

    const gate = { admits: vi.fn(() => false), report: null }
    expect(await authenticator.identify(secret, undefined, gate)).toMatchObject({ key: { name: 'test' } })
    expect(gate.admits).not.toHaveBeenCalled()
    expect(digest).toHaveBeenCalledTimes(1)
    expect(findCredential).toHaveBeenCalledTimes(synchronous ? 1 : 0)
    await keyrung.close()
  },
)
