import { mkdtempSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { projectRoot } from './exports.js'
import { run } from './run.js'

/** The one built and packed package that the gates look at. */
export interface Packed {
  /** Why there is no package; empty when there is one. */
  readonly failure: string
  /** The tarball as it would be published. */
  readonly tarball: string
  /** A folder that holds the unpacked tarball. */
  readonly folder: string
}

declare module 'vitest' {
  export interface ProvidedContext {
    packed: Packed
  }
}

/** Builds and packs once before all gates; a failure is told by the gates that need the package. */
export default function setup(project: TestProject): () => void {
  const work = mkdtempSync(join(tmpdir(), 'keyrung-packed-'))
  project.provide('packed', pack(work))
  return () => {
    rmSync(work, { recursive: true, force: true })
  }
}

function pack(work: string): Packed {
  const folder = join(work, 'package')
  mkdirSync(folder)
  const failed = (what: string, output: string): Packed => ({
    failure: `${what}:\n${output}`,
    tarball: '',
    folder: '',
  })

  const built = run('npm', ['run', '--silent', 'build'])
  if (!built.ok) return failed('npm run build failed', built.output)
  const packed = run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', work], {
    cwd: projectRoot,
  })
  const name = readdirSync(work).find((file) => file.endsWith('.tgz'))
  if (!packed.ok || name === undefined) return failed('npm pack failed', packed.output)
  const tarball = join(work, name)
  const unpacked = run('tar', ['-xzf', tarball, '-C', folder, '--strip-components=1'])
  if (!unpacked.ok) return failed('tar failed', unpacked.output)
  return { failure: '', tarball, folder }
}
