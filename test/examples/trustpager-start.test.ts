import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
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
  dataDir = mkdtempSync(join(tmpdir(), 'trustpager-start-'))
})
afterAll(() => rmSync(dataDir, { recursive: true }))

const environment = (port: number): NodeJS.ProcessEnv => ({
  ...process.env,
  PORT: String(port),
  DATA_DIR: dataDir,
  TSX_TSCONFIG_PATH: join(root, 'examples/tsconfig.json'),
})
const main = ['--import', 'tsx', 'examples/trustpager/main.ts']

describe('npm start', () => {
  it('tells the story and ends where it is told to, with 0', { timeout }, async () => {
    const { stdout } = await run('npm', ['start', '--silent', '--', '--exit'], {
      cwd: root,
      env: environment(0),
    })
    expect(stdout).toContain('454 guarded routes at http://127.0.0.1:')
    expect(stdout).toContain('Made a secret for this host')
    expect(stdout).toContain('The story went as told.')
    expect(statSync(join(dataDir, 'secret')).mode & 0o777).toBe(0o600)
    expect(statSync(dataDir).mode & 0o777).toBe(0o700)
  })

  it(
    'stays up without that, hands out a key that works, and ends cleanly when told',
    { timeout },
    async () => {
      const child = spawn(process.execPath, main, { cwd: root, env: environment(0) })
      let output = ''
      child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
      child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
      await expect.poll(() => output, { timeout: 60_000 }).toContain('"plan":"free"')
      const url = /TrustPager is up at (http:\S+)/.exec(output)![1]!
      const key = /key=(tp_live_\w{36})/.exec(output)![1]!
      const answer = await fetch(`${url}/contacts`, { headers: { authorization: `Bearer ${key}` } })
      expect(answer.status).toBe(200)
      child.kill('SIGTERM')
      expect(await once(child, 'exit')).toEqual([0, null])
    },
  )

  it('says it where the port is in use', { timeout }, async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const started = run(process.execPath, main, { cwd: root, env: environment(port) })
    await expect(started).rejects.toMatchObject({
      code: 1,
      stderr: `Port ${port} is in use. Choose another one, e.g. PORT=3001 npm start\n`,
    })
    server.close()
  })

  it('refuses what is no port', { timeout }, async () => {
    const started = run(process.execPath, main, { cwd: root, env: { ...environment(0), PORT: 'http' } })
    await expect(started).rejects.toMatchObject({ code: 1, stderr: 'PORT is no port: http\n' })
  })
})
