/** A time in which something was spent: no earlier than it began, no later than it ended. */
export interface Spell {
  readonly begin: number
  readonly end: number
}

/**
 * The most that was admitted in any window of a length, wherever it begins: of what was admitted at some instant between
 * its begin and its end, as much as there can be no doubt about, since all of it lies in the window.
 */
export function mostInAnyWindow(spells: readonly Spell[], windowMs: number): number {
  const begins = spells.toSorted((a, b) => a.begin - b.begin)
  let most = 0
  for (const [i, { begin }] of begins.entries()) {
    let count = 0
    // A window that is worst begins where something began, and does not include its own end.
    for (let j = i; j < begins.length && begins[j]!.begin < begin + windowMs; j++) {
      if (begins[j]!.end < begin + windowMs) count++
    }
    most = Math.max(most, count)
  }
  return most
}

/** One line of the table that a proof ends with. */
export interface ProofLine {
  readonly what: string
  readonly limit: string
  readonly most: number
  /** The most, by the limit. */
  readonly share: number
  readonly admitted: number
  readonly note?: string
}

/** Prints the table: what was counted, and the most that any window of its limit's length held. */
export function printProof(title: string, lines: readonly ProofLine[]): void {
  if (lines.length === 0) return
  const rows = [
    ['', 'limit', 'most in any window', '÷ limit', 'admitted', ''],
    ...lines.map(({ what, limit, most, share, admitted, note }) => [
      ...[what, limit, String(most), share.toFixed(3), String(admitted), note ?? ''],
    ]),
  ]
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)))
  const text = rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd(),
  )
  console.log(`${title}\n${text.join('\n')}`)
}
