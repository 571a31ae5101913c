import { parseArgs } from 'node:util'
import { startHost, type Host } from './host.js'
import { permissionReference, permissionTable } from './permission-table.js'
import { routes } from './routes.js'
import { tellStory } from './story.js'

const print = (line: string): void => console.log(line)

/** Starts the host, tells the story, and stays up unless told not to. Answers the exit code, if it is to end. */
async function main(): Promise<number | undefined> {
  const { values } = parseArgs({ options: { exit: { type: 'boolean', default: false } } })
  const port = readPort(process.env['PORT'])
  const dataDir = process.env['DATA_DIR'] || '.data/trustpair'
  const host = await startHost({ dataDir, port })
  const stop = closeOnSignal(host)

  print(`Trustpair: ${routes.length} guarded routes at ${host.url}, data in ${dataDir}\n`)
  print(permissionTable(permissionReference))
  const wentAsTold = await tellStory(host.url, print)
  print(wentAsTold ? '\nThe story went as told.\n' : '\nThe story did NOT go as told.\n')
  if (values.exit) {
    await stop()
    return wentAsTold ? 0 : 1
  }
  for (const line of nextSteps(host.url)) print(line)
  return undefined
}

/** What to type next. */
function nextSteps(url: string): readonly string[] {
  return [
    `Trustpair is up at ${url} (this machine only). Stop it with Ctrl-C.`,
    '',
    'The permission reference, for people and for programs:',
    `  curl ${url}/permissions.md`,
    `  curl ${url}/permissions`,
    '',
    'Tokens are made by admins: log in as mara (of meridian) or tove (of tessera), and make one.',
    `  curl -c jar ${url}/demo/login --json '{"user":"mara"}'`,
    `  curl -b jar ${url}/offer`,
    `  curl -b jar ${url}/admin/keys --json '{"name":"Mine","scopes":["tags:write"]}'`,
    `  curl ${url}/tags -H 'authorization: Bearer …the secret…' --json '{"name":"urgent"}'`,
    `  curl -b jar ${url}/demo/subscription --json '{"modules":["m1","m2","m3"]}'`,
  ]
}

function readPort(text: string | undefined): number {
  const port = Number(text || '3001')
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`PORT is no port: ${text}`)
  return port
}

/** Closes the host once, on SIGINT, SIGTERM or when asked, so that nothing noted is lost. */
function closeOnSignal(host: Host): () => Promise<void> {
  let closing: Promise<void> | undefined
  const stop = (): Promise<void> => (closing ??= host.close())
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void stop().then(() => process.exit(0), fail))
  }
  return stop
}

function fail(error: unknown): never {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const port = process.env['PORT'] || '3001'
  if (code === 'EADDRINUSE')
    console.error(`Port ${port} is in use. Choose another one, e.g. PORT=3002 npm run start:trustpair`)
  else console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}

void main().then((code) => {
  if (code !== undefined) process.exit(code)
}, fail)
