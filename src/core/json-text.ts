/** A value within a JSON text. */
export interface JsonSpan {
  /** Where it is, as the steps of a JSON pointer (RFC 6901), unescaped. */
  readonly path: readonly string[]
  /** Its first character, and the one behind its last. */
  readonly start: number
  readonly end: number
}

/** How much of a text is read. */
export interface JsonTextLimits {
  /** Objects and lists inside one another, the outermost counted. */
  readonly depth: number
  /** Members and elements, all together. */
  readonly elements: number
}

/** What is wrong with a JSON text, in words that go on from "the body". */
export class JsonTextFault {
  constructor(readonly message: string) {}
}

const blank = /[ \t\n\r]*/y
const escape = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y
const scalar = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null/y

interface Container {
  readonly isList: boolean
  readonly start: number
  /** The names of an object's members: a second one of a name is what parsers disagree about. */
  readonly names: Set<string>
  count: number
}

/**
 * Reads a JSON text (RFC 8259) without making anything of it, and tells of each value as it ends, the innermost first.
 *
 * What parsers disagree about is a fault: names that are there twice (RFC 8259, 4), a byte order mark, halves of
 * surrogate pairs. Nothing is called within itself, whatever the depth.
 *
 * @throws JsonTextFault
 */
export function readJsonText(
  source: string,
  limits: JsonTextLimits,
  visit: (span: JsonSpan) => void = () => undefined,
): void {
  const path: string[] = []
  const open: Container[] = []
  let at = 0
  let left = limits.elements

  function take(pattern: RegExp): string | null {
    pattern.lastIndex = at
    const found = pattern.exec(source)
    if (found === null) return null
    at += found[0].length
    return found[0]
  }

  /** A quoted text with its quotes. It is no regular expression: long texts would overflow its stack. */
  function takeText(): string | null {
    if (source[at] !== '"') return null
    const start = at++
    for (;;) {
      const code = source.charCodeAt(at)
      if (code === 0x5c) {
        if (take(escape) === null) throw malformed(at)
      } else if (code === 0x22) {
        return source.slice(start, ++at)
      } else if (code >= 0x20) at++
      else throw malformed(at)
    }
  }

  function sign(character: string): boolean {
    take(blank)
    if (source[at] !== character) return false
    at++
    return true
  }

  /** Goes into the next member or element of the innermost container. */
  function enter(container: Container): void {
    if (left-- <= 0) throw new JsonTextFault(`has more than ${limits.elements} members and elements`)
    if (container.isList) {
      path.push(String(container.count++))
      return
    }
    take(blank)
    const quoted = takeText()
    if (quoted === null || !sign(':')) throw malformed(at)
    const name = JSON.parse(quoted) as string
    demandWhole(name)
    if (container.names.has(name)) throw new JsonTextFault('has a name twice in one object')
    container.names.add(name)
    path.push(name)
  }

  if (source.startsWith('\ufeff')) throw new JsonTextFault('begins with a byte order mark')
  for (;;) {
    take(blank)
    const start = at
    const isList = source[at] === '['
    if (isList || source[at] === '{') {
      if (open.length >= limits.depth) throw new JsonTextFault(`is more than ${limits.depth} levels deep`)
      at++
      const container: Container = { isList, start, names: new Set(), count: 0 }
      if (!sign(isList ? ']' : '}')) {
        open.push(container)
        enter(container)
        continue
      }
    } else {
      const quoted = takeText()
      if (quoted !== null) demandWhole(JSON.parse(quoted) as string)
      else if (take(scalar) === null) throw malformed(at)
    }
    visit({ path: [...path], start, end: at })
    // A value has ended: so may what it stands in.
    let inner = open.at(-1)
    while (inner && !sign(',')) {
      if (!sign(inner.isList ? ']' : '}')) throw malformed(at)
      path.pop()
      open.pop()
      visit({ path: [...path], start: inner.start, end: at })
      inner = open.at(-1)
    }
    if (!inner) break
    path.pop()
    enter(inner)
  }
  take(blank)
  if (at < source.length) throw malformed(at)
}

function demandWhole(value: string): void {
  if (/\p{Surrogate}/u.test(value)) throw new JsonTextFault('has half a surrogate pair')
}

function malformed(at: number): JsonTextFault {
  return new JsonTextFault(`is no valid JSON at character ${at + 1}`)
}
