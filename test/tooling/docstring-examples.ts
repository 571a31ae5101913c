import { readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import ts from 'typescript'
import type { ExampleNames } from './example-names.js'
import { publicEntries } from './exports.js'
import { lineOf, parseSource, sourcesIn, walk } from './imports.js'

/** One `@example` of a docstring. */
export interface DocExample {
  readonly file: string
  /** The line of its first line of code, counted from one; of the tag, where there is no code. */
  readonly line: number
  /** What the docstring describes; '' for what has no name. */
  readonly subject: string
  /** The code between the fences; undefined: there is no fence, or not one of `ts`. */
  readonly code: string | undefined
}

/** One name that a public entry exports. */
interface Exported {
  readonly specifier: string
  readonly name: string
  /** The file that declares it. */
  readonly file: string
  /** Its name there. */
  readonly declaredAs: string
}

/** Every example in the docstrings of some files. */
export function examplesIn(root: string, files: readonly string[]): readonly DocExample[] {
  const found: DocExample[] = []
  for (const file of files) {
    // Most files have none, and parsing is what takes the time.
    if (!readFileSync(join(root, file), 'utf8').includes('@example')) continue
    walk(parseSource(root, file), (node) => {
      for (const comment of ts.getJSDocCommentsAndTags(node)) {
        // A declaration's first variable is given its comments too.
        if (!ts.isJSDoc(comment) || comment.parent !== node) continue
        for (const tag of comment.tags ?? [])
          if (tag.tagName.text === 'example') found.push(readExample(file, node, tag))
      }
    })
  }
  return found
}

function readExample(file: string, node: ts.Node, tag: ts.JSDocTag): DocExample {
  const text = ts.getTextOfJSDocComment(tag.comment) ?? ''
  const code = /^```ts\n([^]*?)\n```$/.exec(text.trim())?.[1]
  const fence = tag
    .getText()
    .split('\n')
    .findIndex((line) => line.includes('```ts'))
  const line = lineOf(tag) + (code === undefined ? 0 : fence + 1)
  return { file, line, subject: nameOf(node), code }
}

function nameOf(node: ts.Node): string {
  const named = ts.isVariableStatement(node) ? node.declarationList.declarations[0] : node
  return (named !== undefined && ts.getNameOfDeclaration(named as ts.Declaration)?.getText()) || ''
}

/** Everything that the public entries export, with the file it comes from. */
function exportedNames(root: string): readonly Exported[] {
  const found: Exported[] = []
  for (const { specifier, source } of publicEntries(root)) {
    for (const statement of parseSource(root, source).statements) {
      if (ts.isExportDeclaration(statement)) {
        const { exportClause, moduleSpecifier } = statement
        if (exportClause === undefined || !ts.isNamedExports(exportClause) || moduleSpecifier === undefined)
          throw new Error(
            `${source}:${lineOf(statement)}: a public entry names what it exports, and from where`,
          )
        const target = (moduleSpecifier as ts.StringLiteral).text.replace(/\.js$/, '.ts')
        const file = posix.join(dirname(source), target)
        for (const { name, propertyName } of exportClause.elements)
          found.push({ specifier, name: name.text, file, declaredAs: (propertyName ?? name).text })
      } else if (ts.canHaveModifiers(statement) && isExported(statement)) {
        const name = nameOf(statement)
        found.push({ specifier, name, file: source, declaredAs: name })
      }
    }
  }
  return found
}

function isExported(node: ts.HasModifiers): boolean {
  return ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false
}

/** The functions and classes that users call, as `keyrung/koa guard`, each with whether it has an example. */
export function entryPoints(root: string): ReadonlyMap<string, boolean> {
  const exported = exportedNames(root)
  const shown = new Set(
    examplesIn(root, [...new Set(exported.map(({ file }) => file))]).map(
      ({ file, subject }) => `${file} ${subject}`,
    ),
  )
  const callable = new Map<string, Set<string>>()
  const callableIn = (file: string): Set<string> => {
    const known = callable.get(file) ?? new Set<string>()
    if (!callable.has(file))
      for (const statement of parseSource(root, file).statements)
        if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement))
          known.add(nameOf(statement))
    callable.set(file, known)
    return known
  }
  return new Map(
    exported
      .filter(({ file, declaredAs }) => callableIn(file).has(declaredAs))
      .map(({ specifier, name, file, declaredAs }) => [
        `${specifier} ${name}`,
        shown.has(`${file} ${declaredAs}`),
      ]),
  )
}

const namesFile = 'test/tooling/example-names.ts'

/** What the kinds of examples take for granted: the names by the entry they are written for. */
function grantedNames(root: string): ReadonlyMap<string, readonly string[]> {
  const kinds = new Map<string, readonly string[]>()
  walk(parseSource(root, namesFile), (node) => {
    if (!ts.isInterfaceDeclaration(node) || node.name.text !== ('ExampleNames' satisfies NamesInterface))
      return
    for (const kind of node.members) {
      const type = ts.isPropertySignature(kind) ? kind.type : undefined
      if (type === undefined || !ts.isTypeLiteralNode(type))
        throw new Error(`${namesFile}: one literal a kind`)
      kinds.set(
        textOf(kind.name),
        type.members.map((member) => textOf(member.name)),
      )
    }
  })
  return kinds
}

/** Holds the name that is looked for to the interface there is. */
type NamesInterface = ExampleNames extends object ? 'ExampleNames' : never

