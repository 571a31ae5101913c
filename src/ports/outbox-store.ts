import type { MessageRecord } from './change.js'
import type { MaybePromise } from '../core/maybe-promise.js'

/** Which messages to take up. */
export interface DueRequest {
  readonly kind: MessageRecord['kind']
  readonly destination: string
  /** Those due at this instant or before. */
  readonly now: number
  readonly limit: number
}

/** What is asked about messages; they are claimed by an update that moves `dueAt` on. */
export interface OutboxQueries {
  /** Oldest first, by id. */
  listDueMessages(request: DueRequest): MaybePromise<readonly MessageRecord[]>
  /** How many messages wait, by destination. */
  countMessages(): MaybePromise<ReadonlyMap<string, number>>
}
