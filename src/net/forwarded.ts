/** One element of a `Forwarded` header: who the proxy that added it was called by. */
export interface ForwardedElement {
  /** The value of `for`, unquoted; `undefined` if the element has none. */
  readonly for: string | undefined
}

/** A pair `name=value` with a token or a quoted string (RFC 7239, 4; RFC 9110, 5.6), sticky. */
const pair =
  /([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)|"((?:[\t \x21\x23-\x5b\x5d-\x7e]|\\[\t \x21-\x7e])*)")/y
const separator = /[\t ]*([;,])[\t ]*/y

/**
 * Reads the elements of a `Forwarded` header, oldest hop first (RFC 7239, 4).
 *
 * `undefined` if any part of it is malformed: behind a quote that a caller has left open, nothing a
 * proxy appended could be told from what the caller wrote.
 */
export function parseForwarded(text: string): readonly ForwardedElement[] | undefined {
  const elements: ForwardedElement[] = []
  let names = new Map<string, string>()
  let at = 0
  for (;;) {
    pair.lastIndex = at
    const found = pair.exec(text)
    if (!found) return undefined
    const name = found[1]!.toLowerCase()
    // "Each parameter MUST NOT occur more than once per field-value" element.
    if (names.has(name)) return undefined
    names.set(name, found[2] ?? found[3]!.replace(/\\(.)/g, '$1'))
    at = pair.lastIndex
    separator.lastIndex = at
    const next = at < text.length ? separator.exec(text) : null
    if (next?.[1] !== ';') {
      elements.push({ for: names.get('for') })
      names = new Map()
      if (!next) return at === text.length ? elements : undefined
    }
    at = separator.lastIndex
  }
}
