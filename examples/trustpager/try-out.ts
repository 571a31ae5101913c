import { Client } from '../telling/client.js'

const name = 'To try things out'

/** Makes a key with full access for whoever started the host, and removes the one of the last start. */
export async function makeTryOutKey(url: string): Promise<string> {
  const client = new Client(url)
  await client.send({ method: 'POST', path: '/demo/login', body: { user: 'ada' } })
  const { body } = await client.send({ method: 'GET', path: `/admin/keys?text=${encodeURIComponent(name)}` })
  for (const { id } of (body as { keys: readonly { id: string }[] }).keys) {
    await client.send({ method: 'DELETE', path: `/admin/keys/${id}` })
  }
  const made = await client.send({ method: 'POST', path: '/admin/keys', body: { name, mode: 'full' } })
  await client.send({ method: 'POST', path: '/demo/logout' })
  return (made.body as { secret: string }).secret
}

/** What to type next. */
export function tryOutLines(url: string, key: string): readonly string[] {
  return [
    `TrustPager is up at ${url} (this machine only). Stop it with Ctrl-C.`,
    '',
    'A key with full access to Acme, for you:',
    `  key=${key}`,
    '',
    `  curl ${url}/contacts -H "authorization: Bearer $key"`,
    `  curl ${url}/contacts -H "authorization: Bearer $key" --json '{"name":"Ada"}'`,
    `  curl ${url}/contacts/search -H "authorization: Bearer $key" --json '{"text":"ada"}'`,
    `  curl ${url}/admin/me -H "authorization: Bearer $key"`,
    '',
    'Or manage keys as a demo user: ada and amy (admins) and ben (member) of acme, cleo (admin) and dan (member) of borealis.',
    `  curl -c jar ${url}/demo/login --json '{"user":"ada"}'`,
    `  curl -b jar ${url}/admin/keys`,
    `  curl -b jar ${url}/admin/permissions`,
    `  curl -b jar ${url}/admin/approvals`,
    `  curl -b jar ${url}/demo/plan --json '{"plan":"free"}'    # no API any more, until "pro"`,
  ]
}
