import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startKept } from './kept-process.js'

/** A process that starts another, says which and where, and stays until it is killed. */
const folder = mkdtempSync(join(tmpdir(), 'keyrung-kept-'))
const kept = await startKept({ command: 'sleep', args: ['1000'], folder, account: undefined, ending: 'KILL' })
console.log(JSON.stringify({ pid: kept.pid, folder }))
setInterval(() => undefined, 1_000)
