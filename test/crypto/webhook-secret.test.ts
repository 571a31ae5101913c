import fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import { describe, expect, test } from 'vitest'
import { HostSecret } from '../../src/crypto/host-secret.js'
import { createWebhookSecrets, formatWebhookSecret, signWebhook } from '../../src/crypto/webhook-secret.js'
import vector from './vectors/webhook.json' with { type: 'json' }

const host = (letter: string) => new HostSecret(new TextEncoder().encode(letter.repeat(32)))

describe('a signature', () => {
  test('is that of the published vector of Standard Webhooks', () => {
    const secret = new Uint8Array(Buffer.from(vector.secret.slice('whsec_'.length), 'base64'))
    expect(signWebhook(vector.id, vector.timestamp, vector.payload, [secret])).toBe(vector.signature)
  })

  test('is taken by the independent implementation, by each of two secrets, and by no other', () => {
    const secrets = createWebhookSecrets([host('a')])
    const at = Math.floor(Date.now() / 1_000)
    fc.assert(
      fc.property(fc.json(), fc.integer({ min: 1, max: 1_000 }), (payload, generation) => {
        const names = [generation, generation + 1].map((n) => ({
          hostSecretId: secrets.hostSecretId,
          generation: n,
        }))
        const [former, current] = names.map((name) => secrets.find('key_1', name)!) as [
          Uint8Array,
          Uint8Array,
        ]
        const headers = {
          'webhook-id': 'dlv_1',
          'webhook-timestamp': `${at}`,
          'webhook-signature': signWebhook('dlv_1', at, payload, [current, former]),
        }
        for (const secret of [former, current]) {
          expect(new Webhook(formatWebhookSecret(secret)).verify(payload, headers)).toEqual(
            JSON.parse(payload),
          )
        }
        const other = secrets.find('key_2', names[0]!)!
        expect(() => new Webhook(formatWebhookSecret(other)).verify(payload, headers)).toThrow()
        expect(() => new Webhook(formatWebhookSecret(current)).verify(`${payload} `, headers)).toThrow()
      }),
    )
  })
})

describe('signing secrets', () => {
  test('differ by key, generation and host secret, and are the same each time', () => {
    const [a, b] = [host('a'), host('b')]
    const secrets = createWebhookSecrets([a, b])
    const names = [a.id, b.id].flatMap((hostSecretId) =>
      [1, 2].map((generation) => ({ hostSecretId, generation })),
    )
    const found = ['key_1', 'key_2'].flatMap((id) =>
      names.map((name) => formatWebhookSecret(secrets.find(id, name)!)),
    )
    expect(new Set(found).size).toBe(8)
    expect(formatWebhookSecret(createWebhookSecrets([a]).find('key_1', names[0]!)!)).toBe(found[0])
  })

  test('outlive a rotation of the host secret as long as the old one is configured', () => {
    const [old, fresh] = [host('a'), host('b')]
    const name = { hostSecretId: old.id, generation: 1 }
    const before = createWebhookSecrets([old]).find('key_1', name)
    expect(createWebhookSecrets([fresh, old]).find('key_1', name)).toEqual(before)
    expect(createWebhookSecrets([fresh]).find('key_1', name)).toBeUndefined()
  })

  test('are given out as Standard Webhooks has them: 24 to 64 bytes in base64 behind whsec_', () => {
    const secrets = createWebhookSecrets([host('a')])
    const text = formatWebhookSecret(
      secrets.find('key_1', { hostSecretId: secrets.hostSecretId, generation: 1 })!,
    )
    expect(text).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
  })
})
