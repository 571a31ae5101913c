import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where the host keeps what outlives it. */
export interface DataFolder {
  readonly databasePath: string
  readonly auditPath: string
  /** The host's secret, which digests of keys are peppered with. */
  readonly secret: string
  /** Whether the secret was made just now. */
  readonly isNew: boolean
  readonly secretPath: string
}

/**
 * Opens the folder, and makes it and the host's secret at the first start.
 *
 * A real host gets its secret from its environment. Whoever loses it loses all keys, as no digest fits any more.
 */
export function openDataFolder(path: string): DataFolder {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  const secretPath = join(path, 'secret')
  const isNew = !existsSync(secretPath)
  if (isNew) writeFileSync(secretPath, randomBytes(32).toString('base64url'), { mode: 0o600, flag: 'wx' })
  return {
    databasePath: join(path, 'trustpager.sqlite'),
    auditPath: join(path, 'audit.jsonl'),
    secret: readFileSync(secretPath, 'utf8'),
    isNew,
    secretPath,
  }
}
