//#region store
import { memoryStore, type Store } from 'keyrung'
import type { ManualClock } from 'keyrung/testing'

/** Stands for a store of your own. */
function myStore(options: { readonly clock: ManualClock }): Store {
  return { ...memoryStore(options), name: 'mine' }
}
//#endregion store

//#region suite
import { manualClock, storeSuite, whyNot } from 'keyrung/testing'

const kept: string[] = []
const leftOut: string[] = []
for (const { name, needs, run } of storeSuite()) {
  if (needs === 'instances' || needs === 'reopening') leftOut.push(`${name} (${whyNot(needs)})`)
  else {
    await run(() => {
      const clock = manualClock()
      return { store: myStore({ clock }), clock }
    })
    kept.push(name)
  }
}
console.log(`${kept.length} promises kept; left out: ${leftOut.join(', ')}`)
//#endregion suite

/** What came of it. */
export const outcome = { kept: kept.length, leftOut: leftOut.length }
