import ts from 'typescript'
import { relative } from 'node:path'
import { lineOf } from './imports.js'

/** Finds statements whose value is a promise, or may be one, that nobody waits for. */
export function checkPromises(
  root: string,
  configFile: string,
): { readonly faults: readonly string[]; readonly statements: number } {
  const read = ts.getParsedCommandLineOfConfigFile(
    configFile,
    {},
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: (fault) => {
        throw new Error(ts.flattenDiagnosticMessageText(fault.messageText, '\n'))
      },
    },
  )
  if (read === undefined) throw new Error(`${configFile} cannot be read`)
  const program = ts.createProgram(read.fileNames, read.options)
  const checker = program.getTypeChecker()
  const faults: string[] = []
  let statements = 0

  const visit = (node: ts.Node): void => {
    if (ts.isExpressionStatement(node)) {
      statements += 1
      if (isLoose(checker, node.expression))
        faults.push(
          `${relative(root, node.getSourceFile().fileName)}:${lineOf(node)}: nobody waits for this promise`,
        )
    }
    ts.forEachChild(node, visit)
  }
  for (const source of program.getSourceFiles())
    if (!source.isDeclarationFile && !source.fileName.includes('/node_modules/')) visit(source)
  return { faults, statements }
}

const assignments = new Set([
  ts.SyntaxKind.EqualsToken,
  ts.SyntaxKind.QuestionQuestionEqualsToken,
  ts.SyntaxKind.BarBarEqualsToken,
  ts.SyntaxKind.AmpersandAmpersandEqualsToken,
])

function isLoose(checker: ts.TypeChecker, expression: ts.Expression): boolean {
  if (ts.isVoidExpression(expression) || ts.isAwaitExpression(expression) || isCaught(expression))
    return false
  if (ts.isBinaryExpression(expression) && assignments.has(expression.operatorToken.kind)) return false
  const type = checker.getTypeAtLocation(expression)
  // Tests call what may answer at once for its effect alone.
  if (type.isUnion() && expression.getSourceFile().fileName.endsWith('.test.ts')) return false
  const parts = type.isUnion() ? type.types : [type]
  return parts.some((part) => {
    const then = checker.getPropertyOfType(part, 'then')
    return then !== undefined && checker.getTypeOfSymbol(then).getCallSignatures().length > 0
  })
}

/** `later().catch(told)` and `later().then(done, told)` have nothing left to wait for. */
function isCaught(expression: ts.Expression): boolean {
  if (!ts.isCallExpression(expression) || !ts.isPropertyAccessExpression(expression.expression)) return false
  const { text } = expression.expression.name
  return (
    (text === 'catch' && expression.arguments.length === 1) ||
    (text === 'then' && expression.arguments.length === 2)
  )
}
