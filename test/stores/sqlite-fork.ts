import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Another process, and the conversation with it. */
export interface Other {
  /** Has it begin a task of `sqlite-process.ts`; it hears `done` in the end. */
  begin(task: string, file: string): void
  say(word: string): void
  /** The next message that was not heard yet. */
  hear(): Promise<unknown>
  kill(): Promise<void>
  /** Resolves when it is gone. */
  readonly gone: Promise<void>
}

/** Starts another process, which waits for its first task. */
export function startOther(): Other {
  const script = fileURLToPath(new URL('./sqlite-process.ts', import.meta.url))
  const child = fork(script, { execArgv: ['--import', 'tsx'], stdio: 'inherit' })
  const heard: unknown[] = []
  const listeners: ((message: unknown) => void)[] = []
  child.on('message', (message) => {
    const listener = listeners.shift()
    if (listener) listener(message)
    else heard.push(message)
  })
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const say = (word: string) => void child.send(word)
  return {
    begin(task, file) {
      say(task)
      say(file)
    },
    say,
    hear() {
      if (heard.length > 0) return Promise.resolve(heard.shift())
      const message = new Promise<unknown>((resolve) => listeners.push(resolve))
      const died = gone.then((): never => {
        throw new Error('The other process ended without a word.')
      })
      return Promise.race([message, died])
    },
    kill() {
      child.kill('SIGKILL')
      return gone
    },
    gone,
  }
}
