import type { CredentialRefusal, Decision } from '../core/decision.js'
import type { Principal } from '../core/principal.js'

/** Who presented a credential, or why it was not accepted. */
export type Authentication =
  | { readonly ok: true; readonly principal: Principal }
  | { readonly ok: false; readonly code: CredentialRefusal }

/** A request as admission sees it. */
export interface AdmissionRequest {
  /** Every value the request had for `Authorization`. */
  readonly authorization: readonly string[]
  /** Every value it had for the host's own credential header, where one is configured. */
  readonly bare?: readonly string[]
  /** The caller's address; where it is not known, keys with an allow-list are refused. */
  readonly address?: string | undefined
}

/** What came of a request: who it is and that it may go on, or why not. */
export type Admission =
  | {
      readonly ok: true
      readonly principal: Principal
      readonly decision: Extract<Decision, { effect: 'allow' }>
    }
  | {
      readonly ok: false
      readonly code: CredentialRefusal
      readonly principal: null
      readonly decision: null
    }
  | {
      readonly ok: false
      /** The decision's own code, or `approval_required` where it would have to be approved. */
      readonly code: Extract<Decision, { effect: 'deny' }>['code'] | 'approval_required'
      readonly principal: Principal
      readonly decision: Exclude<Decision, { effect: 'allow' }>
    }
