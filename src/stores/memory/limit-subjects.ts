import type { LimitRule } from '../../core/limit.js'
import { packStates, textForgettableAt, unpackStates } from '../../core/limit-text.js'
import { mostCounted, unspent } from '../../core/limit-window.js'
import { roomFor } from './limit-chunk.js'
import { LimitShelf } from './limit-shelf.js'

/** A number stands for a shelf and a row on it; small ones cost a map no memory of their own. */
const rowBits = 24
const rowMask = (1 << rowBits) - 1
const rowsOfShelf = 1 << rowBits
const shelvesOfSmall = 2 ** 31

/** Most subjects: all their rows would fit one shelf. */
export const mostSubjects = 10_000_000

/**
 * Where each subject's row is.
 *
 * A subject stands under its own name, and its workspace beside its row; only a name that several workspaces have leads
 * to a map of them. So the two are never joined to one text, which would cost more than all that is counted.
 */
export class LimitSubjects {
  readonly #places = new Map<string, number | Map<string, number>>()
  readonly #shelves: (LimitShelf | undefined)[] = []
  readonly #byWindows = new Map<string, LimitShelf>()
  #hand: Iterator<readonly [subject: string, workspaceId: string, place: number]> | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  /** The place of a subject; -1: it has none. */
  find(workspaceId: string, subject: string): number {
    const found = this.#places.get(subject)
    if (found === undefined) return -1
    if (typeof found !== 'number') return found.get(workspaceId) ?? -1
    return this.shelfOf(found).workspaceIdOf(found & rowMask) === workspaceId ? found : -1
  }

  shelfOf(place: number): LimitShelf {
    return this.#shelves[place < shelvesOfSmall ? place >>> rowBits : Math.floor(place / rowsOfShelf)]!
  }

  rowOf(place: number): number {
    return place & rowMask
  }

  /** Makes a row for a subject that has none, in which so much can be counted. */
  add(workspaceId: string, subject: string, rules: readonly LimitRule[], now: number, units: number): number {
    const most = rules.map((rule) => mostIn(rule, units))
    const place = this.#take(workspaceId, rules, most, now)
    // A text that was joined keeps all its parts, a hundred bytes of them, until one of its characters is asked for.
    subject.charCodeAt(0)
    const found = this.#places.get(subject)
    if (found === undefined) this.#places.set(subject, place)
    else if (typeof found !== 'number') found.set(workspaceId, place)
    else {
      const other = this.shelfOf(found).workspaceIdOf(found & rowMask)
      this.#places.set(
        subject,
        new Map([
          [other, found],
          [workspaceId, place],
        ]),
      )
    }
    this.#size++
    return place
  }

  /** Moves a subject to where these rules are counted, with all that it has spent. */
  move(
    workspaceId: string,
    subject: string,
    place: number,
    rules: readonly LimitRule[],
    now: number,
    more = 0,
  ): number {
    const [shelf, row] = [this.shelfOf(place), place & rowMask]
    shelf.turn(now)
    shelf.settle(row, now)
    const states = shelf.rules.map((_, i) => shelf.stateOf(row, i))
    const text = packStates(shelf.rules, states, shelf.kept.get(row) ?? '', now)
    const moved = unpackStates(rules, text)
    const kept = packStates(
      rules,
      rules.map(() => unspent),
      text,
      now,
    )
    const most = rules.map((rule, i) => mostIn(rule, Math.max(0, ...moved[i]!.counts) + more))
    const next = this.#take(workspaceId, rules, most, now)
    const there = this.shelfOf(next)
    for (const [i, state] of moved.entries()) there.put(next & rowMask, i, state)
    if (kept !== '') there.kept.set(next & rowMask, kept)
    this.#release(place)
    const found = this.#places.get(subject)
    if (typeof found === 'object') found.set(workspaceId, next)
    else this.#places.set(subject, next)
    return next
  }

  remove(workspaceId: string, subject: string): void {
    const place = this.find(workspaceId, subject)
    if (place < 0) return
    const found = this.#places.get(subject)
    if (typeof found !== 'object') this.#places.delete(subject)
    else if (found.delete(workspaceId) && found.size === 0) this.#places.delete(subject)
    this.#release(place)
    this.#size--
  }

  clear(): void {
    this.#places.clear()
    this.#byWindows.clear()
    this.#shelves.length = 0
    this.#hand = undefined
    this.#size = 0
  }

  /** Looks at some more subjects, going round, and removes those of which nothing counts any more. */
  sweep(steps: number, now: number): void {
    for (let step = 0; step < steps; step++) {
      this.#hand ??= this.#walk()
      const next = this.#hand.next()
      if (next.done) {
        this.#hand = undefined
        return
      }
      const [subject, workspaceId, place] = next.value
      if (this.#saysNothing(place, now)) this.remove(workspaceId, subject)
    }
  }

  *#walk(): Generator<readonly [string, string, number]> {
    for (const [subject, found] of this.#places) {
      if (typeof found === 'number') {
        yield [subject, this.shelfOf(found).workspaceIdOf(found & rowMask), found]
      } else for (const [workspaceId, place] of found) yield [subject, workspaceId, place]
    }
  }

  #saysNothing(place: number, now: number): boolean {
    const [shelf, row] = [this.shelfOf(place), place & rowMask]
    shelf.turn(now)
    shelf.settle(row, now)
    for (let i = 0; i < shelf.rules.length; i++) if (shelf.used(row, i) > 0) return false
    const kept = shelf.kept.get(row)
    return kept === undefined || textForgettableAt(kept) <= now
  }

  #take(workspaceId: string, rules: readonly LimitRule[], most: readonly number[], now: number): number {
    const rooms = most.map((units) => roomFor(Math.min(units, mostCounted)))
    const windows = rules
      .map(({ name, kind, bucketMs, buckets }, i) => `${name} ${kind} ${bucketMs} ${buckets} ${rooms[i]}`)
      .join(';')
    let shelf = this.#byWindows.get(windows)
    if (shelf === undefined) {
      const free = this.#shelves.indexOf(undefined)
      shelf = new LimitShelf(free < 0 ? this.#shelves.length : free, windows, rules, rooms)
      this.#shelves[shelf.id] = shelf
      this.#byWindows.set(windows, shelf)
    }
    shelf.turn(now)
    return shelf.id * rowsOfShelf + shelf.take(workspaceId, now)
  }

  #release(place: number): void {
    const shelf = this.shelfOf(place)
    shelf.release(place & rowMask)
    if (shelf.size > 0) return
    this.#shelves[shelf.id] = undefined
    this.#byWindows.delete(shelf.windows)
  }
}

/**
 * The most that a bucket has to be able to count for now. A ring is cut as narrow as what is spent allows, as most
 * subjects never fill one bucket with the whole of a limit; what outgrows it moves.
 */
function mostIn({ limit, buckets }: LimitRule, units: number): number {
  return buckets === 1 ? Math.max(limit, units) : units
}
