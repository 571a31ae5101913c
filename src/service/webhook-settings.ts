import type { Fault } from '../core/errors.js'
import { isKeyrungError } from '../core/errors.js'
import { ownElements, ownProperties } from '../core/own-properties.js'
import { isDuration } from '../core/time.js'
import { describeUnknownOption } from '../core/suggestion.js'
import { parseAddressRules } from '../net/address-rule.js'
import { createOutboundPolicy } from '../net/outbound-url.js'
import type { OutboundPolicy, OutboundRules } from '../net/outbound-url.js'

/** Where keys' webhooks may lead, and how they are delivered. */
export interface WebhookOptions extends OutboundRules {
  /** How long a receiver may take, in milliseconds. @defaultValue `10000` */
  readonly timeoutMs?: number
  /** How long deliveries stay listed after their end, in days. @defaultValue `30` */
  readonly retentionDays?: number
}

/** The options, checked, with their defaults filled in. */
export interface WebhookSettings {
  readonly policy: OutboundPolicy
  readonly timeoutMs: number
  readonly retentionMs: number
}

const known = ['ports', 'dangerouslyAllowAddresses', 'timeoutMs', 'retentionDays']
const dayMs = 86_400_000

/** Fills in the defaults; what is wrong goes into `faults`, with its path. */
export function readWebhookSettings(options: unknown, faults: Fault[]): WebhookSettings {
  const given = options === undefined ? new Map<string, unknown>() : ownProperties(options)
  const fault = (name: string, message: string): void =>
    void faults.push({ path: `webhooks${name}`, message })
  if (!given) fault('', 'must be an object')
  for (const name of given?.keys() ?? [])
    if (!known.includes(name)) fault(`.${name}`, describeUnknownOption(name, known))
  const {
    ports,
    dangerouslyAllowAddresses,
    timeoutMs = 10_000,
    retentionDays = 30,
  } = Object.fromEntries(given ?? [])
  if (ports !== undefined && !ownElements(ports, 100)?.every(isPort)) {
    fault('.ports', 'must be a list of port numbers')
  }
  if (dangerouslyAllowAddresses !== undefined) {
    try {
      parseAddressRules(dangerouslyAllowAddresses, 'webhooks.dangerouslyAllowAddresses')
    } catch (error) {
      if (isKeyrungError(error)) faults.push(...error.faults)
      else fault('.dangerouslyAllowAddresses', 'cannot be read')
    }
  }
  if (!isDuration(timeoutMs, 60_000) || timeoutMs < 1)
    fault('.timeoutMs', 'must be whole milliseconds, up to a minute')
  if (!isDuration(retentionDays, 3_650)) fault('.retentionDays', 'must be whole days, up to ten years')
  return {
    policy: createOutboundPolicy(faults.length > 0 ? {} : (options as OutboundRules | undefined)),
    timeoutMs: timeoutMs as number,
    retentionMs: (retentionDays as number) * dayMs,
  }
}

function isPort(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= 65_535
}
