import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createKeyFormat } from '../../src/crypto/key-format.js'
import { systemEntropy } from '../../src/crypto/random.js'
import { createHost, operator } from './host.js'
import type { Host } from './host.js'
import { frameworks, serve } from './host-apps.js'
import type { Running } from './host-apps.js'
import { sendRaw } from './raw-http.js'

describe.each(Object.keys(frameworks))('behind %s', (framework) => {
  let host: Host
  let running: Running
  beforeEach(async () => {
    host = createHost({ limits: { sources: { name: 'failures', limit: 500, windowMs: 60_000 } } }, 'memory')
    running = await serve(frameworks[framework]!(host))
  })
  afterEach(() => running.stop())

  const present = async (secret: string): Promise<string> =>
    (await sendRaw(running.port, { target: '/contacts', headers: [['Authorization', `Bearer ${secret}`]] }))
      .text

  test('unknown, malformed, misspelt and wrong-environment keys are answered with the same bytes', async () => {
    const { secret } = await host.makeKey('full')
    const unknown = await present(host.keyrung.keyFormat.mint('live', systemEntropy))
    expect(unknown).toMatch(/^HTTP\/1\.1 401 /)
    expect(
      await present(createKeyFormat({ prefix: 'tp', environments: ['test'] }).mint('test', systemEntropy)),
    ).toBe(unknown)

    const { length } = secret
    const index = fc.nat({ max: length - 1 })
    const visible = fc.integer({ min: 0x21, max: 0xff }).filter((code) => code !== 0x2c && code !== 0x7f)
    const misspelt = fc.oneof(
      // One character is another one, is gone, or is there twice.
      fc
        .tuple(index, visible)
        .map(([at, code]) => secret.slice(0, at) + String.fromCharCode(code) + secret.slice(at + 1)),
      index.map((at) => secret.slice(0, at) + secret.slice(at + 1)),
      index.map((at) => secret.slice(0, at) + secret[at]! + secret.slice(at)),
      fc
        .nat({ max: length - 2 })
        .map((at) => secret.slice(0, at) + secret[at + 1]! + secret[at]! + secret.slice(at + 2)),
      // What trims, folds or cuts would take for the key.
      fc.constantFrom(
        secret.toUpperCase(),
        secret.toLowerCase(),
        `"${secret}"`,
        `${secret};`,
        `${secret}\u00a0`,
        ` ${secret}`,
      ),
      fc.array(visible, { maxLength: 80 }).map((codes) => String.fromCharCode(...codes)),
    )
    await fc.assert(
      fc.asyncProperty(
        misspelt.filter((text) => text !== secret),
        async (text) => {
          expect(await present(text)).toBe(unknown)
        },
      ),
      { numRuns: 200 },
    )
    expect(host.ran).toEqual([])
  })

  test('so they are while the allowance of their source is used up, by 429', async () => {
    const mint = () => host.keyrung.keyFormat.mint('live', systemEntropy)
    const { id, secret } = await host.makeKey('full')
    await host.keyrung.keys.delete(operator, id)
    for (let i = 0; i < 500; i++) await present(mint())
    const unknown = await present(mint())
    expect(unknown).toMatch(/^HTTP\/1\.1 429 /)
    const foreign = createKeyFormat({ prefix: 'tp', environments: ['test'] }).mint('test', systemEntropy)
    for (const bad of [foreign, secret, mint().slice(0, -1), 'junk', '', `${mint()} `]) {
      expect(await present(bad)).toBe(unknown)
    }
  })

  test('a deleted key is answered with the bytes of an unknown one', async () => {
    const { id, secret } = await host.makeKey(['contacts:read'])
    await host.keyrung.keys.delete(operator, id)
    expect(await present(secret)).toBe(await present(host.keyrung.keyFormat.mint('live', systemEntropy)))
  })
})
