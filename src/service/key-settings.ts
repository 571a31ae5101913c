import type { Actor } from '../core/actor.js'
import { createReport } from '../core/definition-report.js'
import { invalid } from '../core/errors.js'
import type { Fault } from '../core/errors.js'
import { noLimits } from '../core/key-limits.js'
import { readLifetime } from '../core/lifetime.js'
import type { Lifetime } from '../core/lifetime.js'
import { readLimits } from '../core/limit.js'
import type { Limit, LimitRule } from '../core/limit.js'
import { ownProperties } from '../core/own-properties.js'
import { isDuration } from '../core/time.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import type { KeyView, ProposedKey } from './keys/view.js'

/** What can be done to a key after it was made. */
export interface LifecycleSwitches {
  readonly edit: boolean
  readonly rotate: boolean
  readonly revoke: boolean
  readonly activate: boolean
  readonly delete: boolean
}

/** What an actor wants to do to keys. */
export type KeyVerb =
  'create' | 'list' | 'get' | 'edit' | 'rotate' | 'revoke' | 'activate' | 'delete' | 'audit'

/** How a host's keys are made and kept. */
export interface KeySettings {
  readonly environments: readonly string[]
  readonly lifecycle: LifecycleSwitches
  /**
   * Admits an actor; only `true` itself admits. The actor's role is the directory's where there is one.
   *
   * @param key as it is, where there is one
   * @param proposed as it is to be, for `create` and `edit`; left out where the input cannot be read, which is refused next
   */
  canManage(actor: Actor, verb: KeyVerb, key?: KeyView, proposed?: ProposedKey): MaybePromise<boolean>
  /** The host's own rule for names: true, or what is wrong with it. */
  checkName?(name: string, workspaceId: string): MaybePromise<true | string>
  /** The longest grace period of a rotation, in milliseconds. */
  readonly maxGraceMs: number
  /** What limits each key, as far as neither its plan nor the key itself says otherwise. */
  readonly limits: readonly LimitRule[]
  /** How long keys may last; a plan can be tighter. */
  readonly lifetime: Lifetime
}

/** The two usual ways of keeping keys: everything can be done to them, or they can only be revoked. */
export const lifecycles = {
  editable: { edit: true, rotate: true, revoke: true, activate: true, delete: true },
  immutable: { edit: false, rotate: false, revoke: true, activate: false, delete: false },
} as const satisfies Record<string, LifecycleSwitches>

/** The name of a preset. */
export type Lifecycle = keyof typeof lifecycles

/** What a host says about how its keys are kept. */
export interface KeySettingsOptions extends Lifetime {
  /** A preset, or single switches over one (`editable`, unless another `preset` is named). */
  readonly lifecycle?: Lifecycle | ({ readonly preset?: Lifecycle } & Partial<LifecycleSwitches>)
  /** Who may manage; the default admits users whose role is `admin`, and the host itself. */
  readonly canManage?: KeySettings['canManage']
  readonly checkName?: NonNullable<KeySettings['checkName']>
  /** In milliseconds; 30 days unless said otherwise, at most 366. */
  readonly maxGraceMs?: number
  /** The limits of each key; a plan's and a key's own take the place of those of the same name. */
  readonly limits?: readonly Limit[]
}

const dayMs = 86_400_000
const defaultMaxGraceMs = 30 * dayMs
const longestMaxGraceMs = 366 * dayMs

/**
 * Reads a host's settings for keys.
 *
 * @param environments those of the key format
 * @throws KeyrungError `config_invalid` with every fault, by its path under `keys`
 */
export function parseKeySettings(options: KeySettingsOptions, environments: readonly string[]): KeySettings {
  const report = createReport()
  const limits = options.limits === undefined ? noLimits : readLimits(options.limits, 'keys.limits', report)
  const lifetime = readLifetime(options, 'keys', report)
  const faults: Fault[] = [...report.faults]
  const { canManage = isAdmin, checkName, maxGraceMs = defaultMaxGraceMs } = options
  const lifecycle = readLifecycle(options.lifecycle, faults)
  if (typeof canManage !== 'function') faults.push({ path: 'keys.canManage', message: 'must be a function' })
  if (checkName !== undefined && typeof checkName !== 'function') {
    faults.push({ path: 'keys.checkName', message: 'must be a function' })
  }
  if (!isDuration(maxGraceMs, longestMaxGraceMs)) {
    faults.push({ path: 'keys.maxGraceMs', message: 'must be whole milliseconds, at most 366 days' })
  }
  if (faults.length > 0) throw invalid('config_invalid', faults)
  return Object.freeze({
    environments,
    lifecycle,
    canManage,
    ...(checkName && { checkName }),
    maxGraceMs,
    limits,
    lifetime,
  })
}

function isAdmin(actor: Actor): boolean {
  return actor.type === 'system' || (actor.type === 'user' && actor.role === 'admin')
}

function readLifecycle(value: unknown = 'editable', faults: Fault[]): LifecycleSwitches {
  if (isPreset(value)) return Object.freeze({ ...lifecycles[value] })
  const fields = ownProperties(value)
  const presets = Object.keys(lifecycles).join(' or ')
  if (!fields) {
    faults.push({ path: 'keys.lifecycle', message: `must be ${presets}, or switches` })
    return lifecycles.immutable
  }
  const { preset = 'editable' } = Object.fromEntries(fields)
  if (!isPreset(preset)) faults.push({ path: 'keys.lifecycle.preset', message: `must be ${presets}` })
  const switches: Record<string, boolean> = { ...lifecycles[isPreset(preset) ? preset : 'immutable'] }
  for (const [name, on] of fields) {
    if (name === 'preset' || on === undefined) continue
    const path = `keys.lifecycle.${name}`
    if (!Object.hasOwn(switches, name)) faults.push({ path, message: 'is not a switch' })
    else if (typeof on !== 'boolean') faults.push({ path, message: 'must be true or false' })
    else switches[name] = on
  }
  return Object.freeze(switches) as unknown as LifecycleSwitches
}

function isPreset(value: unknown): value is Lifecycle {
  return typeof value === 'string' && Object.hasOwn(lifecycles, value)
}
