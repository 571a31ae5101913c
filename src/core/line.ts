/**
 * What must not stand in a line of a log as it is: control characters (C1 with NEL among them, which
 * `JSON.stringify` leaves alone), the Unicode line separators, and the marks that change the direction of text.
 */
const unfitForLine = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g

/**
 * A value as JSON text that is one line on every screen and in every log reader, whatever it contains; it
 * parses back to the same value.
 */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(
    unfitForLine,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
