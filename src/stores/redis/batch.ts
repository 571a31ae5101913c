import type { LimitAnswer, LimitRequest } from '../../ports/limit-store.js'
import { subjectKey } from './keys.js'
import { ruleListOf } from './rule-list.js'
import type { RuleList } from './rule-list.js'

/** Who waits for an answer. */
export interface Caller {
  resolve(answer: LimitAnswer): void
  reject(error: unknown): void
}

/** Requests that cost the same of the same. */
export interface Group {
  readonly request: LimitRequest
  /** What the keys of its workspace begin with. */
  readonly workspace: string
  readonly subjects: readonly Subject[]
  readonly callers: Caller[]
}

/** A subject of a batch. */
export interface Subject {
  readonly key: string
  /** By its place in the batch, as the others. */
  readonly index: number
  readonly workspace: number
  readonly list: number
  /** The last group that spends of it first. */
  last: Group | undefined
}

/**
 * So many subjects and groups go into one call of the script, during which the server does nothing else; who is one of
 * many does not wait for all of them, and the server has something to do while the rest is gathered.
 */
const mostSubjects = 32
const mostGroups = 64

/** Requests of one turn of the event loop, which go to the server in one call. */
export class Batch {
  readonly workspaces = new Map<string, number>()
  readonly subjects = new Map<string, Subject>()
  readonly lists: RuleList[] = []
  readonly groups: Group[] = []
  readonly #listNumbers = new Map<string, number>()

  /** Whether it is not worth waiting for more. */
  get isFull(): boolean {
    return this.subjects.size >= mostSubjects || this.groups.length >= mostGroups
  }

  /** Takes a request, if there is room for it, and nobody has asked for another list of limits of its subjects. */
  add(request: LimitRequest, workspace: string, caller: Caller): boolean {
    const { charges, force } = request
    const keys = charges.map(({ subject }) => subjectKey(workspace, subject))
    const known = keys.map((key) => this.subjects.get(key))
    const last = known[0]?.last
    if (last && force !== true && isEqual(last.request, request) && this.#areListed(known, request)) {
      last.callers.push(caller)
      return true
    }
    if (this.groups.length >= mostGroups) return false
    const added = known.filter((subject) => subject === undefined).length
    if (this.subjects.size > 0 && this.subjects.size + added > mostSubjects) return false
    if (!this.#areListed(known, request)) return false
    const place = this.#placeOf(workspace)
    const subjects = keys.map((key, i) => known[i] ?? this.#enter(key, place, ruleListOf(charges[i]!.rules)))
    const group = { request, workspace, subjects, callers: [caller] }
    if (subjects[0]) subjects[0].last = group
    this.groups.push(group)
    return true
  }

  #areListed(known: readonly (Subject | undefined)[], { charges }: LimitRequest): boolean {
    return known.every((subject, i) => {
      if (subject === undefined) return true
      const [list, rules] = [this.lists[subject.list]!, charges[i]!.rules]
      return list.rules === rules || list.text === ruleListOf(rules).text
    })
  }

  #placeOf(workspace: string): number {
    const place = this.workspaces.get(workspace) ?? this.workspaces.size
    this.workspaces.set(workspace, place)
    return place
  }

  #enter(key: string, workspace: number, list: RuleList): Subject {
    let number = this.#listNumbers.get(list.text)
    if (number === undefined) {
      number = this.lists.push(list) - 1
      this.#listNumbers.set(list.text, number)
    }
    const subject = { key, index: this.subjects.size, workspace, list: number, last: undefined }
    this.subjects.set(key, subject)
    return subject
  }
}

/** Says so of requests whose first subject is the same. */
function isEqual(one: LimitRequest, other: LimitRequest): boolean {
  if (one === other) return true
  return (
    one.force !== true &&
    one.charges.length === other.charges.length &&
    one.charges.every(({ subject, cost }, i) => {
      const charge = other.charges[i]!
      return subject === charge.subject && cost === charge.cost
    })
  )
}
