import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const run = promisify(execFile)

/** Starting a process that compiles its sources takes a while on a busy machine. */
const timeout = 120_000

let dataDir: string
beforeAll(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'trustpair-start-'))
})
afterAll(() => rmSync(dataDir, { recursive: true }))

const start = (port: string) =>
  run('npm', ['run', '--silent', 'start:trustpair', '--', '--exit'], {
    cwd: root,
    env: { ...process.env, PORT: port, DATA_DIR: dataDir },
  })

describe('npm run start:trustpair', () => {
  it('prints the permission reference, tells the story and ends where told to', { timeout }, async () => {
    const { stdout } = await start('0')
    expect(stdout).toContain('32 guarded routes at http://127.0.0.1:')
    expect(stdout).toMatch(/\| Paid Payment +\| paid_payments +\| View payment history +\| – +\| Every/)
    expect(stdout).toContain('The story went as told.')
    expect(stdout).not.toMatch(/trustpair_live_\w{5}/)
    expect(statSync(join(dataDir, 'secret')).mode & 0o777).toBe(0o600)
    expect(statSync(dataDir).mode & 0o777).toBe(0o700)
  })

  it('ends with 1 for what is no port', { timeout }, async () => {
    await expect(start('http')).rejects.toMatchObject({ code: 1, stderr: 'PORT is no port: http\n' })
  })
})
