import { invalid } from '../core/errors.js'
import type { Fault } from '../core/errors.js'
import { checksumLength, crc32, crcTable, formatChecksum } from './checksum.js'
import { base62Alphabet, randomBase62, toUtf8 } from './encoding.js'
import type { Entropy } from './random.js'

/** Random characters of a secret: 62^30 is more than 2^178. */
const randomLength = 30

const tailLength = randomLength + checksumLength
const nameForm = /^[a-z][a-z0-9]{0,15}$/
const mostEnvironments = 8

/** Value of each base62 character by its code; `notBase62` for every other one. */
const notBase62 = 255
const digits = new Uint8Array(128).fill(notBase62)
for (let value = 0; value < 62; value++) digits[base62Alphabet.charCodeAt(value)] = value

/** How an application's keys are named. */
export interface KeyFormatOptions {
  /** What every key begins with: a small letter, then up to 15 small letters and digits. */
  readonly prefix: string
  /** The environments this instance accepts, one to eight, each named like a prefix. */
  readonly environments: readonly string[]
}

/** Writes and recognises the secrets of one application's keys. */
export interface KeyFormat {
  readonly prefix: string
  readonly environments: readonly string[]
  /** Source of a regular expression that finds keys in any text; it is safe for RE2. */
  readonly pattern: string
  /** Says whether keys of this environment are made and accepted here. */
  isEnvironment(value: unknown): value is string
  /**
   * The secret text around 30 given base62 characters.
   *
   * @throws KeyrungError `input_invalid` for an environment that is not configured, or a random part of another form
   */
  format(environment: string, random: string): string
  /**
   * A new secret.
   *
   * @throws KeyrungError `input_invalid` for an environment that is not configured
   */
  mint(environment: string, entropy: Entropy): string
  /**
   * The environment of a well-formed secret, `undefined` for everything else: another type, prefix,
   * environment, length, alphabet or checksum. It never throws, allocates nothing, and reads no more
   * characters than a secret has.
   */
  parse(value: unknown): string | undefined
  /** Says whether a text begins as a key of this application does; for hints, never for deciding. */
  looksLike(text: string): boolean
  /** The four characters a key is recognised by after its secret has been shown. */
  lastFour(secret: string): string
}

interface Head {
  readonly environment: string
  /** `<prefix>_<environment>_` */
  readonly text: string
  /** The same as character codes. */
  readonly codes: Uint8Array
  /** Length of a whole secret. */
  readonly length: number
  /** Running CRC over the head, so that checking a key starts behind it. */
  readonly crc: number
}

/**
 * Makes the key format of an application: `<prefix>_<environment>_`, 30 random base62 characters, and six
 * that are the CRC-32 of everything before them.
 *
 * @param path where the options stand among others, for the faults
 * @throws KeyrungError `config_invalid` naming every fault of prefix and environments
 *
 * @example
 * ```ts
 * const format = createKeyFormat({ prefix: 'tp', environments: ['live', 'test'] })
 * const secret = format.mint('live', (bytes) => crypto.getRandomValues(new Uint8Array(bytes))) // tp_live_…
 * format.parse(secret) // 'live'
 * ```
 */
export function createKeyFormat(options: KeyFormatOptions, path = ''): KeyFormat {
  const faults = findFaults(options, path === '' ? '' : `${path}.`)
  if (faults.length > 0) throw invalid('config_invalid', faults)
  const { prefix } = options
  const environments = Object.freeze([...options.environments])
  const heads = environments.map((environment): Head => {
    const text = `${prefix}_${environment}_`
    return { environment, text, codes: toUtf8(text), length: text.length + tailLength, crc: ~crc32(text) }
  })

  function format(environment: string, random: string): string {
    const head = heads.find((candidate) => candidate.environment === environment)
    if (!head) {
      throw invalid('input_invalid', [
        { path: 'environment', message: `must be one of ${environments.join(', ')}` },
      ])
    }
    if (random.length !== randomLength || !/^[0-9A-Za-z]*$/.test(random)) {
      throw invalid('input_invalid', [{ path: 'random', message: 'must be 30 base62 characters' }])
    }
    const body = head.text + random
    return body + formatChecksum(crc32(body))
  }

  function parse(value: unknown): string | undefined {
    if (typeof value !== 'string') return undefined
    for (let i = 0; i < heads.length; i++) {
      const head = heads[i]!
      if (value.length === head.length && hasHead(value, head.codes)) {
        return hasValidTail(value, head.codes.length, head.crc) ? head.environment : undefined
      }
    }
    return undefined
  }

  return Object.freeze({
    prefix,
    environments,
    // No boundary in front: what stands there may be the end of an escape, such as \n or %3D.
    pattern: `${prefix}_(?:${environments.join('|')})_[0-9A-Za-z]{${tailLength}}\\b`,
    isEnvironment: (value: unknown): value is string => environments.includes(value as string),
    format,
    mint: (environment: string, entropy: Entropy) => format(environment, randomBase62(randomLength, entropy)),
    parse,
    looksLike: (text: string) => text.startsWith(`${prefix}_`),
    lastFour: (secret: string) => secret.slice(-4),
  })
}

/** A quarter faster than `startsWith`, which is a call out of compiled code. */
function hasHead(secret: string, codes: Uint8Array): boolean {
  for (let i = 0; i < codes.length; i++) if (secret.charCodeAt(i) !== codes[i]) return false
  return true
}

/** Checks alphabet and checksum of what follows the head, in one pass. */
function hasValidTail(secret: string, start: number, headCrc: number): boolean {
  let crc = headCrc
  const end = start + randomLength
  for (let i = start; i < end; i++) {
    const code = secret.charCodeAt(i)
    // Beyond the table is `undefined`, which is not below 62 either.
    if (!(digits[code]! < 62)) return false
    crc = crcTable[(crc ^ code) & 255]! ^ (crc >>> 8)
  }
  let checksum = 0
  for (let i = end; i < end + checksumLength; i++) {
    const code = secret.charCodeAt(i)
    const digit = digits[code]!
    if (!(digit < 62)) return false
    checksum = checksum * 62 + digit
  }
  return checksum === ~crc >>> 0
}

function findFaults(options: KeyFormatOptions, at: string): Fault[] {
  const form = 'a small letter, then up to 15 small letters and digits'
  const faults: Fault[] = []
  const { prefix, environments } = options as { prefix: unknown; environments: unknown }
  if (typeof prefix !== 'string' || !nameForm.test(prefix))
    faults.push({ path: `${at}prefix`, message: `must be ${form}` })
  if (!Array.isArray(environments) || environments.length < 1 || environments.length > mostEnvironments) {
    faults.push({ path: `${at}environments`, message: `must be a list of 1 to ${mostEnvironments} names` })
    return faults
  }
  for (let i = 0; i < environments.length; i++) {
    const name: unknown = environments[i]
    if (typeof name !== 'string' || !nameForm.test(name)) {
      faults.push({ path: `${at}environments.${i}`, message: `must be ${form}` })
    } else if (environments.indexOf(name) !== i) {
      faults.push({ path: `${at}environments.${i}`, message: 'is named twice' })
    }
  }
  return faults
}
