/** Answers with JSON that no cache keeps: it is about one caller at one moment, and may show a secret. */
export function answerJson(
  body: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
  })
}

/** Answers that it is done, and that there is nothing to say about it. */
export function answerNothing(): Response {
  return new Response(null, { status: 204, headers: { 'cache-control': 'no-store' } })
}
