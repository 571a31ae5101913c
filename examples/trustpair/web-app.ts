import type { Context, Middleware } from 'koa'
import { KeyrungError, type Keyrung, type UsageQuery, type UserActor } from 'keyrung'
import type { catalog } from './catalog.js'
import { modules } from './catalog.js'
import { fault, readFields } from './input.js'
import { findActor, type DemoLogin } from './login.js'
import { permissionReference, permissionTable, referenceFor } from './permission-table.js'
import { routes } from './routes.js'
import { usageTable, usedPermissions } from './usage-table.js'
import { demoUsers, isModuleList, type Workspaces } from './workspaces.js'

/** What the web app is made of. */
export interface WebAppParts {
  readonly keyrung: Keyrung<typeof catalog>
  readonly workspaces: Workspaces
  readonly login: DemoLogin
}

type Page = (context: Context) => void | Promise<void>

/**
 * The part of Trustpair that people use, without its looks: the published permission reference, the login, the
 * token page's offer, what tokens were used for, and the back office that changes a subscription.
 */
export function createWebApp({ keyrung, workspaces, login }: WebAppParts): Middleware {
  /** @throws KeyrungError `actor_missing`, `forbidden` */
  function requireAdmin(context: Context): UserActor {
    const actor = login.actorOf(context.req.headers.cookie)
    if (!actor) throw new KeyrungError('actor_missing')
    if (actor.role !== 'admin') throw new KeyrungError('forbidden')
    return actor
  }

  function showOffer(context: Context, workspaceId: string): void {
    const chosen = workspaces.modulesOf(workspaceId)
    context.set('cache-control', 'no-store')
    context.body = { workspace: workspaceId, modules: chosen, offer: referenceFor(chosen) }
  }

  /** What all tokens of the admin's workspace were used for, revoked ones too. */
  async function readUsage(context: Context) {
    const { from, to } = context.query
    // A name that stands twice is a list, which is refused like anything else that is no day.
    const usage = await keyrung.usage(requireAdmin(context), { from, to } as UsageQuery)
    context.set('cache-control', 'no-store')
    return { ...usage, permissions: usedPermissions(usage.rows) }
  }

  const pages: Readonly<Record<string, Page>> = {
    'GET /': (context) => {
      context.body = {
        name: 'Trustpair, an example host of keyrung',
        api: routes.map(({ method, path, permission }) => `${method} ${path} (${permission})`),
        reference: ['GET /permissions', 'GET /permissions.md'],
        management: ['/admin/keys', '/admin/audit', '/admin/catalog', '/admin/permissions', '/admin/me'],
        tokens: ['GET /offer', 'GET /usage', 'GET /usage.md'],
        demo: ['GET /demo/users', 'POST /demo/login', 'POST /demo/logout', 'POST /demo/subscription'],
      }
    },
    'GET /permissions': (context) => {
      context.body = { groups: permissionReference }
    },
    'GET /permissions.md': (context) => {
      context.body = `# Permissions\n\n${permissionTable(permissionReference)}\n`
      context.type = 'text/markdown'
    },
    'GET /offer': (context) => showOffer(context, requireAdmin(context).workspaceId),
    'GET /usage': async (context) => {
      const { from, to, totals, permissions } = await readUsage(context)
      context.body = { from, to, totals, permissions }
    },
    'GET /usage.md': async (context) => {
      const { from, to, permissions } = await readUsage(context)
      context.body = `# Usage from ${from} to ${to}\n\n${usageTable(permissions)}\n`
      context.type = 'text/markdown'
    },
    'GET /demo/users': (context) => {
      context.body = { data: demoUsers }
    },
    // A JSON body makes another site's page ask first (CORS), which nothing here ever answers.
    'POST /demo/login': async (context) => {
      const actor = findActor((await readFields(context.req))['user'])
      if (!actor) throw fault('user', `must be one of ${demoUsers.map(({ id }) => id).join(', ')}`)
      login.end(context.req.headers.cookie)
      context.set('set-cookie', login.start(actor))
      context.body = { user: actor.id, workspace: actor.workspaceId, role: actor.role }
    },
    'POST /demo/logout': (context) => {
      context.set('set-cookie', login.end(context.req.headers.cookie))
      context.status = 204
    },
    'POST /demo/subscription': async (context) => {
      const { workspaceId } = requireAdmin(context)
      const chosen = (await readFields(context.req))['modules']
      if (!isModuleList(chosen)) throw fault('modules', `must be a list of ${modules.join(', ')}`)
      workspaces.subscribe(workspaceId, chosen)
      // Answered when no instance goes by the old subscription any more.
      await keyrung.changed({ workspaceId })
      showOffer(context, workspaceId)
    },
  }

  return (context, next) => {
    const method = context.method === 'HEAD' ? 'GET' : context.method
    const name = `${method} ${context.path}`
    return Object.hasOwn(pages, name) ? pages[name]!(context) : next()
  }
}
