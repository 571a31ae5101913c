import type { ServiceContext } from '../context.js'
import type { Dispatchers } from '../dispatchers.js'
import type { DefinedOperation } from '../operations/definition.js'

/** What running is made of. */
export interface ExecutionNeeds {
  /** Its store is the one behind time limits that answers while the keyrung is closing. */
  readonly context: ServiceContext
  readonly dispatchers: Dispatchers
  /** The named operations that this instance knows. */
  readonly findOperation: (name: string) => DefinedOperation | undefined
  /** The keyrung whose approvals are run: by it a guard knows its own. */
  readonly keyrung: () => object
}
