import type { AnyCatalog } from './catalog.js'
import { compileGrant, covers, fullGrant } from './grant.js'
import type { Grant } from './grant.js'
import type { KeyRecord } from './key.js'

/** What decides who may use a key for what, when and from where. */
export type KeyRights = Pick<
  KeyRecord,
  'mode' | 'scopes' | 'expiresAt' | 'notBefore' | 'addressRules' | 'ownerId'
>

/** A field in which one key's rights reach further than another's. */
export type RightsField = 'scopes' | 'expiresAt' | 'notBefore' | 'addressRules' | 'ownerId'

/** Says whether everything that the wanted address rules admit is admitted by the held ones. */
export type CoversAddresses = (held: string, wanted: string) => boolean

/** What a key holds by itself, whatever its owner or the plan take from it. */
export function grantOfKey(catalog: AnyCatalog, key: Pick<KeyRecord, 'mode' | 'scopes'>): Grant {
  return key.mode === 'full' ? fullGrant(catalog) : compileGrant(catalog, key.scopes)
}

/**
 * Compares the rights of a key before and after an edit: the fields in which it would be good for more
 * than before. None: the edit only narrows or tightens, so that nobody gains anything by it.
 *
 * Setting an owner where there was none tightens; another owner, or none any more, counts as more.
 */
export function findWidenings(
  catalog: AnyCatalog,
  before: KeyRights,
  after: KeyRights,
  coversAddresses: CoversAddresses,
): readonly RightsField[] {
  const isWithinScopes = covers(grantOfKey(catalog, before), grantOfKey(catalog, after))
  return [
    ...(isWithinScopes ? [] : (['scopes'] as const)),
    ...findLooserLimits(before, after, coversAddresses),
  ]
}

/** The same for everything but the scopes: time, addresses, owner. */
export function findLooserLimits(
  before: Omit<KeyRights, 'mode' | 'scopes'>,
  after: Omit<KeyRights, 'mode' | 'scopes'>,
  coversAddresses: CoversAddresses,
): readonly RightsField[] {
  const fields: RightsField[] = []
  if (isBefore(before.expiresAt, after.expiresAt ?? Infinity)) fields.push('expiresAt')
  if (isBefore(after.notBefore ?? -Infinity, before.notBefore)) fields.push('notBefore')
  if (!coversAddresses(before.addressRules, after.addressRules)) fields.push('addressRules')
  if (before.ownerId !== null && before.ownerId !== after.ownerId) fields.push('ownerId')
  return fields
}

/** Says whether one instant is before another; where either is missing, there is no bound to pass. */
function isBefore(earlier: number | null, later: number | null): boolean {
  return earlier !== null && later !== null && earlier < later
}

/** Says whether an edit changes anything about what a credential of the key may do, and how often. */
export function changesRights(
  before: KeyRights & Partial<Pick<KeyRecord, 'limits'>>,
  after: KeyRights & Partial<Pick<KeyRecord, 'limits'>>,
): boolean {
  return (
    before.limits !== after.limits ||
    before.mode !== after.mode ||
    before.scopes !== after.scopes ||
    before.expiresAt !== after.expiresAt ||
    before.notBefore !== after.notBefore ||
    before.addressRules !== after.addressRules ||
    before.ownerId !== after.ownerId
  )
}
