import { Transcript, type Fields } from '../telling/transcript.js'

/** How this host's requests and answers look in a line. */
export const transcript = new Transcript({
  widths: { path: 33, caller: 20, body: 120 },
  summaries: [
    ({ key, secret }) => key && { ...(secret ? { secret } : {}), ...tokenFields(key as Fields) },
    ({ unused }) => unused && { unused },
    ({ totals, permissions }) => totals && { ...(totals as Fields), ...unusedIn(permissions) },
    ({ keys, counting }) =>
      keys && (keys as readonly Fields[]).map((one) => (counting ? limitText(one) : tokenFields(one))),
    ({ modules, offer }) => offer && `${String(modules)} offers ${offered(offer).join(', ')}`,
  ],
})

/** The names of the permissions in an offer. */
export function offered(offer: unknown): readonly string[] {
  const groups = offer as readonly { resources: readonly { label: string }[] }[]
  return groups.flatMap(({ resources }) => resources.map(({ label }) => label))
}

function limitText({ limit, window_seconds: seconds }: Fields): string {
  return `${String(limit)} in ${String(seconds)} s`
}

/** How many permissions of the reference nobody used. */
function unusedIn(permissions: unknown): Fields {
  if (permissions === undefined) return {}
  return { unused: (permissions as readonly Fields[]).filter(({ allowed }) => allowed === 0).length }
}

function tokenFields({ name, status, scopes, secrets }: Fields): Fields {
  const [shown] = secrets as readonly { last_four: string }[]
  return { name, status, last_four: shown?.last_four, scopes }
}
