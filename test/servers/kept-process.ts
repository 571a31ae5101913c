import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Account } from './account.js'

/** What to run, and how it ends. */
export interface KeptCommand {
  readonly command: string
  readonly args: readonly string[]
  /** Working folder; `log` in it takes all output, and it goes when the process ends for good. */
  readonly folder: string
  readonly account: Account | undefined
  /** The signal that ends it at once. */
  readonly ending: 'QUIT' | 'KILL'
}

/** A process that lives no longer than the one that started it, however that one ends. */
export interface KeptProcess {
  readonly pid: number
  isAlive(): boolean
  log(): string
  /** Sends a signal to it and to the processes that it has made. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void
  /** Ends it; its folder stays if it is to be started again. */
  end(folder: 'keep' | 'remove'): Promise<void>
}

/**
 * Waits beside the process for a word. The end of the pipe is a word too: then whoever started it is gone, also
 * by SIGKILL. In a session of its own, so that an interrupt at the terminal reaches the test runner alone.
 */
const keeper = `
ending=$1 folder=$2; shift 2
"$@" >>"$folder/log" 2>&1 </dev/null & server=$!
echo $server
read -r word
kill -CONT $server 2>/dev/null
kill -$ending $server 2>/dev/null
wait $server
[ "$word" = keep ] || rm -rf "$folder"
`

/** Starts a process with a keeper beside it. */
export async function startKept(what: KeptCommand): Promise<KeptProcess> {
  const { command, args, folder, account, ending } = what
  const child = spawn('/bin/sh', ['-c', keeper, 'keeper', ending, folder, command, ...args], {
    cwd: folder,
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
    ...account,
  })
  const closed = once(child, 'close')
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  const pid = Number(line)
  child.unref()
  for (const end of [child.stdin, child.stdout]) (end as unknown as { unref(): void }).unref()

  return {
    pid,
    isAlive: () => stateOf(pid) !== undefined,
    log: () => readFileSync(join(folder, 'log'), 'utf8'),
    signal(name) {
      // Children last when stopping: the first process makes new ones.
      for (const one of [pid, ...childrenOf(pid)]) process.kill(one, name)
    },
    async end(word) {
      child.ref()
      child.stdin.end(`${word}\n`)
      await closed
    },
  }
}

/** The letter of its state; nothing once it has ended, even if nobody has taken notice of that yet. */
function stateOf(pid: number): string | undefined {
  return statOf(pid)?.state
}

function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((other) => other > 0 && statOf(other)?.parent === pid)
}

function statOf(pid: number): { readonly state: string; readonly parent: number } | undefined {
  try {
    const [state, parent] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return state === 'Z' ? undefined : { state: state!, parent: Number(parent) }
  } catch {
    return undefined
  }
}
