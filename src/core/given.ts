/** Says in a word or two what was given in place of something else: its kind or its class, never its content. */
export function describeGiven(value: unknown): string {
  if (value === null) return 'null'
  if (value === undefined) return 'nothing'
  if (typeof value !== 'object') return withArticle(typeof value)
  try {
    if (Array.isArray(value)) return 'an array'
    const name: unknown = (value as { constructor?: { name?: unknown } }).constructor?.name
    if (typeof name === 'string' && name !== 'Object' && /^\w{1,60}$/.test(name)) return withArticle(name)
    return Object.keys(value).length === 0 ? 'an empty object' : 'a plain object'
  } catch {
    return 'an object'
  }
}

/** Lists the functions that a value does not have. */
export function lackedCalls(value: unknown, calls: readonly string[]): readonly string[] {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return calls
  return calls.filter((call) => typeof (value as Readonly<Record<string, unknown>>)[call] !== 'function')
}

/** Says what was given and which functions it lacks; null: it has them all. */
export function describeLack(value: unknown, calls: readonly string[]): string | null {
  const lacked = lackedCalls(value, calls)
  if (lacked.length === 0) return null
  const given = `given was ${describeGiven(value)}`
  if (typeof value !== 'object' || value === null) return given
  const [first, ...others] = lacked
  return `${given} without ${first}${others.length === 0 ? '' : ` and ${others.length} more of its functions`}`
}

function withArticle(word: string): string {
  return `${/^[aeiou]/i.test(word) ? 'an' : 'a'} ${word}`
}
