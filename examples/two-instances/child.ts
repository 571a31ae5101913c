import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** What a process says when it is up, or that it will not be. */
type Word = { readonly url: string } | { readonly failed: string }

/** A process of this example that is up. */
export interface Child {
  /** Where it can be reached. */
  readonly url: string
  readonly pid: number
  /** Asks it to end, and waits until it has. */
  close(): Promise<void>
}

/**
 * Starts a file of this folder as a process of its own. It is no member of this one's group: Ctrl-C reaches the
 * parent only, which ends its children in the order that they need.
 *
 * @throws Error with the child's own words where it does not come up
 */
export async function startChild(file: string, environment: NodeJS.ProcessEnv): Promise<Child> {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const child = fork(path, { env: { ...process.env, ...environment }, detached: true })
  const gone = once(child, 'exit')
  const ended = gone.then(([code]): Word => ({ failed: `${file} ended with ${String(code)}` }))
  const word = await Promise.race([once(child, 'message').then(([said]) => said as Word), ended])
  if ('failed' in word) {
    if (child.connected) child.disconnect()
    await gone
    throw new Error(word.failed)
  }
  return {
    url: word.url,
    pid: child.pid!,
    async close() {
      if (child.connected) child.disconnect()
      await gone
    },
  }
}

/** Being such a process: starts, tells the parent where, and ends with the parent or when asked. */
export function beChild(start: () => Promise<{ readonly url: string; close(): Promise<void> }>): void {
  const say = (word: Word): void => void process.send?.(word)
  const orphaned = once(process, 'disconnect')
  start().then(
    async ({ url, close }) => {
      say({ url })
      await orphaned
      await close()
      process.exit(0)
    },
    (error: unknown) => {
      say({ failed: error instanceof Error ? error.message : String(error) })
      process.exitCode = 1
    },
  )
}
