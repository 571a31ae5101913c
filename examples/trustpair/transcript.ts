import { Transcript, type Fields } from '../telling/transcript.js'

/** How this host's requests and answers look in a line. */
export const transcript = new Transcript({
  widths: { path: 33, caller: 20, body: 120 },
  summaries: [
    ({ key, secret }) => key && { ...(secret ? { secret } : {}), ...tokenFields(key as Fields) },
    ({ keys }) => keys && (keys as readonly Fields[]).map(tokenFields),
    ({ modules, offer }) => offer && `${String(modules)} offers ${offered(offer).join(', ')}`,
  ],
})

/** The names of the permissions in an offer. */
export function offered(offer: unknown): readonly string[] {
  const groups = offer as readonly { resources: readonly { label: string }[] }[]
  return groups.flatMap(({ resources }) => resources.map(({ label }) => label))
}

function tokenFields({ name, status, scopes, secrets }: Fields): Fields {
  const [shown] = secrets as readonly { last_four: string }[]
  return { name, status, last_four: shown?.last_four, scopes }
}
