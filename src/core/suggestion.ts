/** The most edits at which two words are still taken for each other. */
const maxEdits = 2

/** The most words that are compared; a catalogue with more simply makes no suggestion for those beyond. */
const maxCandidates = 2_000

/**
 * Of some words the one a mistyped word was likely meant to be, if any is at most two edits away.
 *
 * The work is bounded: candidates of another length are skipped, and no word is longer than a name may be.
 */
export function findSimilar(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined
  let fewest = maxEdits + 1
  let seen = 0
  for (const candidate of candidates) {
    if (++seen > maxCandidates) break
    if (Math.abs(candidate.length - word.length) >= fewest) continue
    const edits = editDistance(word, candidate)
    // A short word shares nothing with another that is reached by rewriting half of it.
    if (edits < fewest && edits * 2 < Math.max(word.length, candidate.length)) {
      best = candidate
      fewest = edits
    }
  }
  return best
}

/** Says that a name is not among the known options, and which one it was likely meant to be. */
export function describeUnknownOption(name: string, known: Iterable<string>): string {
  const similar = findSimilar(name, known)
  return similar === undefined ? 'is not an option' : `is not an option; did you mean ${similar}?`
}

/** Levenshtein's distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
