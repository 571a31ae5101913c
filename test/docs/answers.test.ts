import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventLine } from '../../src/sinks/event-line.js'
import { memoryStore } from '../../src/stores/memory.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import { approvalHost } from '../admin/approval-host.js'
import { createReceiver } from '../service/webhooks/fixture.js'
import { differences, readElided } from './elided.js'
import { readText } from './pages.js'

/** What stands below a command of a document's, up to the next blank line or the end of the fence. */
function answerTo(command: string): unknown {
  const page = readText('docs/management-api.md')
  const [, ...below] = page.slice(page.indexOf(`$ curl ${command}`)).split('\n')
  const end = below.findIndex((line) => line === '' || line === '```')
  return readElided(below.slice(0, end).join('\n'))
}

const ada = { type: 'user', id: 'ada', workspaceId: 'acme', role: 'admin' } as const
const clock = manualClock(Date.parse('2026-11-22T08:58:00.000Z'))
const host = approvalHost(
  {
    ...{ clock, store: memoryStore({ clock }) },
    approvals: { redact: ['/card'] },
    webhooks: { dangerouslyAllowAddresses: ['127.0.0.1'] },
  },
  { actor: () => ada },
)
const answered: Record<string, unknown> = {}
/** Of the trail, by what was done. */
const lines = new Map<string, string>()
let receiver: Awaited<ReturnType<typeof createReceiver>>

beforeAll(async () => {
  receiver = await createReceiver(() => ({ status: 410 }))
  const ask = async (method: string, path: string, body?: object) =>
    (await host.ask('admin', method, path, body)).body
  const { secret } = await ask('POST', '/keys', {
    ...{ name: 'Agent', scopes: ['contacts:write-approval'], webhook: { url: receiver.url } },
  })
  const known = await host.queue(secret, '{"name":"Eve"}')
  answered['list'] = await ask('GET', '/approvals?status=pending&limit=1')
  answered['get'] = await ask('GET', `/approvals/${known.id}`)
  const other = await host.queue(secret, '{"name":"Eve","card":"4111"}')
  await clock.advance(120_000)
  const { digest } = known
  answered['approve'] = await ask('POST', `/approvals/${known.id}/approve`, { digest, reason: 'known' })
  await ask('POST', `/approvals/${other.id}/reject`, { reason: 'not this one' })
  await clock.advance(120)
  await host.keyrung.tick()
  const nightly = await ask('POST', '/keys', { name: 'Nightly', scopes: ['contacts:read'] })
  const named = { 'x-request-id': 'req-7' }
  await host.ask('admin', 'POST', `/keys/${nightly.key.id}/revoke`, { reason: 'laptop lost' }, named)
  const { events } = await host.keyrung.audit.list(ada, { limit: 200 })
  for (const event of events) lines.set(event.action, eventLine(event))
  answered['deliveries'] = await ask('GET', '/deliveries?status=given_up')
  const [{ id }] = (answered['deliveries'] as { deliveries: [{ id: string }] }).deliveries
  answered['redeliver'] = await ask('POST', `/deliveries/${id}/redeliver`)
})
afterAll(() => receiver.close())

const admin = 'http://127.0.0.1:3000/admin'

test.each([
  ['list', `-b jar '${admin}/approvals?status=pending&limit=1'`],
  ['get', `-b jar ${admin}/approvals/apr_01m8…k2d0\n`],
  ['approve', `-b jar ${admin}/approvals/apr_01m8…k2d0/approve`],
  ['deliveries', `-b jar ${admin}/deliveries?status=given_up`],
  ['redeliver', `-b jar -X POST ${admin}/deliveries/`],
])('docs/management-api.md shows what is answered: %s', (name, command) => {
  expect(differences(answerTo(command), answered[name])).toEqual([])
})

test('docs/audit.md shows lines as sinks write them', () => {
  const shown = readText('docs/audit.md')
    .match(/^\{"type":"change".*$/gm)!
    .map(readElided)
  expect(shown).toHaveLength(2)
  for (const line of shown as { action: string }[]) {
    expect(differences(line, JSON.parse(lines.get(line.action)!))).toEqual([])
  }
})

test('docs/webhooks.md shows what a webhook is sent', () => {
  const [, shown] = /```json\n([^]*?)```/.exec(readText('docs/webhooks.md'))!
  expect(differences(readElided(shown!), JSON.parse(receiver.received[0]!.body))).toEqual([])
})

test('what a document shows is compared by names, by values, and by kinds of ids', () => {
  const [answer] = [{ id: 'apr_1', n: { of: [1, null] }, at: 'x' }]
  for (const shown of [
    '{"id":"apr_…","n":{"of":[1,null]},"at":"x"}',
    '{"id":"apr_…", … "at":"x"}',
    '{… "n":{…}, …}',
  ]) {
    expect(differences(readElided(shown), answer), shown).toEqual([])
  }
  for (const shown of [
    '{"id":"key_…", …}',
    '{"id":"apr_…","n":{"of":[1,null]}}',
    '{"n":{"of":[1,null]},"id":"apr_…","at":"x"}',
    '{… "n":{"of":[1,2]} …}',
    '{… "n":{"of":[1]} …}',
    '{… "none":1 …}',
    '{… "at":null}',
  ]) {
    expect(differences(readElided(shown), answer), shown).toHaveLength(1)
  }
})
