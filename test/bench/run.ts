import { cpus, totalmem } from 'node:os'
import { createRequire } from 'node:module'
import { misses } from './contest.js'
import { approvalsContest } from './contests/approvals.js'
import { approvalsManyContest } from './contests/approvals-many.js'
import { checkContest, compileContest } from './contests/check.js'
import { serveAlone } from './contests/http-servers.js'
import type { ServerName } from './contests/http-servers.js'
import { httpContest } from './contests/http.js'
import { limitsContest } from './contests/limits.js'
import { limitsRedisContest } from './contests/limits-redis.js'
import { limitsSqlContest } from './contests/limits-sql.js'
import { replayContest } from './contests/replay.js'
import { scaleContest } from './contests/scale.js'
import { sqliteContest } from './contests/sqlite.js'
import { tokensContest } from './contests/tokens.js'
import { verifyAlone, verifyContest } from './contests/verify.js'

const contests: Record<string, (argument?: string) => Promise<void>> = {
  check: checkContest,
  compile: compileContest,
  verify: verifyContest,
  tokens: tokensContest,
  sqlite: sqliteContest,
  http: httpContest,
  limits: limitsContest,
  'limits-redis': limitsRedisContest,
  'limits-sql': limitsSqlContest,
  replay: replayContest,
  approvals: approvalsContest,
  'approvals-many': approvalsManyContest,
  scale: scaleContest,
}

/** Takes long and much of the disk, and a PostgreSQL: only where it is asked for, as `scale` or `scale=1000000`. */
const onlyWhenAsked = new Set(['scale'])

const [, , verb, ...rest] = process.argv
if (verb === '--serve') await serveAlone(rest[0] as ServerName)
else if (verb === '--verify') await verifyAlone(Number(rest[0]), rest[1] as 'host' | 'none')
else await runContests(process.argv.slice(2))
if (misses.length > 0) process.exitCode = 1

async function runContests(given: readonly string[]): Promise<void> {
  const wanted = new Map(given.map((text) => text.split('=') as [name: string, argument?: string]))
  const require = createRequire(import.meta.url)
  const versions = [
    ...['@casl/ability', 'casbin', 'better-auth', '@better-auth/api-key'],
    ...['rate-limiter-flexible', 'express-rate-limit', 'mitata'],
  ].map(
    (name) => `${name} ${(require(`../node_modules/${name}/package.json`) as { version: string }).version}`,
  )
  console.log(
    `Node ${process.version} on ${cpus().length} × ${cpus()[0]!.model.trim()}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
  )
  console.log(versions.join(', '))
  console.log('Medians of interleaved rounds; the last column is the rate beside the first row.')

  const unknown = [...wanted.keys()].filter((name) => !Object.hasOwn(contests, name))
  if (unknown.length > 0) {
    console.error(`There is no contest ${unknown.join(', ')}; there are ${Object.keys(contests).join(', ')}.`)
    process.exit(2)
  }
  for (const [name, run] of Object.entries(contests)) {
    if (wanted.size === 0 ? !onlyWhenAsked.has(name) : wanted.has(name)) await run(wanted.get(name))
  }
  if (misses.length > 0) {
    console.log(`\n${misses.length} goals missed:\n  ${misses.join('\n  ')}`)
  }
}
