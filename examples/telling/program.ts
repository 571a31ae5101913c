import { parseArgs } from 'node:util'
import type { Print } from './teller.js'

/** What a program starts and ends. */
interface Running {
  close(): Promise<void>
}

/** An example as a program: it starts a host, tells its story, and stays up unless told not to. */
export interface Program<T extends Running> {
  /** How it is called, for advice: `npm start`. */
  readonly command: string
  /** The port that is taken where `PORT` names none. */
  readonly port: number
  start(port: number, print: Print): Promise<T>
  /** Tells the story. @returns whether every step went as told */
  tell(host: T, print: Print): Promise<boolean>
  /** What to type next, where the program stays up. */
  nextSteps(host: T, wentAsTold: boolean): Promise<readonly string[]> | readonly string[]
}

const print: Print = (line) => console.log(line)

/** Runs an example; the process ends with 0 if its story went as told, with `--exit` right after it. */
export function runProgram<T extends Running>(program: Program<T>): void {
  run(program).then(
    (code) => {
      if (code !== undefined) process.exit(code)
    },
    (error: unknown) => fail(program, error),
  )
}

async function run<T extends Running>(program: Program<T>): Promise<number | undefined> {
  const { values } = parseArgs({ options: { exit: { type: 'boolean', default: false } } })
  const host = await program.start(readPort(program.port), print)
  const stop = closeOnSignal(program, host)

  const wentAsTold = await program.tell(host, print)
  print(wentAsTold ? '\nThe story went as told.\n' : '\nThe story did NOT go as told.\n')
  if (values.exit) {
    await stop()
    return wentAsTold ? 0 : 1
  }
  for (const line of await program.nextSteps(host, wentAsTold)) print(line)
  return undefined
}

function readPort(usual: number): number {
  const text = process.env['PORT']
  const port = Number(text || usual)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`PORT is no port: ${text}`)
  return port
}

/** Closes the host once, on SIGINT, SIGTERM or when asked, so that nothing noted is lost. */
function closeOnSignal<T extends Running>(program: Program<T>, host: T): () => Promise<void> {
  let closing: Promise<void> | undefined
  const stop = (): Promise<void> => (closing ??= host.close())
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(
      signal,
      () =>
        void stop().then(
          () => process.exit(0),
          (error: unknown) => fail(program, error),
        ),
    )
  }
  return stop
}

function fail({ command, port }: { readonly command: string; readonly port: number }, error: unknown): never {
  const taken = process.env['PORT'] || String(port)
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')
    console.error(`Port ${taken} is in use. Choose another one, e.g. PORT=${port + 1} ${command}`)
  else console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}
