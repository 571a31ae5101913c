/** A media type and its parameters (RFC 9110, 8.3.1). */
export interface MediaType {
  /** Type and subtype in lower case. */
  readonly essence: string
  /** Values without their quotes, by names in lower case. */
  readonly parameters: ReadonlyMap<string, string>
}

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const essencePattern = new RegExp(`${token}/${token}`, 'y')
const parameterPattern = new RegExp(
  `[ \\t]*;[ \\t]*(${token})=(?:(${token})|"((?:[\\t \\x21\\x23-\\x5b\\x5d-\\x7e]|\\\\[\\t\\x20-\\x7e])*)")`,
  'y',
)

/** Parses a media type; returns null if any part is malformed or a parameter is repeated. */
export function parseMediaType(value: string): MediaType | null {
  essencePattern.lastIndex = 0
  const essence = essencePattern.exec(value)?.[0].toLowerCase()
  if (essence === undefined) return null
  const parameters = new Map<string, string>()
  let at = essence.length
  while (at < value.length) {
    parameterPattern.lastIndex = at
    const [whole, name, plain, quoted] = parameterPattern.exec(value) ?? []
    if (whole === undefined || name === undefined || parameters.has(name.toLowerCase())) return null
    parameters.set(name.toLowerCase(), plain ?? quoted?.replace(/\\(.)/g, '$1') ?? '')
    at += whole.length
  }
  return { essence, parameters }
}

/** Writes a media type in one form; a value that is no token is quoted. */
export function formatMediaType({ essence, parameters }: MediaType): string {
  const written = [...parameters].map(([name, value]) => {
    const isToken = new RegExp(`^${token}$`).test(value)
    return `; ${name}=${isToken ? value : `"${value.replace(/["\\]/g, '\\$&')}"`}`
  })
  return essence + written.join('')
}
