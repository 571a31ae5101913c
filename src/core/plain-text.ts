/** Controls, half surrogate pairs, line separators, byte order marks, and what overrides the reading order (UAX #9, 2). */
const unsafe = /[\p{Cc}\p{Cs}\u2028\u2029\ufeff\u202a-\u202e\u2066-\u2069]/u

/**
 * What is wrong with a text that people will read in lists and logs: null if it is one line of at most
 * `most` characters (code points), without anything that breaks lines or hides in them.
 */
export function findTextFault(text: string, most: number): string | null {
  // A character has at most two units: what is longer is refused without being looked at.
  if (text.length > 2 * most || [...text].length > most) return `must have at most ${most} characters`
  return unsafe.test(text) ? 'must be one line without control or direction characters' : null
}
