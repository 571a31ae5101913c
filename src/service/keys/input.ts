import * as z from 'zod/mini'
import type { AnyCatalog } from '../../core/catalog.js'
import { invalid } from '../../core/errors.js'
import type { Fault } from '../../core/errors.js'
import type { KeyMode, KeyRecord } from '../../core/key.js'
import type { Limit } from '../../core/limit.js'
import { ownElements } from '../../core/own-properties.js'
import type { JsonObject } from '../../core/plain-value.js'
import { isInstant } from '../../core/time.js'
import type { WebhookEvent } from '../../core/delivery.js'
import { changeWebhook } from '../../core/webhook.js'
import {
  addressRules,
  instant,
  limits,
  metadata,
  name,
  objectOf,
  oneOf,
  ownerId,
  readFields,
  scopes,
  webhook,
} from './fields.js'

interface SharedInput {
  /** The first instant at which it is no longer valid, in milliseconds since 1970; null: none. */
  readonly expiresAt?: number | null | undefined
  /** The first instant at which it is valid, in milliseconds since 1970; null: at once. */
  readonly notBefore?: number | null | undefined
  /** IPv4 and IPv6 addresses and networks (CIDR) it may be used from; empty: from anywhere. */
  readonly addressRules?: readonly string[] | undefined
  /** An object of the host's own: at most 4 KiB of JSON, 4 levels, 50 members and elements. */
  readonly metadata?: JsonObject | undefined
  /** The user whose own rights cap the key; needs a directory. */
  readonly ownerId?: string | null | undefined
  /** Limits of its own, at most 8: each takes the place of the host's of the same name, and of the plan's where it is tighter; null: none. */
  readonly limits?: readonly Limit[] | null | undefined
  /**
   * Where it is told about its approvals; null: nowhere. By default only of rejections. Its signing secret is shown when
   * the key is made, or by `rotateWebhook`.
   */
  readonly webhook?: WebhookInput | null | undefined
}

/** Where a key is told about its approvals. */
export interface WebhookInput {
  /** An https URL in the public internet, of at most 2,048 characters. */
  readonly url: string
  readonly events?: readonly WebhookEvent[] | undefined
}

/** What a new key is to be; `S` are the catalogue's scopes, `E` the environments. */
export type CreateKeyInput<S extends string = string, E extends string = string> = SharedInput & {
  /** 1 to 100 characters on one line, trimmed. */
  readonly name: string
  /** One of the configured; the first of them unless said otherwise. */
  readonly environment?: E | undefined
} & (
    | { readonly mode: 'full'; readonly scopes?: undefined }
    | { readonly mode?: 'custom' | undefined; readonly scopes: readonly S[] }
  )

/** What is to change about a key; what is left out stays as it is. */
export interface EditKeyInput<S extends string = string> extends SharedInput {
  readonly name?: string | undefined
  readonly mode?: KeyMode | undefined
  /** Replaces all scopes, those unknown to the catalogue among them; it makes the mode custom. */
  readonly scopes?: readonly S[] | undefined
}

/** The columns of a key that its maker decides on. */
export type KeyFields = Pick<
  KeyRecord,
  | 'name'
  | 'environment'
  | 'mode'
  | 'scopes'
  | 'expiresAt'
  | 'notBefore'
  | 'addressRules'
  | 'metadata'
  | 'ownerId'
  | 'limits'
  | 'webhook'
>

/** A creation as it was read. */
export interface Creation {
  readonly fields: KeyFields
  /** The same without what was filled in. */
  readonly entered: KeyFields
  /** What has become wrong with its times by now; a creation that was made in time is not made again. */
  readonly timeFaults: readonly Fault[]
}

/** Reads inputs, hostile ones too: what they throw is `input_invalid` with every fault, by its path. */
export interface KeyInputs {
  /**
   * @param now milliseconds since 1970
   * @param usualExpiry when it expires unless something is said; null: never
   */
  create(input: unknown, now: number, usualExpiry?: number | null): Creation
  /** The fields as they are to be afterwards. */
  edit(input: unknown, before: KeyFields, now: number): KeyFields
}

/**
 * Makes the readers for a catalogue and the configured environments.
 *
 * @param hostSecretId the host's secret that signing secrets are derived from
 */
