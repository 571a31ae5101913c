import type { AnyCatalog } from '../core/catalog.js'
import { invalid } from '../core/errors.js'
import type { Fault } from '../core/errors.js'
import type { LimitRule } from '../core/limit.js'
import type { Freshness } from '../ports/store.js'
import type { LimitSettings } from './limit-settings.js'
import type { KeyrungOptions } from './options.js'

/** How fresh answers are to be: as the host says, where its store leaves that open. */
export function freshnessOf({ store, freshness }: KeyrungOptions<AnyCatalog>, faults: Fault[]): Freshness {
  if (freshness === undefined) return store.freshness
  if (store.freshness === 'exclusive') {
    faults.push({ path: 'freshness', message: 'is not for a store that lives in this process: leave it out' })
  }
  return freshness
}

/** Tells where something is to be limited and nothing counts. */
export function requireLimitStore(
  limits: Pick<LimitSettings, 'store' | 'workspace' | 'owner'> & { readonly keys: readonly LimitRule[] },
  faults: Fault[],
): void {
  const isLimited = [limits.keys, limits.workspace, limits.owner].some((rules) => rules.length > 0)
  if (isLimited && limits.store === null) faults.push(noLimitStore('limits.store'))
}

/** The fault of a limit that nothing could count. */
export function noLimitStore(path: string): Fault {
  const message =
    'needs a limit store: pass one as limits.store; memoryLimits() counts for one process alone, one on Redis or SQL for all'
  return { path, message }
}

/** @throws KeyrungError `config_invalid` where this version cannot live with the store's tables */
export function requireSchema(schema: 'current' | 'outdated' | 'missing' | 'newer'): void {
  if (schema === 'current') return
  const advice = {
    missing:
      'has no tables of keyrung yet: call `await keyrung.ready({ migrate: true })`, or run the printed migrations',
    outdated:
      'has tables of an older keyrung: call `await keyrung.ready({ migrate: true })`, or run the printed migrations',
    newer: 'has tables of a newer keyrung: install that version here too',
  }[schema]
  throw invalid('config_invalid', [{ path: 'store', message: advice }])
}
