import type { ApprovalEffect } from '../core/approval.js'
import type { AnyCatalog, PermissionOf } from '../core/catalog.js'
import type { Demand, DemandOptions } from '../core/demand.js'
import { invalid } from '../core/errors.js'
import { ownElements } from '../core/own-properties.js'
import { describeUnknownOption } from '../core/suggestion.js'
import type { Keyrung, PermissionInput } from '../service/keyrung.js'

/** What repeating a request would do: named operations have one more. */
export type ReplayEffect = Exclude<ApprovalEffect, 'transactional'>

/** How a route is treated beyond the permissions it demands. */
export interface GateOptions extends DemandOptions {
  /**
   * What running its handler a second time would do, where an approved request was cut off in the middle: `unsafe`: a
   * human looks first; `idempotent`: the handler recognises the approval's id, and is called again.
   * @defaultValue `'unsafe'`
   */
  readonly effect?: ReplayEffect
}

/** What a gate was made with. */
export interface BoundGate {
  readonly demand: Demand
  readonly effect: ReplayEffect
}

/** Permissions, and how the operation is treated beyond them; without any, a guard admits any valid credential. */
export type GateArguments<C extends AnyCatalog> =
  | readonly []
  | readonly [
      permissions: PermissionOf<C> | readonly [PermissionOf<C>, ...PermissionOf<C>[]],
      options?: GateOptions,
    ]

/**
 * Binds what a gate was made with, so that a mistake stops the start and never meets a request.
 *
 * @throws KeyrungError `config_invalid`, or `unknown_permission` for one the catalogue does not have
 */
export function bindDemand<C extends AnyCatalog>(keyrung: Keyrung<C>, args: GateArguments<C>): BoundGate {
  requireKeyrung(keyrung)
  if (args.length === 0) return { demand: keyrung.demand([]), effect: 'unsafe' }
  const [permissions, options] = args as readonly unknown[]
  if (args.length > 2) throw mistake('', 'takes several permissions as one array')
  // Left out it means "any credential"; a variable that happens to be undefined must not come to mean that.
  if (permissions === undefined || permissions === null) {
    throw mistake(
      'permissions',
      `is ${permissions}: name a permission, or leave it out to admit any valid credential`,
    )
  }
  requireOptions(options)
  const given = typeof permissions === 'string' ? [permissions] : ownElements(permissions, Infinity)
  if (given === undefined) throw mistake('permissions', 'must be a permission or an array of permissions')
  if (given.length === 0) {
    throw mistake('permissions', 'is empty: name a permission, or leave it out to admit any valid credential')
  }
  const { effect = 'unsafe', ...treated } = options ?? {}
  if (effect !== 'unsafe' && effect !== 'idempotent') {
    throw mistake('options.effect', "must be 'unsafe' or 'idempotent'")
  }
  const demand = keyrung.demand(permissions as PermissionInput<C>, options && treated)
  if (demand.permissions.length !== given.length) {
    throw mistake('permissions', 'names a permission twice, perhaps once by an old name of its resource')
  }
  return { demand, effect }
}

function requireKeyrung(value: unknown): void {
  const given = (value ?? {}) as Partial<Record<keyof Keyrung, unknown>>
  const calls = [given.admit, given.authorize, given.demand, given.notify, given.attached, given.queue]
  if (!calls.every((call) => typeof call === 'function')) {
    throw mistake('keyrung', 'must be what createKeyrung made')
  }
  for (const part of ['catalog', 'http', 'approvalSettings'] as const) {
    if (typeof given[part] !== 'object' || given[part] === null)
      throw mistake(`keyrung.${part}`, 'is missing')
  }
}

const knownOptions = ['approval', 'cost', 'effect', 'limit']

function requireOptions(options: unknown): asserts options is GateOptions | undefined {
  if (options === undefined) return
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw mistake('options', 'must be an object; several permissions are given as one array')
  }
  for (const name of Object.keys(options)) {
    if (!knownOptions.includes(name))
      throw mistake(`options.${name}`, describeUnknownOption(name, knownOptions))
  }
}

function mistake(path: string, message: string): Error {
  return invalid('config_invalid', [{ path, message }])
}
