import type { StoreCapability, StoreCase } from './suite/case.js'
import { approvalUpkeepCases } from './suite/approval-upkeep.js'
import { approvalCases } from './suite/approvals.js'
import { changeCases } from './suite/changes.js'
import { counterCases } from './suite/counters.js'
import { credentialCases } from './suite/credentials.js'
import { deliveryCases } from './suite/deliveries.js'
import { eventCases } from './suite/events.js'
import { listingCases } from './suite/listings.js'
import { outboxCases } from './suite/outbox.js'
import { raceCases } from './suite/races.js'
import { sealedCases } from './suite/sealed.js'
import { sharingCases } from './suite/sharing.js'
import { textCases } from './suite/texts.js'
import { timingCases } from './suite/timing.js'
import { upkeepCases } from './suite/upkeep.js'
import { usageCases } from './suite/usage.js'
import { useCases } from './suite/uses.js'

/**
 * Everything a store has to keep, as cases for any test runner: each makes a store of its own, and rejects with
 * what it saw where a promise is broken.
 *
 * A case with `needs` cannot run without that capability of the store under test; leave it out by its name and
 * with `whyNot`, never silently.
 *
 * @example
 * ```ts
 * for (const { name, needs, run } of storeSuite()) {
 *   if (needs === 'instances') console.log(`left out: ${name} (${whyNot(needs)})`)
 *   else test(name, () => run(() => ({ store: myStore({ clock }), clock })))
 * }
 * ```
 */
export function storeSuite(): readonly StoreCase[] {
  return [
    ...changeCases,
    ...credentialCases,
    ...listingCases,
    ...eventCases,
    ...outboxCases,
    ...counterCases,
    ...timingCases,
    ...useCases,
    ...usageCases,
    ...textCases,
    ...raceCases,
    ...sharingCases,
    ...approvalCases,
    ...deliveryCases,
    ...sealedCases,
    ...upkeepCases,
    ...approvalUpkeepCases,
  ]
}

const reasons: Readonly<Record<StoreCapability, string>> = {
  clock: 'its now cannot be set by a test',
  instances: 'there can be only one instance of it',
  reopening: 'what it holds ends with it',
  sharing: 'it has no transactions to share',
}

/** Why a case that needs a capability is left out, in words for a report. */
export function whyNot(capability: StoreCapability): string {
  return reasons[capability]
}
