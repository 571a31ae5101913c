import type { TrustpairPermission } from './catalog.js'
import { create, createBelow, get, list, recents, remove, update, type Operation } from './operations.js'

/** One route: what it demands is written beside it, and follows from neither its method nor its path. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Segments; `:id` takes whatever stands there. */
  readonly path: string
  readonly permission: TrustpairPermission
  readonly operation: Operation
}

/** The routes that the product's file names, in its order. */
export const knownRoutes: readonly Route[] = [
  at('GET', '/company_account_checks', 'company_account_checks:read', list('company_account_checks')),
  at(
    'GET',
    '/company_account_checks/recents',
    'company_account_checks:read',
    recents('company_account_checks'),
  ),
  at('POST', '/company_account_checks', 'company_account_checks:write', create('company_account_checks')),
  at('GET', '/company_account_audits', 'company_account_audits:read', list('company_account_audits')),
  at(
    'GET',
    '/company_account_audits/recents',
    'company_account_audits:read',
    recents('company_account_audits'),
  ),
  at('GET', '/payment_checks/recents', 'payment_checks:read', recents('payment_checks')),
  at('POST', '/payment_checks', 'payment_checks:write', create('payment_checks')),
  at('GET', '/paid_payments', 'paid_payments:read', list('paid_payments')),
  at('POST', '/cases', 'cases:write', create('cases', { status: 'open' })),
  at('GET', '/cases/:id', 'cases:read', get('cases')),
  at('POST', '/cases/:id/overrides', 'cases:write', createBelow('cases', 'overrides')),
]

/** Routes of the example's own, so that every level of every permission has something that it opens. */
const ownRoutes: readonly Route[] = [
  at('GET', '/company_account_checks/:id', 'company_account_checks:read', get('company_account_checks')),
  at(
    'PATCH',
    '/company_account_checks/:id',
    'company_account_checks:write',
    update('company_account_checks'),
  ),
  at('GET', '/company_account_audits/:id', 'company_account_audits:read', get('company_account_audits')),
  at('POST', '/company_account_audits', 'company_account_audits:write', create('company_account_audits')),
  at(
    'PATCH',
    '/company_account_audits/:id',
    'company_account_audits:write',
    update('company_account_audits'),
  ),
  at('GET', '/payment_checks/:id', 'payment_checks:read', get('payment_checks')),
  at('GET', '/cases', 'cases:read', list('cases')),
  at('GET', '/cases/:id/comments', 'cases:read', list('cases', 'comments')),
  at('GET', '/cases/:id/overrides', 'cases:read', list('cases', 'overrides')),
  at('POST', '/cases/:id/comments', 'cases:write', createBelow('cases', 'comments')),
  at('POST', '/cases/:id/submit', 'cases:write', update('cases', { status: 'submitted' })),
  at('GET', '/users', 'users:read', list('users')),
  at('GET', '/documents', 'documents:read', list('documents')),
  at('GET', '/documents/:id', 'documents:read', get('documents')),
  at('POST', '/documents', 'documents:write', create('documents')),
  at('GET', '/documents/:id/analyses', 'document_analyses:read', list('documents', 'analyses')),
  at(
    'POST',
    '/documents/:id/analyses',
    'document_analyses:write',
    createBelow('documents', 'analyses', { status: 'requested' }),
  ),
  at('GET', '/tags', 'tags:read', list('tags')),
  at('POST', '/tags', 'tags:write', create('tags')),
  at('PATCH', '/tags/:id', 'tags:write', update('tags')),
  at('DELETE', '/tags/:id', 'tags:write', remove('tags')),
]

/** All routes; of two that fit a path, the first is taken. */
export const routes: readonly Route[] = [...knownRoutes, ...ownRoutes]

function at(
  method: Route['method'],
  path: string,
  permission: TrustpairPermission,
  operation: Operation,
): Route {
  return { method, path, permission, operation }
}
