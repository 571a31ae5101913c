import type { Actor } from '../core/actor.js'
import type { ChangeOptions } from '../service/change-origin.js'
import type { AnyCatalog } from '../core/catalog.js'
import type { Keyrung } from '../service/keyrung.js'

/** One call of the management API, by someone who is known. */
export interface Call {
  readonly keyrung: Keyrung<AnyCatalog>
  readonly actor: Actor
  readonly request: Request
  /** From the path; `''` where it has none. */
  readonly id: string
  /** The path that the API is mounted under, `''` for none. */
  readonly prefix: string
  /** Where the call comes from, for audit events. */
  readonly origin: ChangeOptions
}
