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

/** What is not seen, or changes the order of what is (UAX #9, UAX #44), and the marks of interlinear notes. */
const hidden = /[\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\ufff9-\ufffb]/u

/** Letters, digits, punctuation and symbols, without those that are drawn blank. */
const visible = /(?![\u2800\ufffc\u{1d159}])[\p{L}\p{N}\p{P}\p{S}]/u

/** Emoji that are put together, as families are (UTS #51, 1.4.3): their joiners hide nothing. */
const emoji =
  /\p{Extended_Pictographic}\ufe0f?\p{Emoji_Modifier}?(?:\u200d\p{Extended_Pictographic}\ufe0f?\p{Emoji_Modifier}?)*/gu

/** The same as `findTextFault` for a name: nothing in it may be invisible, and something has to be seen. */
export function findNameFault(text: string, most: number): string | null {
  const fault = findTextFault(text, most)
  if (fault !== null) return fault
  if (hidden.test(text.replace(emoji, '$'))) return 'must not have invisible or direction characters'
  return visible.test(text) ? null : 'must have something visible'
}

const toEscape =
  /(?![\t\n\r])[\p{Cc}\p{Cs}\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\u2028\u2029\ufff9-\ufffb]/gu

/** Escapes invisible characters, and those that change the reading order, as JSON would: `\u202e`. */
export function escapeHidden(text: string): string {
  return text.replace(toEscape, (found) =>
    Array.from({ length: found.length }, (_, i) => escapeUnit(found.charCodeAt(i))).join(''),
  )
}

function escapeUnit(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`
}
