import type { Clock } from '../ports/clock.js'
import type { Notify } from './notice.js'

/** What clocks may run apart between two answers: so much, and a thousandth of the time that passed. */
const toleranceMs = 1_000

/** A store whose servers disagree about the time would tell of a step with each answer. */
const quietMs = 60_000

/** By how much the store's clock is ahead of the monotonic one, as one answer shows it. */
interface Lead {
  readonly least: number
  readonly most: number
  readonly heardAt: number
}

/**
 * Tells of each step of a limit store's clock: where it went further than this instance's monotonic clock, or back.
 *
 * @returns what hears of the store's now in each answer, and of when it was asked, on the monotonic clock
 */
export function watchStoreClock(
  name: string,
  clock: Pick<Clock, 'monotonic'>,
  notify: Notify,
): (now: number, sentAt: number) => void {
  let last: Lead | undefined
  let steppedAt = -Infinity
  let toldAt = -Infinity

  return (now, sentAt) => {
    // It may be from before the step that is known already.
    if (sentAt < steppedAt) return
    const heardAt = clock.monotonic()
    const lead = { least: now - heardAt, most: now - sentAt, heardAt }
    const by = last === undefined ? 0 : stepBetween(last, lead)
    last = lead
    if (by === 0) return
    steppedAt = heardAt
    if (heardAt - toldAt < quietMs) return
    toldAt = heardAt
    const way = by > 0 ? 'forward' : 'back'
    notify({
      code: 'limits_clock_stepped',
      message: `The clock of the limit store ${name} went ${way} by ${Math.round(Math.abs(by))} ms, or this process was suspended. Each step can admit a limit once more.`,
    })
  }
}

function stepBetween(before: Lead, after: Lead): number {
  const by = Math.max(0, after.least - before.most) + Math.min(0, after.most - before.least)
  return Math.abs(by) > toleranceMs + (after.heardAt - before.heardAt) / 1_000 ? by : 0
}
