/** The most characters of an id that the host gives: `type:id` must fit a column of 255. */
export const maxIdLength = 240

/**
 * Returns true if a value can be an id of the host's. Lone surrogates and NUL are rejected, because databases fold or cut
 * them, and two ids would become one.
 */
export function isHostId(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length > 0 &&
    value.length <= maxIdLength &&
    !/[\0\p{Surrogate}]/u.test(value)
  )
}
