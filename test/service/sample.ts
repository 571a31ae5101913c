import { defineCatalog } from '../../src/core/catalog.js'
import type { ScopeOf } from '../../src/core/catalog.js'
import type { Actor } from '../../src/core/actor.js'
import { ladders } from '../../src/core/ladder.js'
import { createKeyrung } from '../../src/service/create-keyrung.js'
import type { Notice } from '../../src/service/notice.js'
import type { KeyrungOptions } from '../../src/service/options.js'
import { memoryStore } from '../../src/stores/memory.js'
import { manualClock } from '../../src/testing/manual-clock.js'

export const catalog = defineCatalog({
  resources: {
    contacts: { ladder: ladders.crud },
    email: { ladder: ladders.communication },
    ai: { ladder: ladders.use },
  },
})

export type SampleScope = ScopeOf<typeof catalog>

export const admin: Actor = { type: 'user', id: 'ann', workspaceId: 'ws_1', role: 'admin' }

export const hostSecret = 'a secret of the host, for tests only'

/** A keyrung in memory on a clock that stands still, and what it told its operator. */
export function sample(options: Partial<KeyrungOptions<typeof catalog>> = {}) {
  const clock = manualClock()
  const notices: Notice[] = []
  const keyrung = createKeyrung({
    ...{ catalog, clock },
    store: memoryStore({ clock }),
    secret: hostSecret,
    keys: { prefix: 'tp', environments: ['live', 'test'] },
    notify: (notice) => void notices.push(notice),
    ...options,
  })
  return { clock: (options.clock as typeof clock | undefined) ?? clock, keyrung, notices }
}
