/** What one call tells the script of what this instance has seen of a workspace. */
export interface Seen {
  /** The note as it was last read, and what it says; an impossible one where the script is to read it anew. */
  readonly note: Note
  /** What the script is told where it reads it: check, run, born, seenAt, lossAt. */
  readonly text: string
}

/** A note, and what of it has to be known to the script. */
export interface Note {
  readonly text: string
  /** The store's now at the last loss of this workspace; 0: none. */
  readonly lostAt: number
  readonly writtenAt: number
}

/** What the script answers where it had to read a note. */
export interface Told {
  /** The server's run, where it was asked; else null. */
  readonly run: string | null
  readonly note: Note
  readonly born: string
}

interface Run {
  readonly id: string
  readonly generation: number
  /** On the monotonic clock. */
  checkedAt: number
}

interface Memory {
  run: Run | undefined
  /** When the workspace's memory was made, in microseconds; 0: it has not looked. */
  born: string
  /** The store's now when it was last looked at. */
  seenAt: number
  note: Note
}

/** A connection may end at a proxy which changes the server behind it and says nothing: that is seen within a second. */
const trustedMs = 1_000

/** Workspaces that are remembered; of one that is not, only a loss of the server as a whole is seen. */
const mostMemories = 10_000

const unread: Note = { text: '?', lostAt: 0, writtenAt: 0 }
const nothing: Memory = { run: undefined, born: '0', seenAt: 0, note: unread }

/** What an instance remembers of its server's memory, so that it sees when the server has forgotten. */
export class MemoryWatch {
  readonly #cluster: boolean
  readonly #memories = new Map<string, Memory>()
  #run: Run | undefined
  #lossAt = 0

  constructor(cluster: boolean) {
    this.#cluster = cluster
  }

  /** What to tell the script. */
  seen(workspace: string, generation: number, monotonic: number): Seen {
    const { born, note, run: ownRun, seenAt } = this.#memories.get(workspace) ?? nothing
    const run = this.#cluster ? ownRun : this.#run
    const fresh = run?.generation === generation
    const check = !fresh || monotonic - run.checkedAt >= trustedMs
    // One call asks; those beside it need not.
    if (fresh && check) run.checkedAt = monotonic
    const isSame = !check && note.text.startsWith(`${run.id} `)
    return {
      note: isSame ? note : unread,
      text: `${check ? 1 : 0} ${run?.id ?? '?'} ${born} ${seenAt} ${this.#lossAt}`,
    }
  }

  /** Takes what the script answered; nothing was told where the note was the one that had been read. */
  learn(workspace: string, now: number, told: Told | undefined, generation: number, monotonic: number): void {
    const memory = this.#memories.get(workspace)
    if (!told) {
      if (memory) memory.seenAt = now
      return
    }
    const { note, born } = told
    if (note.lostAt > this.#lossAt) this.#lossAt = note.lostAt
    const run = told.run === null ? undefined : { id: told.run, generation, checkedAt: monotonic }
    if (run && !this.#cluster) this.#run = run
    if (memory) {
      Object.assign(memory, { born, note, seenAt: now })
      if (run) memory.run = run
      return
    }
    if (this.#memories.size >= mostMemories) {
      const [oldest] = this.#memories.keys()
      if (oldest !== undefined) this.#memories.delete(oldest)
    }
    this.#memories.set(workspace, { run, born, note, seenAt: now })
  }
}
