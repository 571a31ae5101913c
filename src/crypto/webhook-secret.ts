import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import type { SigningSecretName } from '../core/webhook.js'
import { toBase64, toUtf8 } from './encoding.js'
import type { HostSecret } from './host-secret.js'

/** The secrets that webhooks are signed with: derived when they are needed, and kept nowhere. */
export interface WebhookSecrets {
  /** The host secret that new ones are derived from. */
  readonly hostSecretId: string
  /** 32 bytes; undefined where the host's secret is not configured here. */
  find(keyId: string, name: SigningSecretName): Uint8Array | undefined
}

/** Makes the signing secrets of a host's keys: HMAC-SHA-256 of key and generation under a key of its own. */
export function createWebhookSecrets(secrets: readonly HostSecret[]): WebhookSecrets {
  const derived = new Map(secrets.map((secret) => [secret.id, secret.derive('webhook')]))
  return {
    hostSecretId: secrets[0]!.id,
    find(keyId, { hostSecretId, generation }) {
      const key = derived.get(hostSecretId)
      return key && hmac(sha256, key, toUtf8(`${keyId}/${generation}`))
    },
  }
}

/** A signing secret as receivers are given it (Standard Webhooks, 1.0: "Signature scheme"). */
export function formatWebhookSecret(secret: Uint8Array): string {
  return `whsec_${toBase64(secret)}`
}

/**
 * Signs a message by each of the secrets (Standard Webhooks, 1.0): what stands in `webhook-signature`.
 *
 * @param at when it is sent, in whole seconds since 1970: what stands in `webhook-timestamp`
 */
export function signWebhook(id: string, at: number, payload: string, secrets: readonly Uint8Array[]): string {
  const message = toUtf8(`${id}.${at}.${payload}`)
  return secrets.map((secret) => `v1,${toBase64(hmac(sha256, secret, message))}`).join(' ')
}
