import type { Actor } from '../core/actor.js'
import type { Keyrung } from '../service/keyrung.js'

/** One call of the management API, by someone who is known. */
export interface Call {
  readonly keyrung: Keyrung
  readonly actor: Actor
  readonly request: Request
  /** From the path; `''` where it has none. */
  readonly id: string
  /** The path that the API is mounted under, `''` for none. */
  readonly prefix: string
  /** The host's id of the request, for audit events. */
  readonly requestId: string | undefined
}
