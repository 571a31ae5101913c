import type { KeyRecord, KeySecretRecord } from '../core/key.js'
import type { RecordType, Records } from '../ports/change.js'
import { columns } from './columns.js'

/** What columns hold, in the order of `columns`. */
export type Values = readonly unknown[]

const names = Object.fromEntries(
  Object.entries(columns).map(([type, of]) => [type, Object.keys(of)]),
) as unknown as { readonly [T in RecordType]: readonly (keyof Records[T] & string)[] }

/** How many columns records of a kind have. */
export function widthOf(type: RecordType): number {
  return names[type].length
}

/** A record's values, in the order of its columns; a record says nothing beside them. */
export function valuesOf(type: RecordType, record: Records[RecordType]): unknown[] {
  return names[type].map((name) => (record as unknown as Record<string, unknown>)[name])
}

/**
 * Makes a record of values that have been checked, from an offset on.
 *
 * Keys and secrets are read with every request, so theirs are literals, which keep all fields in one place in memory.
 */
export function recordOf<T extends RecordType>(type: T, values: Values, offset = 0): Records[T] {
  if (type === 'key') return keyOf(values, offset) as Records[T]
  if (type === 'secret') return secretOf(values, offset) as Records[T]
  return Object.fromEntries(names[type].map((name, i) => [name, values[offset + i]])) as unknown as Records[T]
}

/** {@link recordOf} for keys. */
export function keyOf(values: Values, o: number): KeyRecord {
  return {
    id: values[o] as string,
    workspaceId: values[o + 1] as string,
    version: values[o + 2] as number,
    name: values[o + 3] as string,
    nameSearch: values[o + 4] as string,
    environment: values[o + 5] as string,
    mode: values[o + 6] as KeyRecord['mode'],
    scopes: values[o + 7] as string,
    status: values[o + 8] as KeyRecord['status'],
    revokedAt: values[o + 9] as number | null,
    revokedBy: values[o + 10] as string | null,
    revokedReason: values[o + 11] as string | null,
    expiresAt: values[o + 12] as number | null,
    notBefore: values[o + 13] as number | null,
    addressRules: values[o + 14] as string,
    metadata: values[o + 15] as string,
    ownerId: values[o + 16] as string | null,
    createdBy: values[o + 17] as string,
    createdAt: values[o + 18] as number,
    updatedAt: values[o + 19] as number,
    limits: values[o + 20] as string | null,
    revocations: values[o + 21] as number,
    webhook: values[o + 22] as string | null,
  }
}

/** {@link recordOf} for secrets. */
function secretOf(values: Values, o: number): KeySecretRecord {
  return {
    id: values[o] as string,
    keyId: values[o + 1] as string,
    workspaceId: values[o + 2] as string,
    version: values[o + 3] as number,
    digest: values[o + 4] as string,
    hostSecretId: values[o + 5] as string,
    lastFour: values[o + 6] as string,
    createdAt: values[o + 7] as number,
    endsAt: values[o + 8] as number | null,
  }
}
