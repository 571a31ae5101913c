import * as z from 'zod/mini'
import type { AnyCatalog } from '../../core/catalog.js'
import { isKeyrungError } from '../../core/errors.js'
import type { Fault } from '../../core/errors.js'
import { formatLimits } from '../../core/key-limits.js'
import { parseLimits } from '../../core/limit.js'
import { metadataLimits } from '../../core/metadata.js'
import { ownElements, ownProperties } from '../../core/own-properties.js'
import { findNameFault, findTextFault } from '../../core/plain-text.js'
import { copyPlain } from '../../core/plain-value.js'
import { parseScopes } from '../../core/scope.js'
import { isDuration, isInstant } from '../../core/time.js'
import { webhookEvents } from '../../core/delivery.js'
import { isHostId } from '../../core/host-id.js'
import { isWebhookEvent, usualWebhookEvents } from '../../core/webhook.js'
import type { WantedWebhook } from '../../core/webhook.js'
import { toUtf8 } from '../../crypto/encoding.js'
import { mostAddressRules, parseAddressRules } from '../../net/address-rule.js'

const longestName = 100
const longestReason = 500
const longestForeignId = 255
const longestMetadata = 4_096

/** What reading an object came to. */
export interface FieldsRead<T> {
  /** The members as they were given, each read once; empty if there is no object at all. */
  readonly given: ReadonlyMap<string, unknown>
  /** There if there is no fault. */
  readonly value?: T
  readonly faults: readonly Fault[]
}

/** Reads an object through a schema of the fields below; never throws, whatever it is given. */
export function readFields<S extends z.ZodMiniObject>(schema: S, input: unknown): FieldsRead<z.output<S>> {
  const members = ownProperties(input)
  const given = new Map([...(members ?? [])].filter(([, value]) => value !== undefined))
  // `fromEntries` defines own members, so that even `__proto__` is one more unknown field.
  const result = schema.safeParse(members && Object.fromEntries(given))
  if (result.success) return { given, value: result.data, faults: [] }
  return { given, faults: result.error.issues.flatMap(toFaults) }
}

function toFaults(issue: z.core.$ZodIssue): Fault[] {
  const { message } = issue
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((name) => ({ path: printable(name), message }))
  return [{ path: issue.path.join('.'), message }]
}

/** A member's name as it may stand in a message: not one that could break its line, or be a secret. */
function printable(name: string): string {
  return /^[\w -]{1,32}$/.test(name) ? name : '?'
}

/** An object with these fields and no others, and what is said about another. */
export function objectOf<F extends z.core.$ZodShape>(fields: F, unknown = 'is not a field that can be set') {
  return z.strictObject(fields, {
    error: ({ code }) => (code === 'unrecognized_keys' ? unknown : 'must be an object'),
  })
}

const text = z.string({ error: ({ input }) => (input === undefined ? 'is required' : 'must be text') })

// Checks of zod's own look into values of a wrong type too, and some of those throw.
function isLine(least: 0 | 1, most: number, findFault = findTextFault) {
  return z.check<string>(({ value, issues }) => {
    const message = value.length < least ? 'must not be empty' : findFault(value, most)
    if (message !== null) issues.push({ code: 'custom', input: value, message })
  })
}

/** A name that people know a key by. */
export const name = text.check(z.trim(), isLine(1, longestName, findNameFault))

/** Why something is done; an empty one is none. */
export const reason = text.check(z.trim(), isLine(0, longestReason))

/** An id that the host or its caller made up: of a request, or to tell that two are the same. */
export const foreignId = text.check(isLine(1, longestForeignId))

type Reading<T> =
  | { readonly value: T; readonly faults?: undefined }
  | { readonly value?: undefined; readonly faults: readonly Fault[] }

/** A field that a function of its own reads. */
export function readBy<T>(parse: (value: unknown) => Reading<T>) {
  return z.pipe(
    z.unknown(),
    z.transform((input: unknown, { issues }): T => {
      const reading = parse(input)
      if (!reading.faults) return reading.value
      for (const { path, message } of reading.faults) {
        issues.push({
          code: 'custom',
          input,
          message,
          path: path
            .split(/[.[\]]+/)
            .filter(Boolean)
            .map(printable),
        })
      }
      return z.NEVER
    }),
  )
}

