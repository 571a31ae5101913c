import type { LimitStoreCase } from './suite/limit-case.js'
import { limitChangeCases } from './suite/limit-changes.js'
import { limitSpendingCases } from './suite/limit-spending.js'
import { limitWindowCases } from './suite/limit-windows.js'

/**
 * Everything a limit store has to keep, as cases for any test runner: each makes a store of its own, and rejects with
 * what it saw where a promise is broken.
 *
 * A case with `needs` cannot run without that capability of the store under test; leave it out by its name and
 * with `whyNot`, never silently.
 *
 * @example
 * ```ts
 * for (const { name, needs, run } of limitStoreSuite()) {
 *   if (needs === 'instances') console.log(`left out: ${name} (${whyNot(needs)})`)
 *   else test(name, () => run(() => ({ store: memoryLimits({ clock }), clock })))
 * }
 * ```
 */
export function limitStoreSuite(): readonly LimitStoreCase[] {
  return [...limitSpendingCases, ...limitChangeCases, ...limitWindowCases]
}
