import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where the host keeps what outlives it. */
export interface DataFolder {
  readonly databasePath: string
  readonly auditPath: string
  /** The host's secret, which digests of tokens are peppered with. */
  readonly secret: string
}

/**
 * Opens the folder, and makes it and the host's secret at the first start. A real host gets its secret from its
 * environment, and keeps it: without it, no token works any more.
 */
export function openDataFolder(path: string): DataFolder {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  const secretPath = join(path, 'secret')
  if (!existsSync(secretPath)) {
    writeFileSync(secretPath, randomBytes(32).toString('base64url'), { mode: 0o600, flag: 'wx' })
  }
  return {
    databasePath: join(path, 'trustpair.sqlite'),
    auditPath: join(path, 'audit.jsonl'),
    secret: readFileSync(secretPath, 'utf8'),
  }
}
