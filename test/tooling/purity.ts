import ts from 'typescript'
import { lineOf, parseSource, sourcesIn, walk } from './imports.js'

/**
 * Names that reach a clock, randomness, a timer, the machine, its locale, or a way around this list.
 * The core's own type check knows neither Node nor the Web; this list is for what the language itself brings,
 * and for what somebody declares by hand.
 */
const forbidden = new Set(
  `Date Intl Temporal performance crypto process globalThis global window self require module navigator console
  setTimeout setInterval setImmediate queueMicrotask fetch Buffer eval Function Reflect Promise WeakRef
  FinalizationRegistry SharedArrayBuffer Atomics`.split(/\s+/),
)

/** Methods whose answer depends on the machine's locale or time zone. */
const localeMethods = /^(toLocale\w+|localeCompare)$/

/** Checks that the core is pure and synchronous: no clock, no randomness, no timers, no machine. */
export function checkPurity(root: string): {
  readonly faults: readonly string[]
  readonly files: number
  readonly identifiers: number
} {
  const files = sourcesIn(root, 'src/core')
  const faults: string[] = []
  let identifiers = 0
  for (const file of files) {
    walk(parseSource(root, file), (node) => {
      const fault = faultOf(node)
      if (ts.isIdentifier(node)) identifiers += 1
      if (fault !== undefined) faults.push(`${file}:${lineOf(node)}: ${fault}`)
    })
  }
  return { faults, files: files.length, identifiers }
}

function faultOf(node: ts.Node): string | undefined {
  if (ts.isAwaitExpression(node) || node.kind === ts.SyntaxKind.AsyncKeyword) return 'the core is synchronous'
  if (ts.isMetaProperty(node) && node.keywordToken === ts.SyntaxKind.ImportKeyword) return 'import.meta'
  if (!ts.isIdentifier(node)) return undefined
  if (localeMethods.test(node.text)) return `${node.text} depends on the machine's locale`
  if (isNameOnly(node)) return undefined
  if (node.text === 'Math') return mathFault(node)
  // The word for a hook's answer; to make or await one is another thing.
  if (node.text === 'Promise' && ts.isTypeReferenceNode(node.parent)) return undefined
  return forbidden.has(node.text) ? `${node.text} is not for the core` : undefined
}

/** `Math` may be used for what is named right behind it, so that `random` cannot be reached by a detour. */
function mathFault(node: ts.Identifier): string | undefined {
  const parent = node.parent
  if (!ts.isPropertyAccessExpression(parent)) return 'Math may only be used as Math.name'
  return parent.name.text === 'random' ? 'Math.random is not for the core' : undefined
}

/** Whether an identifier only names a member or a label, such as `now` in `{ now: 1 }` and `clock.now`. */
function isNameOnly(node: ts.Identifier): boolean {
  const parent = node.parent
  if (ts.isPropertyAccessExpression(parent) || ts.isQualifiedName(parent)) return node !== leftOf(parent)
  if (ts.isBindingElement(parent)) return parent.propertyName === node
  if (ts.isPropertyAssignment(parent) || ts.isEnumMember(parent)) return parent.name === node
  return (
    (ts.isPropertySignature(parent) ||
      ts.isPropertyDeclaration(parent) ||
      ts.isMethodSignature(parent) ||
      ts.isMethodDeclaration(parent) ||
      ts.isAccessor(parent)) &&
    parent.name === node
  )
}

function leftOf(node: ts.PropertyAccessExpression | ts.QualifiedName): ts.Node {
  return ts.isQualifiedName(node) ? node.left : node.expression
}
