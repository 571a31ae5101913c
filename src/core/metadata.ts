import type { Json, JsonObject } from './plain-value.js'

/** How deep and how large metadata can be. */
export const metadataLimits = { depth: 4, elements: 50 } as const

const none: JsonObject = Object.freeze({})

/** Reads stored metadata as a frozen value that can be shared; `undefined` for a text that is no JSON object. */
export function readMetadata(text: string): JsonObject | undefined {
  // Almost all keys have none, and each request with one reads it.
  if (text === '{}') return none
  try {
    const value = JSON.parse(text) as Json
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return freezeJson(value as JsonObject)
    }
  } catch {
    // A driver that decodes or cuts JSON is as bad as one that does not answer.
  }
  return undefined
}

/** Freezes a JSON value with all that is in it. */
export function freezeJson<V extends Json>(value: V): V {
  if (typeof value !== 'object' || value === null) return value
  for (const part of Object.values(value)) freezeJson(part as Json)
  return Object.freeze(value)
}
