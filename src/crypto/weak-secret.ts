/** A repetition of so many bytes is no accident. */
const longestAccident = 8
/** A unit that is repeated is worth no more than itself. */
const shortestUnit = 32
/** Random text of 32 characters has more different ones, even if they are hexadecimal digits. */
const fewestDistinct = 7

/** What documents show, and what people write until they have a secret. */
const placeholder =
  /at least 32 characters|only you know|change[-_ ]?(me|this)|replace[-_ ]?(me|this)|your[-_ ](own[-_ ])?secret|placeholder|openssl rand/i

/** Finds what makes a secret easy to guess; `undefined` for one that may be random. */
export function findWeakness(bytes: Uint8Array, text: string | null): string | undefined {
  if (text !== null && placeholder.test(text)) return 'is a placeholder'
  if (new Set(bytes).size < fewestDistinct) return 'is made of too few different characters'
  if (isSequence(bytes)) return 'is a sequence'
  return hasPeriod(bytes) ? 'repeats itself' : undefined
}

/** From one byte to the next it is mostly the same step, as in `abcdef` and `00000001`. */
function isSequence(bytes: Uint8Array): boolean {
  const steps = new Map<number, number>()
  for (let i = 1; i < bytes.length; i++) {
    const step = bytes[i]! - bytes[i - 1]!
    steps.set(step, (steps.get(step) ?? 0) + 1)
  }
  return Math.max(...steps.values()) * 2 >= bytes.length
}

function hasPeriod(bytes: Uint8Array): boolean {
  const longest = Math.min(shortestUnit - 1, bytes.length - longestAccident)
  for (let period = 1; period <= longest; period++) {
    if (bytes.subarray(period).every((byte, i) => byte === bytes[i])) return true
  }
  return false
}
