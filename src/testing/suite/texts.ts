import { isKeyrungError } from '../../core/errors.js'
import type { MaybePromise } from '../../core/maybe-promise.js'
import type { Change } from '../../ports/change.js'
import type { Store } from '../../ports/store.js'
import { storeCase } from './case.js'
import type { StoreCase } from './case.js'
import { expectEqual, expectThat } from './expect.js'
import { stands } from './probe.js'
import {
  digestOf,
  insert,
  insertKey,
  makeEvent,
  makeIdempotency,
  makeMessage,
  makeSetting,
} from './records.js'

/** Texts that stores have taken for each other, cut off, or run. */
const hostileTexts: readonly string[] = [
  'a',
  'A',
  'a ',
  ' a',
  'a\t',
  'a\n',
  'á',
  'a\u0301',
  'Å',
  'A\u030a',
  '\u212b',
  'ß',
  'ss',
  'ı',
  'i',
  'İ',
  'ﬁ',
  'fi',
  '\ufeffa',
  'a\u200b',
  'a\u00ad',
  '\ufffd',
  '🗝',
  '🗝\ufe0f',
  '👩\u200d🚀',
  '𝒂',
  '\uffff',
  '\u{10ffff}',
  '%',
  '_',
  '*',
  '\\',
  "'",
  '"',
  '`',
  "'; drop table keyrung_keys; --",
  '${x}',
  '$1',
  '?',
  ':id',
  'null',
  'undefined',
  '0',
  '00',
  '1e0',
  '0x1',
  '__proto__',
  'constructor',
  'toString',
  '../a',
  'a:b',
  'a\u2028',
  `${'x'.repeat(200)}a`,
  `${'x'.repeat(200)}A`,
  'x'.repeat(5_000),
  `${'x'.repeat(5_000)}y`,
  '\ud800',
  '\udfff',
  'a\ud800',
  '\udc00\ud800',
  'a\0',
  'a\0b',
]

/** Of the texts, those the store takes; the rest it has to refuse as `input_invalid`. */
async function taken(
  store: Store,
  make: (text: string, number: number) => readonly Change[],
): Promise<string[]> {
  const kept: string[] = []
  for (const [number, text] of hostileTexts.entries()) {
    const answer = await attempt(() => store.commit(make(text, number)))
    if (answer === 'refused') continue
    expectEqual(answer, { ok: true }, `an insert under ${JSON.stringify(text)}`)
    kept.push(text)
  }
  // A store may refuse what it cannot keep; plain texts of a sane length it has to take.
  const ordinary = hostileTexts.filter((text) => text.length < 250 && !/[\0\p{Surrogate}]/u.test(text))
  for (const text of ordinary) expectThat(kept.includes(text), `${JSON.stringify(text)} to be taken`)
  return kept
}

async function attempt(call: () => MaybePromise<unknown>): Promise<unknown> {
  try {
    return await call()
  } catch (error) {
    if (isKeyrungError(error) && error.code === 'input_invalid') return 'refused'
    throw error
  }
}