function textOf(name: ts.PropertyName | undefined): string {
  return name !== undefined && (ts.isIdentifier(name) || ts.isStringLiteral(name)) ? name.text : ''
}

/**
 * Compiles every example as a module of its own, all in one program, and tells each fault as `file:line: what`.
 *
 * What an example does not declare or import may come from `keyrung`, from the entry that exports what the
 * docstring describes, or from what examples of that entry take for granted.
 */
export function checkExamples(root: string, examples: readonly DocExample[]): readonly string[] {
  const exported = exportedNames(root)
  const granted = grantedNames(root)
  const specifiers = new Set(publicEntries(root).map(({ specifier }) => specifier))
  const faults: string[] = []
  const modules = new Map<string, { readonly example: DocExample; readonly text: string }>()

  for (const [index, example] of examples.entries()) {
    const at = `${example.file}:${example.line}`
    if (example.code === undefined) {
      faults.push(`${at}: an @example is one fence of ts, and nothing else`)
      continue
    }
    const home = exported.find(({ file }) => file === example.file)?.specifier ?? 'keyrung'
    const parsed = ts.createSourceFile('example.ts', example.code, ts.ScriptTarget.ES2022, true)
    for (const specifier of importedBy(parsed))
      if (/^(\.|keyrung(\/|$))/.test(specifier) && !specifiers.has(specifier))
        faults.push(`${at}: ${specifier} is no entry of the package`)
    const header = headerFor(parsed, [...new Set([home, 'keyrung'])], exported, granted)
    const path = join(root, `test/tooling/example-${index}.ts`)
    modules.set(path, { example, text: `${header}\n${example.code}\nexport {}\n` })
  }
  return [...faults, ...diagnose(root, modules)]
}

function importedBy(source: ts.SourceFile): readonly string[] {
  return source.statements
    .filter(ts.isImportDeclaration)
    .map(({ moduleSpecifier }) => (moduleSpecifier as ts.StringLiteral).text)
}

/** One line that brings in what an example takes from elsewhere; the first kind that knows a name wins. */
function headerFor(
  source: ts.SourceFile,
  kinds: readonly string[],
  exported: readonly Exported[],
  granted: ReadonlyMap<string, readonly string[]>,
): string {
  const open = new Set<string>()
  walk(source, (node) => ts.isIdentifier(node) && open.add(node.text))
  for (const name of declaredAtTop(source)) open.delete(name)
  const parts: string[] = []
  for (const kind of kinds) {
    for (const { specifier, name } of exported)
      if (specifier === kind && open.delete(name)) parts.push(`import { ${name} } from '${kind}'`)
    for (const name of granted.get(kind) ?? [])
      if (open.delete(name))
        parts.push(`declare const ${name}: import('./example-names.js').ExampleNames['${kind}']['${name}']`)
  }
  return parts.join('; ')
}

function declaredAtTop(source: ts.SourceFile): readonly string[] {
  const names: string[] = []
  const take = (name: ts.Node): void => {
    if (ts.isIdentifier(name)) names.push(name.text)
    else ts.forEachChild(name, take)
  }
  for (const statement of source.statements) {
    if (ts.isVariableStatement(statement))
      for (const { name } of statement.declarationList.declarations) take(name)
    else if (ts.isImportDeclaration(statement)) {
      if (statement.importClause !== undefined) take(statement.importClause)
    } else names.push(nameOf(statement))
  }
  return names
}

function diagnose(
  root: string,
  modules: ReadonlyMap<string, { readonly example: DocExample; readonly text: string }>,
): readonly string[] {
  const options = compilerOptions(root)
  const host = ts.createCompilerHost(options)
  const { fileExists, getSourceFile } = host
  host.fileExists = (path) => modules.has(path) || fileExists(path)
  host.getSourceFile = (path, version, ...rest) => {
    const text = modules.get(path)?.text
    return text === undefined
      ? getSourceFile(path, version, ...rest)
      : ts.createSourceFile(path, text, version, true)
  }
  const program = ts.createProgram([...modules.keys()], options, host)
  const faults: string[] = []
  for (const [path, { example }] of modules) {
    const source = program.getSourceFile(path)
    if (source === undefined) throw new Error(`${path} was not compiled`)
    for (const fault of [
      ...program.getSyntacticDiagnostics(source),
      ...program.getSemanticDiagnostics(source),
    ]) {
      // The header is the line before the first; whatever is wrong in it is told at the first.
      const { line } = source.getLineAndCharacterOfPosition(fault.start ?? 0)
      const at = `${example.file}:${example.line + Math.max(line - 1, 0)}`
      faults.push(`${at}: ${reasonOf(fault.messageText)}`)
    }
  }
  return faults
}

/** The innermost of nested messages: it tells which property, where the outer ones repeat whole types. */
function reasonOf(message: string | ts.DiagnosticMessageChain): string {
  if (typeof message === 'string') return message
  const inner = message.next?.[0]
  return inner === undefined ? message.messageText : reasonOf(inner)
}

/** Those of the project, except for what only matters where code stays. */
function compilerOptions(root: string): ts.CompilerOptions {
  const path = join(root, 'tsconfig.json')
  const { config } = ts.parseConfigFileTextToJson(path, readFileSync(path, 'utf8')) as { config: object }
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: [] }, ts.sys, root)
  return { ...options, noUnusedLocals: false, noUnusedParameters: false, verbatimModuleSyntax: false }
}

/** Every example of the sources. */
export function sourceExamples(root: string): readonly DocExample[] {
  return examplesIn(root, sourcesIn(root, 'src'))
}
