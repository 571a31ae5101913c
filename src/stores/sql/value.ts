/** What a parameter can be; every driver takes these. */
export type SqlValue = string | number | Uint8Array | null
