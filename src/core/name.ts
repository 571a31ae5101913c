/** Most characters a resource's or a group's name may have. */
export const maxNameLength = 64

/** Most characters a rung may have, so that `resource:rung` fits into {@link maxScopeLength}. */
export const maxRungLength = 63

/** Most characters a scope or a permission may have. */
export const maxScopeLength = 128

const namePattern = /^[a-z][a-z0-9]*(?:[-_.][a-z0-9]+)*$/
const rungPattern = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/
const scopePattern = /^[a-z][a-z0-9]*(?:[-_.][a-z0-9]+)*:[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/

/** Names that any host code looking things up in a plain object would trip over. */
const reserved = new Set(['constructor', 'prototype'])

/** Says whether a value can name a resource or a group: lower-case words joined by `-`, `_` or `.`. */
export function isName(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length <= maxNameLength &&
    namePattern.test(value) &&
    !reserved.has(value)
  )
}

/** Says whether a value can name a rung: lower-case words joined by `-`. */
export function isRungName(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length <= maxRungLength &&
    rungPattern.test(value) &&
    !reserved.has(value)
  )
}

/** Says whether a value has the form `name:rung` (a scope) or `name:action` (a permission), known or not. */
export function isScopeShaped(value: unknown): value is `${string}:${string}` {
  return typeof value === 'string' && value.length <= maxScopeLength && scopePattern.test(value)
}
