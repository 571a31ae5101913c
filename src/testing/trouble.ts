import { invalid } from '../core/errors.js'
import type { Fault } from '../core/errors.js'
import { isDuration } from '../core/time.js'

/** How a call goes wrong, and when. */
export interface Trouble {
  /**
   * `throw` and `reject`: with `error`; `hang`: never answers; `answer`: answers `answer`, whatever that is.
   */
  readonly by: 'throw' | 'reject' | 'hang' | 'answer'
  /** What is thrown; `store_unavailable` if left out. */
  readonly error?: unknown
  readonly answer?: unknown
  /**
   * True: the store does what was asked all the same, and only the answer is lost. `by-lot`: in one half of the
   * calls, as with a connection that is lost in the middle of a commit.
   */
  readonly late?: boolean | 'by-lot'
  /** After so many times the call is well again; left out: never by itself. */
  readonly times?: number
  /** How likely each call is to go wrong, from 0 to 1, drawn by lot; 1 if left out. */
  readonly chance?: number
  /** When it begins, in milliseconds from now on the clock; 0 if left out. */
  readonly afterMs?: number
  /** How long it lasts, in milliseconds on the clock; left out: without end. */
  readonly forMs?: number
  /** Down for so long, then up for so long, and again, in milliseconds on the clock: a store that flaps. */
  readonly flap?: { readonly downMs: number; readonly upMs: number }
}

/** The longest span that a test can ask for: a year. */
const longestMs = 31_536_000_000

/**
 * Checks a trouble when it is told, so that a mistyped one does not pass for a healthy store.
 *
 * @throws KeyrungError `input_invalid` with every fault
 */
export function checkTrouble(trouble: Trouble, hasClock: boolean): void {
  const { by, times = 1, chance = 1, afterMs, forMs, flap } = trouble
  const faults: Fault[] = []
  const fault = (path: string, message: string): void => void faults.push({ path, message })
  if (!['throw', 'reject', 'hang', 'answer'].includes(by)) fault('by', 'is not a way to go wrong')
  if (!(times >= 1)) fault('times', 'must be 1 at least')
  if (!(chance >= 0 && chance <= 1)) fault('chance', 'must be from 0 to 1')
  const spans = { afterMs, forMs, 'flap.downMs': flap?.downMs, 'flap.upMs': flap?.upMs }
  for (const [path, ms] of Object.entries(spans)) {
    if (ms === undefined) continue
    if (!isDuration(ms, longestMs)) fault(path, 'must be whole milliseconds, at most a year')
    else if (!hasClock) fault(path, 'needs the clock that failingStore is given')
  }
  if (flap && flap.downMs + flap.upMs === 0) fault('flap', 'must take time')
  if (faults.length > 0) throw invalid('input_invalid', faults)
}

/** Says whether a trouble is on, so many milliseconds after it was told. */
export function isOn({ afterMs = 0, forMs = Infinity, flap }: Trouble, passedMs: number): boolean {
  const inside = passedMs - afterMs
  if (inside < 0 || inside >= forMs) return false
  return !flap || inside % (flap.downMs + flap.upMs) < flap.downMs
}
