import { randomBytes } from 'node:crypto'
import express, { type RequestHandler, type Router } from 'express'
import { KeyrungError, type UserActor } from 'keyrung'
import { demoUsers, findUser, type DemoUser } from './workspaces.js'

/** How long a login lasts. */
const sessionMs = 8 * 3_600_000

/** More logins than a demo needs; the oldest makes room. */
const maxSessions = 100

const cookieName = 'trustpager_demo'

/** A login without passwords: for this machine only, and for nothing but a demo. */
export interface DemoLogin {
  /** `POST /login`, `POST /logout`, `GET /users`. */
  readonly router: Router
  /** Who a `Cookie` header belongs to; null: nobody. */
  actorOf(cookies: string | null | undefined): UserActor | null
}

interface Session {
  readonly user: DemoUser
  readonly endsAt: number
}

/** Keeps sessions in memory, by random tokens that only the browser knows. */
export function createDemoLogin(): DemoLogin {
  const sessions = new Map<string, Session>()

  function findUserOf(cookies: string | null | undefined): DemoUser | undefined {
    const session = sessions.get(readToken(cookies))
    return session && Date.now() < session.endsAt ? session.user : undefined
  }

  const router = express.Router()
  // A JSON body makes another site's page ask first (CORS), which nothing here ever answers.
  router.post('/login', express.json({ limit: '1kb' }), (request, response) => {
    const user = findUser((request.body as { user?: unknown } | undefined)?.user)
    if (!user) throw new KeyrungError('input_invalid', { faults: [{ path: 'user', message: names }] })
    const token = randomBytes(32).toString('base64url')
    if (sessions.size >= maxSessions) sessions.delete([...sessions.keys()][0]!)
    sessions.delete(readToken(request.headers.cookie))
    sessions.set(token, { user, endsAt: Date.now() + sessionMs })
    response.cookie(cookieName, token, { httpOnly: true, sameSite: 'strict', maxAge: sessionMs })
    response.json(shown(user))
  })
  router.post('/logout', (request, response) => {
    sessions.delete(readToken(request.headers.cookie))
    response.clearCookie(cookieName, { httpOnly: true, sameSite: 'strict' }).status(204).end()
  })
  router.get('/users', (_request, response) => {
    response.json({ data: demoUsers.map(shown) })
  })

  return {
    router,
    actorOf(cookies) {
      const user = findUserOf(cookies)
      return user ? { type: 'user', id: user.id, workspaceId: user.workspaceId, role: user.role } : null
    },
  }
}

/**
 * Refuses whoever is not on this machine, and pages that reach this machine under a name of their own.
 *
 * The host listens on a loopback address only; this holds where someone puts a proxy in front of it after all.
 */
export const requireLocal: RequestHandler = (request, _response, next) => {
  if (!isLoopback(request.socket.remoteAddress) || !isLocalHost(request.headers.host)) {
    throw new KeyrungError('forbidden', { message: 'The demo login is for this machine only.' })
  }
  next()
}

/** Says whether an address is this machine's own. */
export function isLoopback(address: string | undefined): boolean {
  return address === '::1' || /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/.test(address ?? '')
}

/** Says whether a `Host` header names this machine. */
export function isLocalHost(host: string | undefined): boolean {
  return /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/.test(host ?? '')
}

const names = `must be one of ${demoUsers.map((user) => user.id).join(', ')}`

function shown({ id, name, workspaceId, role }: DemoUser) {
  return { user: id, name, workspace: workspaceId, role }
}

function readToken(cookies: string | null | undefined): string {
  for (const cookie of (cookies ?? '').split(';')) {
    const [name, value] = cookie.trim().split('=')
    if (name === cookieName && value) return value
  }
  return ''
}
