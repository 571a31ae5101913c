import { isTokenName, mostActors, mostAudiences } from '../core/access-token.js'
import { isHostId } from '../core/host-id.js'
import { isScopeShaped } from '../core/name.js'
import { ownElements, ownProperties } from '../core/own-properties.js'
import type { KeyPrincipal, Principal } from '../core/principal.js'
import { copyPlain } from '../core/plain-value.js'
import { freezeJson, metadataLimits } from '../core/metadata.js'
import type { JsonObject } from '../core/plain-value.js'
import { maxScopes } from '../core/scope.js'
import { isInstant } from '../core/time.js'
import { withToken } from './tokens/principal.js'
import type { TokenFields } from './tokens/principal.js'

/**
 * Reads a principal that a host has kept. Returns a frozen copy, or `undefined` unless every member is as `authenticate`
 * made it: a token's principal with a part missing must not pass for that of its key.
 */
export function readPrincipal(value: unknown): Principal | undefined {
  const kept = ownProperties(value)
  const type = kept?.get('type')
  if (kept === undefined || (type !== 'key' && type !== 'token')) return undefined
  const principal = readHolder(kept)
  if (principal === undefined) return undefined
  if (type === 'key') return kept.has('tokenId') || kept.has('chain') ? undefined : principal
  const fields = readTokenFields(kept)
  return fields && withToken(principal, fields)
}

function readHolder(kept: ReadonlyMap<string, unknown>): KeyPrincipal | undefined {
  const [keyId, secretId, keyName, environment] = ['keyId', 'secretId', 'keyName', 'environment'].map(
    (name) => kept.get(name),
  )
  const [workspaceId, ownerId, address] = ['workspaceId', 'ownerId', 'address'].map((name) => kept.get(name))
  if (!isHostId(keyId) || !isHostId(secretId) || !isHostId(workspaceId)) return undefined
  if (typeof keyName !== 'string' || !isTokenName(environment)) return undefined
  if (ownerId !== null && !isHostId(ownerId)) return undefined
  if (address !== null && typeof address !== 'string') return undefined
  const [scopes, metadata] = [readKeptScopes(kept.get('scopes')), readKeptMetadata(kept.get('metadata'))]
  if (scopes === undefined || metadata === undefined) return undefined
  return Object.freeze({
    type: 'key',
    ...{ keyId, secretId, keyName, workspaceId, environment, ownerId, address, scopes, metadata },
  })
}

function readKeptScopes(value: unknown): readonly string[] | undefined {
  const scopes = ownElements(value, maxScopes)
  return scopes?.every(isScopeShaped) ? Object.freeze(scopes) : undefined
}

function readKeptMetadata(given: unknown): JsonObject | undefined {
  const { value, faults } = copyPlain(given, metadataLimits)
  if (faults.length > 0 || typeof value !== 'object' || value === null || Array.isArray(value))
    return undefined
  return freezeJson(value as JsonObject)
}

function readTokenFields(kept: ReadonlyMap<string, unknown>): TokenFields | undefined {
  const [tokenId, expiresAt] = [kept.get('tokenId'), kept.get('expiresAt')]
  const scopes = readKeptScopes(kept.get('scopes'))
  const audience = ownElements(kept.get('audience'), mostAudiences)
  const chain = ownElements(kept.get('chain'), mostActors)
  if (!isHostId(tokenId) || !isInstant(expiresAt)) return undefined
  if (!scopes || !audience?.every(isTokenName) || !chain?.every(isTokenName)) {
    return undefined
  }
  for (const list of [audience, chain]) Object.freeze(list)
  return { type: 'token', tokenId, scopes, audience, expiresAt, chain }
}
