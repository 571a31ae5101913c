/** What the proof's processes are told and what they answer. */
import type { Freshness } from '../../src/ports/store.js'
import type { DatabaseAddress } from '../servers/test-server.js'

/** The changes that must be seen everywhere once they have returned, and one that breaks the rule. */
export type ChangeKind = 'revoke' | 'activate' | 'edit' | 'rotate' | 'delete' | 'changed' | 'sabotage'

/** What a check answers before and after a change. */
export const outcomes: Readonly<Record<ChangeKind, { readonly old: string; readonly new: string }>> = {
  revoke: { old: 'ok', new: 'key_revoked' },
  activate: { old: 'key_revoked', new: 'ok' },
  edit: { old: 'ok', new: 'insufficient' },
  rotate: { old: 'ok', new: 'secret_rotated' },
  delete: { old: 'ok', new: 'credential_invalid' },
  changed: { old: 'ok', new: 'not_entitled' },
  sabotage: { old: 'ok', new: 'key_revoked' },
}

/** Where the instances meet. */
export type Meeting =
  | { readonly kind: 'sqlite'; readonly file: string }
  | { readonly kind: 'postgres' | 'mariadb'; readonly address: DatabaseAddress }

/** How an instance is set up. */
export interface HostSettings {
  readonly database: Meeting
  readonly freshness: Exclude<Freshness, 'exclusive'>
  readonly leaseMs: number
  /** A file that names, line by line, the workspaces whose plan was lowered: the host's own records. */
  readonly plans: string
  /** How long each process rests between two rounds of checks. */
  readonly restMs: number
}

/** A key that is about to be changed, once. */
export interface MadeKey {
  readonly id: string
  readonly secret: string
  readonly kind: ChangeKind
  readonly workspaceId: string
  readonly version: number
}

/** When a change returned, on the clock that all processes of a machine share. */
export interface Returned {
  readonly id: string
  readonly calledAt: number
  readonly returnedAt: number
}

/** What the checks of one key in one process came to. */
export interface Verdict {
  readonly id: string
  /** Decided on the old state, before the change returned. */
  readonly before: number
  /** Begun after the change had returned. */
  readonly after: number
  /** Of these, decided on the old state. */
  readonly wrong: number
  /** How long after the return the first of these began, in milliseconds. */
  readonly soonestMs: number
  /** Answers that are neither the old state's nor the new one's. */
  readonly strange: readonly string[]
}

/** Every order to a process, with what it takes and answers. */
export interface Orders {
  greet: { given: object; answer: null }
  open: { given: HostSettings; answer: null }
  make: { given: { kinds: readonly { kind: ChangeKind; workspaceId: string }[] }; answer: MadeKey[] }
  watch: { given: { keys: readonly MadeKey[] }; answer: null }
  change: { given: { keys: readonly MadeKey[] }; answer: Returned[] }
  judge: { given: { returns: readonly Returned[] }; answer: Verdict[] }
  /** Steps the wall clock by so much, or sets it right; makes every read of a credential arrive so much later. */
  disturb: { given: { stepMs?: number | 'none'; readDelayMs?: number }; answer: null }
  count: { given: object; answer: { reads: number; checks: number } }
  close: { given: object; answer: null }
}

/** The name of an order. */
export type Order = keyof Orders

/** The time that all processes of a machine share, in milliseconds; it never goes back. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
