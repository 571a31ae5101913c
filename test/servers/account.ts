import { readFileSync } from 'node:fs'

/** Whom a process runs as. */
export interface Account {
  readonly uid: number
  readonly gid: number
}

/** The first of these accounts that this machine has: servers refuse to run as root. Nothing where we are not root. */
export function findAccount(...names: readonly string[]): Account | undefined {
  if (process.getuid?.() !== 0) return undefined
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n')
  for (const name of [...names, 'nobody']) {
    const [, , uid, gid] = lines.find((line) => line.startsWith(`${name}:`))?.split(':') ?? []
    if (uid !== undefined) return { uid: Number(uid), gid: Number(gid) }
  }
  throw new Error('root, and no account to run a server as')
}
