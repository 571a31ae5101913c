import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { spawnSync } from 'node:child_process'
import { build } from 'esbuild'
import { projectRoot } from './exports.js'

/**
 * Runs test/bench/run.ts. The peers to compare with are installed on first use, and when others are wanted, in a package
 * of their own.
 * The program is bundled first, with the packages left outside: a loader that compiles on the fly wraps every
 * function to keep its name, which would be measured too.
 */
const folder = join(projectRoot, 'test/bench')
const entry = join(folder, 'run.ts')
const program = join(folder, 'dist/run.js')

if (!existsSync(entry)) throw new Error(`${entry} is not there`)
if (!isInstalled()) mustRun('npm', ['ci', '--no-audit', '--no-fund'], folder)
await build({
  entryPoints: [entry],
  outfile: program,
  bundle: true,
  packages: 'external',
  tsconfig: join(projectRoot, 'tsconfig.json'),
  format: 'esm',
  platform: 'node',
  target: 'node20',
  logLevel: 'warning',
})
mustRun(process.execPath, ['--expose-gc', program, ...process.argv.slice(2)], projectRoot)

function mustRun(command: string, args: readonly string[], cwd: string): void {
  const done = spawnSync(command, args, { cwd, stdio: 'inherit' })
  if (done.status !== 0) process.exit(done.status ?? 1)
}

function isInstalled(): boolean {
  const [wanted, there] = ['package-lock.json', 'node_modules/.package-lock.json'].map((name) =>
    join(folder, name),
  )
  return existsSync(there!) && statSync(there!).mtimeMs >= statSync(wanted!).mtimeMs
}
