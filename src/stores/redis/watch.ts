/** What one call tells the script of what this instance has seen. */
export interface Seen {
  /** Whether the script is to ask the server for its run, though what is kept says the one below. */
  readonly check: boolean
  /** The run of the server when it was last asked; `''`: it was not. */
  readonly run: string
  /** When the workspace's memory was made, by this instance's last look at it, in microseconds; 0: it has not looked. */
  readonly born: number
  /** The store's now at that look. */
  readonly seenAt: number
  /** The store's now at the last loss that this instance knows of, of whichever workspace; 0: none. */
  readonly lossAt: number
  /** Behind which connection it holds. */
  readonly generation: number
}

/** What the script answers of it. */
export interface Told {
  readonly now: number
  /** The server's run, where it was asked; else `''`. */
  readonly run: string
  readonly born: number
  readonly lostAt: number
}

interface Run {
  readonly id: string
  readonly generation: number
  /** On the monotonic clock. */
  checkedAt: number
}

interface Memory {
  run: Run | undefined
  born: number
  seenAt: number
}

/** A connection may end at a proxy which changes the server behind it and says nothing: that is seen within a second. */
const trustedMs = 1_000

/** Workspaces that are remembered; of one that is not, only a loss of the server as a whole is seen. */
const mostMemories = 10_000

const nothing: Memory = { run: undefined, born: 0, seenAt: 0 }

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
    const memory = this.#memories.get(workspace) ?? nothing
    const run = this.#cluster ? memory.run : this.#run
    const fresh = run?.generation === generation
    const check = !fresh || monotonic - run.checkedAt >= trustedMs
    // One call asks; those beside it need not.
    if (fresh && check) run.checkedAt = monotonic
    const { born, seenAt } = memory
    return { check, run: run?.id ?? '', born, seenAt, lossAt: this.#lossAt, generation }
  }

  /** Takes what the script answered. */
  learn(workspace: string, seen: Seen, told: Told, monotonic: number): void {
    if (told.lostAt > this.#lossAt) this.#lossAt = told.lostAt
    const run =
      told.run === '' ? undefined : { id: told.run, generation: seen.generation, checkedAt: monotonic }
    if (run && !this.#cluster) this.#run = run
    const memory = this.#memories.get(workspace)
    if (memory) {
      memory.born = told.born
      memory.seenAt = told.now
      if (run) memory.run = run
      return
    }
    if (this.#memories.size >= mostMemories) {
      const [oldest] = this.#memories.keys()
      if (oldest !== undefined) this.#memories.delete(oldest)
    }
    this.#memories.set(workspace, { run, born: told.born, seenAt: told.now })
  }
}
