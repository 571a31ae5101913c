import { spawnSync } from 'node:child_process'
import { projectRoot } from './exports.js'

/** What a finished process said. */
export interface Finished {
  readonly ok: boolean
  /** Both its streams. */
  readonly output: string
}

/** Runs a program to its end, without a shell and without input. */
export function run(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Record<string, string>; readonly timeoutMs?: number } = {},
): Finished {
  const done = spawnSync(program, args, {
    cwd: options.cwd ?? projectRoot,
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0', ...options.env },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: options.timeoutMs ?? 280_000,
    maxBuffer: 64 * 1024 * 1024,
  })
  const failure = done.error === undefined ? '' : `\n${program}: ${done.error.message}`
  return { ok: done.status === 0, output: `${done.stdout}${done.stderr}${failure}`.trim() }
}

/** Runs a tool of the project's own installation. */
export function runTool(
  tool: string,
  args: readonly string[],
  options?: Parameters<typeof run>[2],
): Finished {
  // Two versions of TypeScript are installed, and both want the name `tsc`: this is the one that writes declarations.
  const path = tool === 'tsc' ? 'typescript/bin/tsc' : `.bin/${tool}`
  return run(process.execPath, [`${projectRoot}/node_modules/${path}`, ...args], options)
}
