import { approvalEffects } from '../../core/approval.js'
import type { ApprovalEffect } from '../../core/approval.js'
import type { Demand } from '../../core/demand.js'
import { invalid } from '../../core/errors.js'
import type { Fault } from '../../core/errors.js'
import { isName, maxNameLength } from '../../core/name.js'
import { ownProperties } from '../../core/own-properties.js'
import type { OperationDefinition, StandardSchema } from '../operation.js'

/** A definition that was checked, with its defaults filled in. */
export interface DefinedOperation extends Pick<
  OperationDefinition<string, unknown>,
  'preview' | 'precondition' | 'run'
> {
  readonly name: string
  readonly demand: Demand
  readonly effect: ApprovalEffect
  readonly input: StandardSchema
}

const fields = new Set([
  ...['permission', 'input', 'effect', 'approval', 'cost', 'limit', 'preview', 'precondition', 'run'],
])

/**
 * Checks what a host has registered.
 *
 * @param canCommitWith whether the store shares its transactions
 * @param demandOf binds the permissions, as `keyrung.demand` does
 * @throws KeyrungError `config_invalid` with every fault, `unknown_permission`
 */
export function readDefinition(
  name: unknown,
  definition: unknown,
  canCommitWith: boolean,
  demandOf: (permissions: never, options: object) => Demand,
): DefinedOperation {
  const faults: Fault[] = []
  const add = (path: string, message: string): void => void faults.push({ path, message })
  if (!isName(name))
    add('name', `must be lower-case words joined by -, _ or ., at most ${maxNameLength} characters`)
  const given = ownProperties(definition)
  if (given === undefined)
    throw invalid('config_invalid', [...faults, { path: 'definition', message: 'must be an object' }])
  for (const field of given.keys()) if (!fields.has(field)) add(field, 'is not part of an operation')
  const effect = given.get('effect') ?? 'unsafe'
  if (!(approvalEffects as readonly unknown[]).includes(effect)) {
    add('effect', `must be one of ${approvalEffects.join(', ')}`)
  } else if (effect === 'transactional' && !canCommitWith) {
    add(
      'effect',
      'can be transactional only on a store that shares its transactions: SQLite, PostgreSQL, MySQL',
    )
  }
  if (!isSchema(given.get('input'))) add('input', 'must be a Standard Schema, e.g. of zod')
  if (typeof given.get('run') !== 'function') add('run', 'must be a function')
  for (const field of ['preview', 'precondition']) {
    const value = given.get(field)
    if (value !== undefined && typeof value !== 'function') add(field, 'must be a function where it is given')
  }
  if (faults.length > 0) throw invalid('config_invalid', faults)
  const options = ['approval', 'cost', 'limit'].flatMap((field) =>
    given.get(field) === undefined ? [] : [[field, given.get(field)] as const],
  )
  const { preview, precondition, run, input } = definition as OperationDefinition<string, unknown>
  return {
    ...{ name: name as string, effect: effect as ApprovalEffect, input, run },
    demand: demandOf(given.get('permission') as never, Object.fromEntries(options)),
    ...(preview && { preview }),
    ...(precondition && { precondition }),
  }
}

/** Some libraries' schemas are functions. */
function isSchema(value: unknown): value is StandardSchema {
  try {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
    const standard = (value as Partial<StandardSchema>)['~standard']
    return standard?.version === 1 && typeof standard.validate === 'function'
  } catch {
    return false
  }
}
