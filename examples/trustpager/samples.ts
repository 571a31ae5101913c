import { locate } from './location.js'
import type { Records } from './records.js'
import type { PlannedRoute } from './route-plan.js'

/** The id of the samples. */
const sampleId = 'sample'

/**
 * Collections whose records come from elsewhere: routes name single ones, and none makes any. In a real CRM
 * they are received mails, calls that were held, numbers that were bought.
 */
export function findSampleCollections(routes: readonly PlannedRoute[]): readonly string[] {
  const made = new Set<string>()
  const named = new Set<string>()
  for (const { path, operation } of routes) {
    if (operation.endsWith('approval')) continue
    const { collection, records } = locate(path, {})
    for (const record of records) named.add(record.collection)
    if (operation === 'create') made.add(collection)
    if (operation === 'link') made.add(records.at(-1)!.collection)
  }
  return [...named].filter((collection) => !made.has(collection)).toSorted()
}

/** Puts one record into each of these collections that has none under the samples' id. */
export function addSamples(records: Records, workspaceId: string, collections: readonly string[]): void {
  for (const collection of collections) {
    const place = { workspaceId, collection }
    if (!records.find(place, sampleId)) records.put(place, sampleId, { name: `A sample of ${collection}` })
  }
}
