import { parseArgs } from 'node:util'
import { startHost, type Host } from './host.js'
import { tellStory } from './story.js'
import { makeTryOutKey, tryOutLines } from './try-out.js'

const print = (line: string): void => console.log(line)

/** Starts the host, tells the story, and stays up unless told not to. Answers the exit code, if it is to end. */
async function main(): Promise<number | undefined> {
  const { values } = parseArgs({ options: { exit: { type: 'boolean', default: false } } })
  const port = readPort(process.env['PORT'])
  const dataDir = process.env['DATA_DIR'] || '.data/trustpager'
  const host = await startHost({ dataDir, port })
  const stop = closeOnSignal(host)

  print(`TrustPager: ${host.routes.length} guarded routes at ${host.url}, data in ${dataDir}`)
  if (host.folder.isNew)
    print(`Made a secret for this host: ${host.folder.secretPath} (readable by you only)`)
  const wentAsTold = await tellStory(host.url, print)
  print(wentAsTold ? '\nThe story went as told.\n' : '\nThe story did NOT go as told.\n')
  if (values.exit) {
    await stop()
    return wentAsTold ? 0 : 1
  }
  if (wentAsTold) for (const line of tryOutLines(host.url, await makeTryOutKey(host.url))) print(line)
  else print(`TrustPager is up at ${host.url} all the same. Stop it with Ctrl-C.`)
  return undefined
}

function readPort(text: string | undefined): number {
  const port = Number(text || '3000')
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
  const port = process.env['PORT'] || '3000'
  if (code === 'EADDRINUSE')
    console.error(`Port ${port} is in use. Choose another one, e.g. PORT=3001 npm start`)
  else console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}

main().then((code) => {
  if (code !== undefined) process.exit(code)
}, fail)