function refuse(message: string): { readonly faults: readonly Fault[] } {
  return { faults: [{ path: '', message }] }
}

/** Lets a parser that throws its faults be read from. */
function caught<T>(parse: () => T): Reading<T> {
  try {
    return { value: parse() }
  } catch (error) {
    if (isKeyrungError(error)) return { faults: error.faults }
    throw error
  }
}

/** Scopes of the catalogue, as their canonical text. */
export function scopes(catalog: AnyCatalog) {
  return readBy((input) => caught(() => parseScopes(catalog, input, '').text))
}

/** Addresses and networks, as their canonical text. */
export const addressRules = readBy((input) => {
  const rules = ownElements(input, mostAddressRules)
  if (!rules) return refuse(`must be a list of at most ${mostAddressRules} addresses and networks`)
  return caught(() => parseAddressRules(rules, '').join(' '))
})

/** Limits of a key's own, as their canonical text; null, as an empty list is, for none. */
export const limits = readBy((input) => {
  if (input === null) return { value: null }
  return caught(() => formatLimits(parseLimits(input, '')))
})

/** Where a key is told about its approvals; whether the URL may be used is for the host's settings to say. */
export const webhook = readBy<WantedWebhook | null>((input) => {
  if (input === null) return { value: null }
  const given = ownProperties(input)
  if (!given) return refuse('must be an object with a url, or null')
  const faults: Fault[] = [...given.keys()]
    .filter((name) => name !== 'url' && name !== 'events')
    .map((name) => ({ path: printable(name), message: 'is not a field that can be set' }))
  const url = given.get('url')
  if (typeof url !== 'string') faults.push({ path: 'url', message: 'must be a URL' })
  const events = given.get('events') ?? usualWebhookEvents
  const list = ownElements(events, webhookEvents.length)
  if (!list?.length || !list.every(isWebhookEvent)) {
    faults.push({ path: 'events', message: `must be a list of some of ${webhookEvents.join(', ')}` })
  }
  if (faults.length > 0) return { faults }
  return { value: { url: url as string, events: webhookEvents.filter((event) => list!.includes(event)) } }
})

/** An object of the host's own, as JSON text. */
export const metadata = readBy((input) => {
  const { value, faults } = copyPlain(input, metadataLimits)
  if (faults.length > 0) return { faults }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse('must be an object')
  const json = JSON.stringify(value)
  const isShort = json.length <= longestMetadata && toUtf8(json).length <= longestMetadata
  return isShort ? { value: json } : refuse(`must have at most ${longestMetadata} bytes as JSON`)
})

/** An instant, or null for none. */
export const instant = z.nullable(
  z.custom<number>(isInstant, { error: 'must be whole milliseconds since 1970, or null' }),
)

/** How long an old secret stays valid. */
export function grace(longestMs: number) {
  const error = `must be whole milliseconds, at most ${longestMs}`
  return z.custom<number>((value) => isDuration(value, longestMs), { error })
}

/** Text of the form that ids of the host's have. */
export const hostText = z.custom<string>(isHostId, { error: 'must be a text of 1 to 255 characters' })

/** An id of the host's, or null for none. */
export const ownerId = z.nullable(
  z.custom<string>(isHostId, { error: "must be a user's id of at most 255 characters, or null" }),
)

/** One of a few words. */
export function oneOf<W extends string>(words: readonly W[]) {
  return z.enum(words as readonly [W, ...W[]], { error: `must be ${words.join(' or ')}` })
}

/** The version of a key that a change starts from. */
export const version = z.custom<number>((value) => Number.isSafeInteger(value) && (value as number) > 0, {
  error: 'must be the version number of the key',
})

/** What to look for in names; blanks around it do not count. */
export const searchText = text.check(z.trim(), isLine(0, longestName))

/** A whole number from 1. */
export function countUpTo(most: number) {
  const isCount = (value: unknown): boolean =>
    Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= most
  return z.custom<number>(isCount, { error: `must be a whole number from 1 to ${most}` })
}
