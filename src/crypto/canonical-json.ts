import canonicalize from 'canonicalize'
import type { Json } from '../core/plain-value.js'

/**
 * The one text of a JSON value (JSON Canonicalization Scheme, RFC 8785), so that equal values have equal bytes.
 *
 * @param value as `copyPlain` makes it: finite numbers, no cycles, of a bounded depth
 */
export function canonicalJson(value: Json): string {
  return canonicalize(value) as string
}
