/** The longest text of a cause that is kept, in characters. */
const maxText = 500

/** The most causes of causes that are kept. */
const maxDepth = 4

/**
 * Copies what was thrown for the operator's log: its name, code, text, stack, and causes. What could be a secret is
 * masked, as a driver's text may quote what was sent: keys, digests, passwords in URLs.
 */
export function maskCause(thrown: unknown, depth = 0): unknown {
  try {
    if (!(thrown instanceof Error)) return maskText(typeof thrown === 'string' ? thrown : typeof thrown)
    const { name, message, stack, cause } = thrown
    const { code } = thrown as { readonly code?: unknown }
    const copy = new Error(maskText(String(message)))
    copy.name = maskText(String(name))
    const frames = String(stack).match(/^ {4}at .*$/gm) ?? []
    copy.stack = [`${copy.name}: ${copy.message}`, ...frames].join('\n')
    if (typeof code === 'string' || typeof code === 'number') {
      Object.defineProperty(copy, 'code', { value: maskText(String(code)), enumerable: true })
    }
    if (cause !== undefined && depth < maxDepth) {
      Object.defineProperty(copy, 'cause', { value: maskCause(cause, depth + 1) })
    }
    return copy
  } catch {
    return 'an error that cannot be read'
  }
}

/** Masks passwords in URLs, and every long run of characters with a digit in it. */
function maskText(text: string): string {
  return text
    .slice(0, maxText)
    .replace(/\/\/[^\s/@]*@/g, '//***@')
    .replace(/[\w+=-]{20,}/g, (run) => (/\d/.test(run) ? '***' : run))
}
