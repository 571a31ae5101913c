import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { projectRoot } from '../tooling/exports.js'
import { mustFail } from './on-server.js'

test('what needs a server that is not here is left out by name, with the reason, at the end of the run', () => {
  const { stdout, status } = spawnSync(
    process.execPath,
    [
      ...['node_modules/vitest/vitest.mjs', 'run', '--config', 'test/tooling/vitest.config.ts'],
      ...['--coverage.enabled=false', 'test/servers/databases.test.ts'],
    ],
    {
      cwd: projectRoot,
      encoding: 'utf8',
      env: { ...process.env, CI: '', NO_COLOR: '1', KEYRUNG_SERVERS: 'none' },
    },
  )
  expect(status).toBe(0)
  const file = 'test/servers/databases.test.ts'
  expect(stdout.slice(stdout.indexOf('Left out'))).toBe(
    [
      'Left out, 4 in number, as none was wanted (KEYRUNG_SERVERS=none)',
      `  ${file}: PostgreSQL for tests > gives every caller an empty database of its own`,
      `  ${file}: PgBouncer for tests > hands out another server session in another transaction`,
      `  ${file}: MariaDB for tests > gives every caller an empty database of its own`,
      `  ${file}: Redis for tests > gives every caller an empty database of its own`,
      '',
    ].join('\n'),
  )
}, 60_000)

test('where all servers must be there a missing one is a failure', () => {
  expect(mustFail('PostgreSQL is not here', 'all')).toBe(true)
  expect(mustFail('PostgreSQL is not here', undefined)).toBe(false)
  expect(mustFail(undefined, 'all')).toBe(false)
})
