import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromBase64url, toBase64url, toUtf8 } from '../../src/crypto/encoding.js'
import { readHostSecrets } from '../../src/crypto/host-secret.js'
import { systemEntropy } from '../../src/crypto/random.js'
import { createSealer } from '../../src/crypto/sealer.js'

const old = 'an old secret of at least thirty-two bytes'
const current = 'a new secret of at least thirty-two bytes'
const place = 'approval/apr_1/request'
const refused = expect.objectContaining({ code: 'store_unavailable' })

function sealerOf(...secrets: readonly string[]) {
  return createSealer(readHostSecrets(secrets), systemEntropy)
}

/** The key as anybody can derive it who has the secret: RFC 5869, no salt. */
function keyOf(secret: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', 'keyrung/1/content', 32))
}

const bytes = fc.uint8Array({ maxLength: 300 })
const text = fc.string({ unit: 'binary' })

describe('a sealer', () => {
  test('gives back what it took, for the place it was made for', async () => {
    const sealer = sealerOf(current)
    await fc.assert(
      fc.asyncProperty(bytes, text, async (given, where) => {
        const sealed = await sealer.seal(given, where)
        expect(await sealer.open(sealed, where)).toEqual(new Uint8Array(given))
      }),
    )
  })

  test('does not open what was moved to another place', async () => {
    const sealer = sealerOf(current)
    const sealed = await sealer.seal(toUtf8('pay 10'), place)
    for (const other of ['approval/apr_2/request', 'approval/apr_1/result', `${place} `, '']) {
      await expect(sealer.open(sealed, other)).rejects.toThrow(refused)
    }
  })

  test('does not open what was changed, at whichever bit', async () => {
    const sealer = sealerOf(current)
    const sealed = await sealer.seal(toUtf8('pay 10'), place)
    const [form, id, encoded] = sealed.split('.') as [string, string, string]
    const whole = fromBase64url(encoded)!
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const changed = Uint8Array.from(whole)
      changed[bit >> 3]! ^= 1 << (bit & 7)
      await expect(sealer.open(`${form}.${id}.${toBase64url(changed)}`, place)).rejects.toThrow(refused)
    }
  })

  test('does not open what is longer or shorter than what was sealed, nor anything else', async () => {
    const sealer = sealerOf(current)
    const sealed = await sealer.seal(toUtf8('pay 10'), place)
    const [form, id, encoded] = sealed.split('.') as [string, string, string]
    const others = [
      ...['', '.', '..', 'a', `a.${id}`, `a.${id}.`, `b.${id}.${encoded}`, `${form}.00000000.${encoded}`],
      ...[`${sealed}.`, `${sealed}.x`, `${sealed}AAAA`, sealed.slice(0, -4), ` ${sealed}`, `${sealed}=`],
      `${form}.${id}.${toBase64url(fromBase64url(encoded)!.subarray(0, 11))}`,
    ]
    for (const other of others) await expect(sealer.open(other, place)).rejects.toThrow(refused)
  })

  test('does not open what was sealed under a secret that it does not have', async () => {
    const sealed = await sealerOf(old).seal(toUtf8('pay 10'), place)
    await expect(sealerOf(current).open(sealed, place)).rejects.toThrow(refused)
    const [form, , encoded] = sealed.split('.') as [string, string, string]
    const renamed = `${form}.${readHostSecrets(current)[0]!.id}.${encoded}`
    await expect(sealerOf(current).open(renamed, place)).rejects.toThrow(refused)
  })

  test('seals under the first of several secrets, and opens what was sealed under any', async () => {
    const before = await sealerOf(old).seal(toUtf8('before'), place)
    const rotated = sealerOf(current, old)
    const after = await rotated.seal(toUtf8('after'), place)
    expect(await rotated.open(before, place)).toEqual(toUtf8('before'))
    expect(await sealerOf(current).open(after, place)).toEqual(toUtf8('after'))
    await expect(sealerOf(old).open(after, place)).rejects.toThrow(refused)
  })

  test('never uses a nonce twice, so that the same bytes look different each time', async () => {
    const sealer = sealerOf(current)
    const sealed = await Promise.all(Array.from({ length: 200 }, () => sealer.seal(toUtf8('same'), place)))
    const nonces = sealed.map((one) => fromBase64url(one.split('.')[2]!)!.subarray(0, 12).join())
    expect(new Set(nonces).size).toBe(200)
  })

  test('says nothing of what is sealed, of the place or of the secret when it refuses', async () => {
    const sealed = await sealerOf(old).seal(toUtf8('canary'), 'canary/place')
    const error = await sealerOf(current)
      .open(sealed, 'canary/place')
      .catch((thrown: unknown) => thrown)
    expect(
      JSON.stringify([error, (error as Error).message, (error as { internal?: string }).internal]),
    ).not.toMatch(/canary|secret of at least/)
  })
})

describe('AES-256-GCM by somebody else', () => {
  test('opens what the sealer sealed', async () => {
    const sealer = sealerOf(current)
    await fc.assert(
      fc.asyncProperty(bytes, text, async (given, where) => {
        const [form, id, encoded] = (await sealer.seal(given, where)).split('.') as [string, string, string]
        expect([form, id]).toEqual(['a', readHostSecrets(current)[0]!.id])
        const whole = Buffer.from(encoded, 'base64url')
        const decipher = createDecipheriv('aes-256-gcm', keyOf(current), whole.subarray(0, 12))
        decipher.setAAD(Buffer.from(toUtf8(where)))
        decipher.setAuthTag(whole.subarray(-16))
        const opened = Buffer.concat([decipher.update(whole.subarray(12, -16)), decipher.final()])
        expect(opened.equals(given)).toBe(true)
      }),
    )
  })

  test('seals what the sealer opens', async () => {
    const nonce = Buffer.alloc(12, 7)
    const cipher = createCipheriv('aes-256-gcm', keyOf(current), nonce)
    cipher.setAAD(Buffer.from(place))
    const sealed = Buffer.concat([nonce, cipher.update('pay 10'), cipher.final(), cipher.getAuthTag()])
    const whole = `a.${readHostSecrets(current)[0]!.id}.${sealed.toString('base64url')}`
    expect(await sealerOf(current).open(whole, place)).toEqual(toUtf8('pay 10'))
  })
})