/** Byte-exact texts. */
export const textCases: readonly StoreCase[] = [
  storeCase(
    'ids of keys are byte-exact: each is kept or refused, and none is taken for another',
    async (store) => {
      const number = (text: string) => hostileTexts.indexOf(text)
      const kept = await taken(store, (id, n) => insertKey(n, { id, name: id, nameSearch: id }))
      for (const text of hostileTexts) {
        const row = await store.findKey('ws_1', text)
        const wanted = kept.includes(text) ? text : undefined
        expectEqual([row?.key.id, row?.key.name], [wanted, wanted], `findKey ${JSON.stringify(text)}`)
        expectEqual(await stands(store, 'key', text, 1), kept.includes(text), `check ${JSON.stringify(text)}`)
        const credential = await store.findCredential(digestOf(number(text)))
        expectEqual(credential?.key.id, wanted, `findCredential ${JSON.stringify(text)}`)
      }
      const seen: string[] = []
      while (seen.length <= hostileTexts.length) {
        const before = seen.at(-1)
        const rows = await store.listKeys({
          workspaceId: 'ws_1',
          limit: 7,
          ...(before !== undefined && { before }),
        })
        if (rows.length === 0) break
        seen.push(...rows.map((row) => row.key.id))
      }
      expectEqual([...seen].sort(), [...kept].sort(), 'the keys that pages lead through')
      expectEqual(new Set(seen).size, seen.length, 'none twice')
    },
  ),
  storeCase('ids of secrets are byte-exact', async (store) => {
    const kept = await taken(store, (id, n) => insertKey(n, {}, { id }))
    for (const text of hostileTexts) {
      const row = await store.findCredentialById(text)
      expectEqual(row?.secret.id, kept.includes(text) ? text : undefined, JSON.stringify(text))
    }
  }),
  storeCase('workspaces are byte-exact', async (store) => {
    const kept = await taken(store, (workspaceId, n) => [
      ...insertKey(n, { workspaceId }),
      insert('event', makeEvent(n, { workspaceId, actor: workspaceId, targetId: workspaceId })),
    ])
    for (const text of hostileTexts) {
      const wanted = kept.includes(text) ? [text] : []
      const keys = await store.listKeys({ workspaceId: text, limit: 99 })
      expectEqual(
        keys.map((row) => row.key.workspaceId),
        wanted,
        `listKeys ${JSON.stringify(text)}`,
      )
      const events = await store.listEvents({ workspaceId: text, actor: text, targetId: text, limit: 99 })
      expectEqual(
        events.map((event) => event.actor),
        wanted,
        `listEvents ${JSON.stringify(text)}`,
      )
    }
  }),
  storeCase('settings are byte-exact, and found by a prefix that is a text and no pattern', async (store) => {
    const kept = await taken(store, (id) => [insert('setting', makeSetting(id, { value: `value of ${id}` }))])
    for (const text of hostileTexts) {
      const found = await store.findSettings(text)
      const wanted = kept.filter((id) => id.startsWith(text))
      expectEqual(
        found.map(({ id }) => id).sort(),
        [...wanted].sort(),
        `findSettings ${JSON.stringify(text)}`,
      )
      for (const { id, value } of found) expectEqual(value, `value of ${id}`, 'the value')
    }
    expectEqual((await store.findSettings('')).length, kept.length, 'all settings')
  }),
  storeCase('idempotency rows and destinations of messages are byte-exact', async (store) => {
    const kept = await taken(store, (id, n) => [
      insert('idempotency', makeIdempotency(n, { id })),
      insert('message', makeMessage(n, { destination: id })),
    ])
    const counts = await store.countMessages()
    for (const text of hostileTexts) {
      const wanted = kept.includes(text)
      expectEqual((await store.findIdempotency(text))?.id, wanted ? text : undefined, JSON.stringify(text))
      expectEqual(counts.get(text) ?? 0, wanted ? 1 : 0, `messages for ${JSON.stringify(text)}`)
    }
  }),
  storeCase(
    'uses and searches by texts that no record has find nothing and disturb nothing',
    async (store) => {
      await taken(store, (id, n) => insertKey(n, { id, nameSearch: 'name' }))
      await store.recordUses(hostileTexts.map((keyId, i) => ({ keyId, at: 1_767_225_600_000 + i })))
      for (const text of ['\ud800', 'a\0', 'x'.repeat(6_000)]) {
        expectEqual(
          await store.listKeys({ workspaceId: 'ws_1', text, limit: 9 }),
          [],
          JSON.stringify(text.slice(0, 9)),
        )
      }
      for (const [i, text] of hostileTexts.entries()) {
        const row = await store.findKey('ws_1', text)
        if (row) expectEqual(row.lastUsedAt, 1_767_225_600_000 + i, `the last use of ${JSON.stringify(text)}`)
      }
    },
  ),
]
