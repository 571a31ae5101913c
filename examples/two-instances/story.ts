import { Client, type Answer, type Call } from '../telling/client.js'
import { field, tell, Teller, type Print } from '../telling/teller.js'
import { Transcript } from '../telling/transcript.js'
import { Watch, type Seen } from './watch.js'

/** Where the two instances are, and what proves to be an admin. */
export interface Stage {
  readonly a: { readonly url: string }
  readonly b: { readonly url: string }
  readonly operatorToken: string
}

/** How many requests have to be refused after a change has returned. */
const askedAfterwards = 200

/** Of the many requests while a change is under way, one in so many milliseconds is printed. */
const printedEveryMs = 250

const transcript = new Transcript({ widths: { path: 28, caller: 14, body: 90 } })

/**
 * Shows over HTTP how changes made on A are seen on B, and prints request and answer of each step with the time.
 *
 * @returns whether every step went as told
 */
export function tellStory(stage: Stage, print: Print): Promise<boolean> {
  const began = performance.now()
  const margin = (): string => `${String(Math.round(performance.now() - began)).padStart(7)} ms `
  return tell(new Teller(print, transcript, margin), (teller) => tellOf(stage, teller))
}

async function tellOf({ a, b, operatorToken }: Stage, teller: Teller): Promise<void> {
  const headers = { authorization: `Bearer ${operatorToken}` }
  const [onA, onB] = [
    new Client(a.url, { hostName: 'A ', user: 'ada', headers }),
    new Client(b.url, { hostName: 'B ', user: 'ada', headers }),
  ]
  const read = (client: Client, key: string, status: number, code?: string): Promise<Answer> =>
    teller.step(client, { method: 'GET', path: '/contacts', key }, status, code)

  teller.chapter('Ada makes a key on A')
  const wanted = { name: 'Import job', scopes: ['contacts:read'] }
  const { body } = await teller.step(onA, { method: 'POST', path: '/admin/keys', body: wanted }, 201)
  const { key, secret } = body as { readonly key: { readonly id: string }; readonly secret: string }
  const keyPath = `/admin/keys/${key.id}`

  teller.chapter('B takes it at once, and remembers for a lease of 1 s what it has read')
  await read(onB, secret, 200)
  await read(onB, secret, 200)

  teller.chapter('It is revoked on A, while others keep calling B; A answers when every lease is over')
  const revoke = { method: 'POST', path: `${keyPath}/revoke`, body: { reason: 'Laptop lost' } }
  await cross(teller, { change: revoke, on: onA, seenOn: onB, secret, status: 401, code: 'key_revoked' })
  await read(onB, secret, 401, 'key_revoked')

  teller.chapter('It is activated on B, and A takes it')
  await teller.step(onB, { method: 'POST', path: `${keyPath}/activate`, body: {} }, 200)
  await read(onA, secret, 200)
  await read(onB, secret, 200)

  teller.chapter('A plan is a fact of the host: A writes it, and `changed` returns when B goes by it')
  const downgrade = { method: 'POST', path: '/demo/plan', body: { plan: 'free' } }
  await cross(teller, { change: downgrade, on: onA, seenOn: onB, secret, status: 403, code: 'not_entitled' })

  teller.chapter('The plan is bought again, on B this time')
  await teller.step(onB, { method: 'POST', path: '/demo/plan', body: { plan: 'pro' } }, 200)
  await read(onA, secret, 200)

  teller.chapter('There is one audit trail')
  const trail = await teller.step(onB, { method: 'GET', path: `/admin/audit?target_id=${key.id}` }, 200)
  teller.trail(trail, ['key.created', 'key.revoked', 'key.activated'])
}

/** A change on one instance, and what it has to mean on the other. */
interface Crossing {
  readonly change: Call
  readonly on: Client
  readonly seenOn: Client
  readonly secret: string
  /** What every request is answered that is sent after the change has returned. */
  readonly status: number
  readonly code: string
}

async function cross(teller: Teller, crossing: Crossing): Promise<void> {
  const { change, on, seenOn, secret, status, code } = crossing
  const call = { method: 'GET', path: '/contacts', key: secret }
  const isRefused = ({ answer }: Seen): boolean =>
    answer.status === status && field(answer.body, 'code') === code

  let printedAt = -Infinity
  let refusals = 0
  let returnedAt = Infinity
  const watch = new Watch(seenOn, call, (seen) => {
    if (isRefused(seen)) refusals++
    const isDue = performance.now() - printedAt >= printedEveryMs || refusals === 1
    if (!isDue || printedAt > returnedAt) return
    printedAt = performance.now()
    teller.noteAnswer(seenOn, seen.answer)
  })
  teller.noteRequest(seenOn, call)
  await new Promise((resolve) => setTimeout(resolve, printedEveryMs))

  const sentAt = performance.now()
  await teller.step(on, change, 200)
  returnedAt = performance.now()
  const seen = await watch.stop({ instant: returnedAt, atLeast: askedAfterwards })

  const sent = {
    before: seen.filter((one) => one.answeredAt <= sentAt),
    meanwhile: seen.filter((one) => one.answeredAt > sentAt && one.sentAt <= returnedAt),
    after: seen.filter((one) => one.sentAt > returnedAt),
  }
  const allowed = (some: readonly Seen[]): number => some.filter(({ answer }) => answer.status === 200).length
  const waited = Math.round(returnedAt - sentAt)
  for (const [what, some] of [
    ['answered before the change was asked for', sent.before],
    [`on their way during the ${waited} ms that it took`, sent.meanwhile],
    ['sent after it had returned', sent.after],
  ] as const) {
    const refused = some.filter(isRefused).length
    teller.note(`  ${what}: ${allowed(some)} × 200, ${refused} × ${status} ${code}`)
  }
  if (allowed(sent.before) !== sent.before.length) teller.refute('the story tells 200 until then')
  const late = sent.after.find((one) => !isRefused(one))
  if (late) teller.refute(`one of them was answered ${late.answer.status}; the story tells ${status} ${code}`)
}
