import { randomBytes } from 'node:crypto'
import type { Middleware } from 'koa'
import { KeyrungError, type UserActor } from 'keyrung'
import { findUser } from './workspaces.js'

/** How long a login lasts. */
const sessionMs = 8 * 3_600_000

/** More logins than a demo needs; the oldest makes room. */
const maxSessions = 100

const cookieName = 'trustpair_demo'

/** A login without passwords: for this machine only, and for nothing but a demo. */
export interface DemoLogin {
  /** Starts a session. @returns the `Set-Cookie` header */
  start(user: UserActor): string
  /** Ends the session that a `Cookie` header belongs to. @returns the `Set-Cookie` header */
  end(cookies: string | null | undefined): string
  /** Who a `Cookie` header belongs to; null: nobody. */
  actorOf(cookies: string | null | undefined): UserActor | null
}

interface Session {
  readonly user: UserActor
  readonly endsAt: number
}

/** Keeps sessions in memory, by random tokens that only the browser knows. */
export function createDemoLogin(): DemoLogin {
  const sessions = new Map<string, Session>()
  return {
    start(user) {
      const token = randomBytes(32).toString('base64url')
      if (sessions.size >= maxSessions) sessions.delete([...sessions.keys()][0]!)
      sessions.set(token, { user, endsAt: Date.now() + sessionMs })
      return cookieOf(token, sessionMs / 1_000)
    },
    end(cookies) {
      sessions.delete(readToken(cookies))
      return cookieOf('', 0)
    },
    actorOf(cookies) {
      const session = sessions.get(readToken(cookies))
      return session && Date.now() < session.endsAt ? session.user : null
    },
  }
}

/** A demo user as keyrung's actor; undefined: nobody has this id. */
export function findActor(id: unknown): UserActor | undefined {
  const user = findUser(id)
  return user && { type: 'user', id: user.id, workspaceId: user.workspaceId, role: user.role }
}

/**
 * Refuses whoever is not on this machine, and pages that reach this machine under a name of their own.
 *
 * The host listens on a loopback address only; this holds where someone puts a proxy in front of it after all.
 */
export const requireLocal: Middleware = (context, next) => {
  if (!isLoopback(context.req.socket.remoteAddress) || !isLocalHost(context.req.headers.host)) {
    throw new KeyrungError('forbidden', { message: 'This demo is for this machine only.' })
  }
  return next()
}

/** Says whether an address is this machine's own. */
export function isLoopback(address: string | undefined): boolean {
  return address === '::1' || /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/.test(address ?? '')
}

/** Says whether a `Host` header names this machine. */
export function isLocalHost(host: string | undefined): boolean {
  return /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/.test(host ?? '')
}

function cookieOf(token: string, maxAge: number): string {
  return `${cookieName}=${token}; Path=/; Max-Age=${maxAge}; HttpOnly; SameSite=Strict`
}

function readToken(cookies: string | null | undefined): string {
  for (const cookie of (cookies ?? '').split(';')) {
    const [name, value] = cookie.trim().split('=')
    if (name === cookieName && value) return value
  }
  return ''
}
