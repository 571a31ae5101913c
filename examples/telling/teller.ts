import type { Answer, Call, Client } from './client.js'
import { shortenIds, type Transcript } from './transcript.js'

/** Takes one line at a time. */
export type Print = (line: string) => void

/** Thrown where a step is not as told; the transcript has said what it was. */
class StoryBroken extends Error {}

/** What is written ahead of a line: blanks, or a time. */
export type Margin = () => string

/** Tells a story against a running host, over HTTP only: prints request and answer of each step, and holds them to what is told. */
export class Teller {
  #chapters = 0

  constructor(
    readonly print: Print,
    readonly transcript: Transcript,
    readonly margin: Margin = () => '  ',
  ) {}

  chapter(title: string): void {
    this.print(`\n${String(++this.#chapters).padStart(2)} ${title}`)
  }

  /** A line between requests and answers. */
  note(line: string): void {
    this.print(`${this.margin()} ${line}`)
  }

  noteRequest(client: Client, call: Call): void {
    this.note(`${client.hostName}${this.transcript.request(call, client.user)}`)
  }

  noteAnswer(client: Client, answer: Answer): void {
    this.note(`${client.hostName}${this.transcript.answer(answer)}`)
  }

  /** Makes a request; the story ends where its answer has another status or code than told. */
  async step(client: Client, call: Call, status: number, code?: string): Promise<Answer> {
    this.noteRequest(client, call)
    const answer = await client.send(call)
    this.noteAnswer(client, answer)
    if (answer.status !== status) this.refute(`the story tells ${status}`)
    if (code !== undefined && field(answer.body, 'code') !== code)
      this.refute(`the story tells the code ${code}`)
    return answer
  }

  /** Prints events of the audit trail, oldest first; the story ends where their actions are others than told. */
  trail(answer: Answer, told: readonly string[]): void {
    const events = (field(answer.body, 'events') as readonly unknown[]).toReversed()
    for (const event of events) {
      const [at, actor, action] = ['at', 'actor', 'action'].map((name) => String(field(event, name)))
      const reason = field(event, 'reason') ?? ''
      this.print(`     ${at}  ${shortenIds(actor!).padEnd(14)} ${action!.padEnd(18)} ${reason}`.trimEnd())
    }
    if (events.map((event) => field(event, 'action')).join() !== told.join())
      this.refute(`the story tells ${told.join(', ')}`)
  }

  refute(why: string): never {
    this.note(`✗ ${why}`)
    throw new StoryBroken(why)
  }
}

/**
 * Tells a story to its end, or to the first step that is not as told.
 *
 * @returns whether every step went as told
 */
export async function tell(teller: Teller, story: (teller: Teller) => Promise<void>): Promise<boolean> {
  try {
    await story(teller)
    return true
  } catch (error) {
    if (!(error instanceof StoryBroken)) teller.note(`✗ ${String(error)}`)
    return false
  }
}

/** A field of what was answered; undefined where it has none. */
export function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}
