import type { CredentialRefusal, Decision } from '../core/decision.js'
import type { LimitMeter } from '../core/limit-window.js'
import type { Principal } from '../core/principal.js'

/** Who presented a credential, or why it was not accepted. */
export type Authentication =
  | { readonly ok: true; readonly principal: Principal }
  | { readonly ok: false; readonly code: CredentialRefusal }
  /** Its source has presented too many that are not valid, and this one is not known to be. */
  | { readonly ok: false; readonly code: 'limited'; readonly limits: LimitReport }

/** A request as admission sees it. */
export interface AdmissionRequest {
  /** Every value the request had for `Authorization`. */
  readonly authorization: readonly string[]
  /** Every value it had for the host's own credential header, where one is configured. */
  readonly bare?: readonly string[]
  /** The caller's address; where it is not known, keys with an allow-list are refused. */
  readonly address?: string | undefined
}

/** How the limits of a request stand after it was charged, or as it was refused for one of them. */
export interface LimitReport {
  /** The limit store's time, in milliseconds since 1970: what the meters' instants are to be compared with. */
  readonly now: number
  readonly meters: readonly LimitMeter[]
}

/** What came of a request: who it is and that it may go on, or why not. */
export type Admission =
  | {
      readonly ok: true
      readonly principal: Principal
      readonly decision: Extract<Decision, { effect: 'allow' }>
      /** Null where nothing limits it. */
      readonly limits: LimitReport | null
    }
  | {
      readonly ok: false
      readonly code: 'limited'
      /** Null where it is the source of a credential that is not known good. */
      readonly principal: Principal | null
      readonly decision: null
      readonly limits: LimitReport
    }
  | {
      readonly ok: false
      readonly code: CredentialRefusal
      readonly principal: null
      readonly decision: null
      readonly limits: null
    }
  | {
      readonly ok: false
      /** The decision's own code, or `approval_required` where it would have to be approved. */
      readonly code: Extract<Decision, { effect: 'deny' }>['code'] | 'approval_required'
      readonly principal: Principal
      readonly decision: Exclude<Decision, { effect: 'allow' }>
      readonly limits: LimitReport | null
    }
