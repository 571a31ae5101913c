import type { ErrorRequestHandler, Response } from 'express'
import { isKeyrungError, KeyrungError, type ErrorCode, type Keyrung } from 'keyrung'
import { answerError, type Answer } from 'keyrung/http'

/** Answers what was thrown, in the one shape that guards answer in too, so that they cannot be told apart. */
export function answerThrown(keyrung: Keyrung): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    if (response.headersSent) return next(error)
    const known = isKeyrungError(error) ? error : findParserError(error)
    send(response, answerError(known ?? error, keyrung))
  }
}

/** The errors of Express' own parsers have a status. */
function findParserError(error: unknown): KeyrungError | undefined {
  const status = error instanceof Error && 'status' in error ? error.status : undefined
  const code = parserCodes[String(status)]
  return code && new KeyrungError(code)
}

const parserCodes: Readonly<Record<string, ErrorCode | undefined>> = {
  400: 'input_invalid',
  413: 'body_too_large',
  415: 'media_type_unsupported',
}

function send(response: Response, { status, headers, body }: Answer): void {
  response.statusCode = status
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  response.end(body)
}
