import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test, vi } from 'vitest'

const starter = fileURLToPath(new URL('kept-starter.ts', import.meta.url))

test('a server and its folder go with the process that started it, even when that is killed', async () => {
  const child = spawn(process.execPath, ['--import', 'tsx', starter], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  const { pid, folder } = JSON.parse(line) as { pid: number; folder: string }
  expect(isThere(pid)).toBe(true)
  expect(existsSync(folder)).toBe(true)
  child.kill('SIGKILL')
  await vi.waitFor(() => expect([isThere(pid), existsSync(folder)]).toEqual([false, false]), 10_000)
})

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
