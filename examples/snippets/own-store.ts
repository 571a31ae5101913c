//#region suite
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { manualClock, storeSuite, whyNot } from 'keyrung/testing'
import { fileStore } from './file-store.js'

/** A new, empty store for each case. */
function makeStore() {
  const folder = mkdtempSync(join(tmpdir(), 'file-store-'))
  const clock = manualClock()
  const open = () => fileStore({ path: join(folder, 'keys.json'), now: () => clock.now() })
  return { store: open(), clock, reopen: open, dispose: () => rmSync(folder, { recursive: true }) }
}

const kept: string[] = []
const leftOut: string[] = []
for (const { name, needs, run } of storeSuite()) {
  // One process has this file open, and it has no transactions that others could write in.
  if (needs === 'instances' || needs === 'sharing') leftOut.push(`${name} (${whyNot(needs)})`)
  else {
    await run(makeStore) // rejects with what it saw where a promise is broken
    kept.push(name)
  }
}
console.log(`${kept.length} promises kept; left out: ${leftOut.join(', ')}`)
//#endregion suite

/** What came of it. */
export const outcome = { kept: kept.length, leftOut: leftOut.length }
