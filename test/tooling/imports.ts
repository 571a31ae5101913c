import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join, posix, relative } from 'node:path'
import ts from 'typescript'

/** One import, re-export, `import()` or `import('…')` type of a file. */
export interface Import {
  /** Relative to the root, as all paths here. */
  readonly file: string
  readonly line: number
  readonly specifier: string
  /** Gone after compilation. It binds a floor to another all the same. */
  readonly typeOnly: boolean
  /** The file meant by a relative specifier; undefined for a package, or where there is no such file. */
  readonly target: string | undefined
}

/** All TypeScript files below a folder, sorted; none when there is no such folder. */
export function sourcesIn(root: string, folder: string): readonly string[] {
  const start = join(root, folder)
  if (!existsSync(start)) return []
  return readdirSync(start, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((file) => !file.includes('node_modules/'))
    .toSorted()
}

/** Parses one file, with parents set. */
export function parseSource(root: string, file: string): ts.SourceFile {
  return ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.ES2022, true)
}

/** Calls `visit` for every node of a file. */
export function walk(source: ts.SourceFile, visit: (node: ts.Node) => void): void {
  const step = (node: ts.Node): void => {
    visit(node)
    ts.forEachChild(node, step)
  }
  step(source)
}

/** The line of a node, counted from one. */
export function lineOf(node: ts.Node): number {
  const source = node.getSourceFile()
  return source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1
}

/** Everything that a file imports. */
export function importsOf(root: string, file: string): readonly Import[] {
  const found: Import[] = []
  const source = parseSource(root, file)
  walk(source, (node) => {
    const named = specifierIn(node)
    if (named === undefined) return
    const { specifier, typeOnly } = named
    found.push({ file, line: lineOf(node), specifier, typeOnly, target: targetOf(root, file, specifier) })
  })
  return found
}

function specifierIn(node: ts.Node): { specifier: string; typeOnly: boolean } | undefined {
  if (ts.isImportDeclaration(node))
    return { specifier: textOf(node.moduleSpecifier), typeOnly: isTypeOnly(node.importClause) }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined)
    return { specifier: textOf(node.moduleSpecifier), typeOnly: node.isTypeOnly }
  if (ts.isExternalModuleReference(node)) return { specifier: textOf(node.expression), typeOnly: false }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
    return { specifier: textOf(node.argument.literal), typeOnly: true }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
    return { specifier: textOf(node.arguments[0]), typeOnly: false }
  return undefined
}

function isTypeOnly(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true
  const bindings = clause.namedBindings
  if (clause.name !== undefined || bindings === undefined || !ts.isNamedImports(bindings)) return false
  return bindings.elements.length > 0 && bindings.elements.every((element) => element.isTypeOnly)
}

function textOf(node: ts.Node | undefined): string {
  return node !== undefined && ts.isStringLiteralLike(node) ? node.text : '(computed)'
}

function targetOf(root: string, file: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined
  const path = posix.join(dirname(file), specifier).replace(/\.js$/, '.ts')
  return existsSync(join(root, path)) ? path : undefined
}
