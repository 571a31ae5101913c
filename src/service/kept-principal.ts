import { ownProperties } from '../core/own-properties.js'
import type { KeyPrincipal, Principal } from '../core/principal.js'
import { readTokenFields } from './tokens/principal.js'

const texts = ['keyId', 'secretId', 'keyName', 'workspaceId', 'environment'] as const
const textsOrNull = ['ownerId', 'address'] as const

/**
 * Copies a principal that a host has kept; returns undefined unless its type and every
 * member have the form that keyrung gives them.
 *
 * A wrong `type` is never read as a key: a token would become its whole key.
 */
export function readPrincipal(value: unknown): Principal | undefined {
  const kept = ownProperties(value)
  if (kept === undefined) return undefined
  const isHeld =
    texts.every((name) => typeof kept.get(name) === 'string') &&
    textsOrNull.every((name) => kept.get(name) === null || typeof kept.get(name) === 'string')
  if (!isHeld) return undefined
  const held = Object.fromEntries([...texts, ...textsOrNull].map((name) => [name, kept.get(name)])) as Omit<
    KeyPrincipal,
    'type'
  >
  if (kept.get('type') === 'key') return Object.freeze({ type: 'key', ...held })
  const fields = kept.get('type') === 'token' ? readTokenFields(kept) : undefined
  return fields && Object.freeze({ ...held, ...fields })
}
