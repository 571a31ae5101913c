import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Orders } from './freshness-words.js'

/** Every order to a process, with what it takes and answers. */
type Words<W> = { readonly [O in keyof W]: { readonly given: unknown; readonly answer: unknown } }

/** An instance of the host, in a process of its own. */
export interface Instance<W extends Words<W> = Orders> {
  /** Gives an order and waits for the answer; orders are carried out one after the other. */
  tell<O extends keyof W & string>(order: O, given: W[O]['given']): Promise<W[O]['answer']>
  pause(): void
  resume(): void
  kill(): Promise<void>
}

/**
 * Starts an instance; a process takes a second, so it is used for all scenarios of a file.
 *
 * @param script what it runs
 */
export function startInstance<W extends Words<W> = Orders>(
  script = new URL('freshness-process.ts', import.meta.url),
): Instance<W> {
  const child = fork(fileURLToPath(script), {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const ended = once(child, 'exit')
  // One that is paused cannot see that this process is gone.
  process.once('exit', () => child.kill('SIGKILL'))
  let last: Promise<unknown> = Promise.resolve()

  return {
    tell(order, given) {
      const answer = last.then(() => exchange(child, { order, given }))
      last = answer.catch(() => undefined)
      return answer as Promise<W[typeof order]['answer']>
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

function exchange(child: ChildProcess, message: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onExit = (): void => reject(new Error('an instance died'))
    child.once('exit', onExit)
    child.once('message', (said: { answer?: unknown; failure?: string }) => {
      child.off('exit', onExit)
      if (said.failure === undefined) resolve(said.answer)
      else reject(new Error(said.failure))
    })
    child.send(message)
  })
}