export function createKeyInputs(
  catalog: AnyCatalog,
  environments: readonly string[],
  hostSecretId = '',
): KeyInputs {
  const shared = {
    mode: z.optional(oneOf(['full', 'custom'])),
    scopes: z.optional(scopes(catalog)),
    expiresAt: z.optional(instant),
    notBefore: z.optional(instant),
    addressRules: z.optional(addressRules),
    metadata: z.optional(metadata),
    ownerId: z.optional(ownerId),
    limits: z.optional(limits),
    webhook: z.optional(webhook),
  }
  const creation = objectOf({ name, environment: z.optional(oneOf(environments)), ...shared })
  const edition = objectOf({ name: z.optional(name), ...shared })

  return {
    create(input, now, usualExpiry = null) {
      const { given, value, faults } = readFields(creation, input)
      const usual = given.get('expiresAt') === undefined ? usualExpiry : null
      const timeFaults = findTimeFaults(given.get('expiresAt') ?? usual, given.get('notBefore'), now)
      const allFaults = [...faults, ...findModeFaults(given)]
      if (!value || allFaults.length > 0) throw invalid('input_invalid', [...allFaults, ...timeFaults])
      const entered = {
        name: value.name,
        environment: value.environment ?? environments[0]!,
        mode: value.mode ?? 'custom',
        scopes: value.scopes ?? '',
        expiresAt: value.expiresAt ?? null,
        notBefore: value.notBefore ?? null,
        addressRules: value.addressRules ?? '',
        metadata: value.metadata ?? '{}',
        ownerId: value.ownerId ?? null,
        limits: value.limits ?? null,
        webhook: changeWebhook(null, value.webhook ?? null, hostSecretId),
      }
      return { fields: usual === null ? entered : { ...entered, expiresAt: usual }, entered, timeFaults }
    },

    edit(input, before, now) {
      const { given, value, faults } = readFields(edition, input)
      const { expiresAt = before.expiresAt, notBefore = before.notBefore } = Object.fromEntries(given)
      const isSameTime = expiresAt === before.expiresAt && notBefore === before.notBefore
      const allFaults = [
        ...faults,
        ...findModeFaults(given, before.mode),
        ...(isSameTime ? [] : findTimeFaults(expiresAt, notBefore, expiresAt === before.expiresAt ? 0 : now)),
      ]
      if (!value || allFaults.length > 0) throw invalid('input_invalid', allFaults)
      // What is not given is no member of the value, so it replaces nothing.
      const { webhook: wanted, ...rest } = value
      const webhook =
        wanted === undefined ? before.webhook : changeWebhook(before.webhook, wanted, hostSecretId)
      const after = { ...before, ...(rest as Partial<KeyFields>), webhook }
      if (value.mode === 'full') return { ...after, scopes: '' }
      return { ...after, mode: value.scopes === undefined ? before.mode : 'custom' }
    },
  }
}

/** What is wrong with mode and scopes together; `before` is the mode of a key that is there already. */
function findModeFaults(given: ReadonlyMap<string, unknown>, before?: KeyMode): Fault[] {
  const path = 'scopes'
  const scopes = given.get('scopes')
  if (given.get('mode') === 'full') {
    return scopes === undefined ? [] : [{ path, message: 'must be left out where the mode is full' }]
  }
  if (scopes === undefined) {
    const isMissing = before === undefined || (before === 'full' && given.get('mode') === 'custom')
    return isMissing ? [{ path, message: 'is required, unless the mode is full' }] : []
  }
  const isUseless = before === undefined && ownElements(scopes, 0) !== undefined
  return isUseless ? [{ path, message: 'must not be empty: the key could do nothing' }] : []
}

/** What is wrong with the times; what is no instant at all has a fault already. */
function findTimeFaults(expiresAt: unknown, notBefore: unknown, now: number): Fault[] {
  const faults: Fault[] = []
  if (!isInstant(expiresAt)) return faults
  if (expiresAt <= now) faults.push({ path: 'expiresAt', message: 'must be in the future' })
  if (isInstant(notBefore) && notBefore >= expiresAt) {
    faults.push({ path: 'notBefore', message: 'must be before expiresAt' })
  }
  return faults
}
