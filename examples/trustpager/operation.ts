import type { ApiRoute, Method } from './api-file.js'

/** What a route does to the example's records; what it *demands* stands in the file alone. */
export type Operation = RecordOperation | ApprovalOperation

/** What is about approvals, which are keyrung's. */
export type ApprovalOperation = 'list-approvals' | 'read-approval' | 'decide-approval'

/** What is about records, which are the host's. */
export type RecordOperation =
  | 'list'
  | 'search'
  | 'read'
  | 'create'
  | 'update'
  | 'replace'
  | 'link'
  | 'delete'
  | 'delete-many'
  | 'read-document'
  | 'update-document'
  | 'replace-document'
  | 'act'

/** The routes of the file as a set to look things up in: `GET /contacts`. */
export type RouteNames = ReadonlySet<string>

/**
 * Says what a route does, from the shape of its path and its method.
 *
 * A path that ends in a parameter names one record. A path that ends in a word names a collection if records
 * stand below it or it can be listed; one document if it can be read and changed in place; else an action.
 *
 * @param path without a query string
 */
export function operationOf(route: ApiRoute, path: string, names: RouteNames): Operation {
  const { method } = route
  if (path === '/approvals' || path.startsWith('/approvals/')) return approvalOperation(method, path)
  if (endsInParameter(path)) return recordOperations[method]
  if (method === 'GET') return isDocument(path, names) ? 'read-document' : 'list'
  // Asking by POST: the file itself says which of them change nothing.
  if (method === 'POST' && !route.write) return 'search'
  if (isDocument(path, names)) return method === 'PATCH' ? 'update-document' : 'replace-document'
  if (method !== 'PATCH' && isCollection(path, names)) return 'create'
  return path.endsWith('/bulk-delete') ? 'delete-many' : 'act'
}

const recordOperations = {
  GET: 'read',
  POST: 'link',
  PUT: 'replace',
  PATCH: 'update',
  DELETE: 'delete',
} as const satisfies Record<Method, RecordOperation>

/** Approvals are never records that a key could make or change. */
function approvalOperation(method: Method, path: string): ApprovalOperation {
  if (method !== 'GET') return 'decide-approval'
  return endsInParameter(path) ? 'read-approval' : 'list-approvals'
}

function isCollection(path: string, names: RouteNames): boolean {
  return names.has(`GET ${path}`) || hasRecords(path, names)
}

function isDocument(path: string, names: RouteNames): boolean {
  const changed = names.has(`PATCH ${path}`) || names.has(`PUT ${path}`)
  return changed && names.has(`GET ${path}`) && !hasRecords(path, names)
}

function hasRecords(path: string, names: RouteNames): boolean {
  for (const name of names) {
    const rest = name.slice(name.indexOf(' ') + 1)
    if (rest.startsWith(`${path}/:`) && !rest.slice(path.length + 2).includes('/')) return true
  }
  return false
}

/** Says whether an operation is about approvals. */
export function isApprovalOperation(operation: Operation): operation is ApprovalOperation {
  return operation.endsWith('approval') || operation.endsWith('approvals')
}

/** Says whether a path names one record: `/contacts/:id`. */
export function endsInParameter(path: string): boolean {
  return path.slice(path.lastIndexOf('/') + 1).startsWith(':')
}
