import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { KeyrungError } from '../../src/core/errors.js'
import { base62Alphabet } from '../../src/crypto/encoding.js'
import { createKeyFormat } from '../../src/crypto/key-format.js'
import type { KeyFormatOptions } from '../../src/crypto/key-format.js'
import { systemEntropy } from '../../src/crypto/random.js'

const format = createKeyFormat({ prefix: 'tp', environments: ['live', 'test'] })
const secret = format.format('live', 'A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5')

function refusal(make: () => unknown): KeyrungError {
  try {
    make()
  } catch (error) {
    return error as KeyrungError
  }
  throw new Error('it was not refused')
}

describe('minting', () => {
  test('gives a secret of the documented form that is recognised', () => {
    for (const environment of ['live', 'test']) {
      const minted = format.mint(environment, systemEntropy)
      expect(minted).toMatch(new RegExp(`^tp_${environment}_[0-9A-Za-z]{36}$`))
      expect(format.parse(minted)).toBe(environment)
    }
  })

  test('is pure: the same entropy, the same secret', () => {
    const entropy = (bytes: number) => new Uint8Array(bytes).fill(61)
    expect(format.mint('live', entropy)).toBe(format.mint('live', entropy))
    expect(format.mint('live', entropy)).toBe(format.format('live', 'z'.repeat(30)))
  })

  test('never gives the same secret twice', () => {
    const secrets = new Set(Array.from({ length: 1000 }, () => format.mint('live', systemEntropy)))
    expect(secrets.size).toBe(1000)
  })

  test('an environment that is not configured is refused and the others are named', () => {
    for (const environment of ['prod', 'LIVE', 'live ', '', '__proto__', 'toString']) {
      const error = refusal(() => format.mint(environment, systemEntropy))
      expect(error.code).toBe('input_invalid')
      expect(error.faults).toEqual([{ path: 'environment', message: 'must be one of live, test' }])
    }
  })

  test('a random part of another form is refused and not shown', () => {
    for (const random of [
      '',
      'canary',
      'x'.repeat(29),
      'x'.repeat(31),
      `${'x'.repeat(29)}-`,
      `${'x'.repeat(29)}\n`,
    ]) {
      const error = refusal(() => format.format('live', random))
      expect(error.faults).toEqual([{ path: 'random', message: 'must be 30 base62 characters' }])
      expect(error.message).not.toContain(random || 'canary')
    }
  })
})

describe('recognising', () => {
  test('accepts every secret it has written, for any names', () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9]{0,15}$/)
    const environments = fc.uniqueArray(name, { minLength: 1, maxLength: 8 })
    const random = fc.stringMatching(/^[0-9A-Za-z]{30}$/)
    fc.assert(
      fc.property(name, environments, random, fc.nat(), (prefix, names, part, pick) => {
        const any = createKeyFormat({ prefix, environments: names })
        const environment = names[pick % names.length]!
        const written = any.format(environment, part)
        expect(any.parse(written)).toBe(environment)
        expect(written.match(new RegExp(any.pattern, 'g'))).toEqual([written])
        expect(any.looksLike(written)).toBe(true)
      }),
    )
  })

  test('refuses every change of a single character, exhaustively', () => {
    let tried = 0
    for (let at = 0; at < secret.length; at++) {
      for (const letter of `${base62Alphabet}_- \0é`) {
        if (letter === secret[at]) continue
        tried++
        expect(format.parse(secret.slice(0, at) + letter + secret.slice(at + 1))).toBeUndefined()
      }
    }
    expect(tried).toBe(secret.length * (62 + 5 - 1))
  })

  test('refuses every swap of two neighbours', () => {
    for (let at = 0; at + 1 < secret.length; at++) {
      const swapped = secret.slice(0, at) + secret[at + 1]! + secret[at]! + secret.slice(at + 2)
      if (swapped !== secret) expect(format.parse(swapped)).toBeUndefined()
    }
  })

  test('refuses every truncation, every extension, every blank around it', () => {
    for (let length = 0; length < secret.length; length++) {
      expect(format.parse(secret.slice(0, length))).toBeUndefined()
      expect(format.parse(secret.slice(length + 1))).toBeUndefined()
    }
    for (const extra of [' ', '\t', '\n', '\0', '0', '_', '\ufeff', '\u200b']) {
      expect(format.parse(secret + extra)).toBeUndefined()
      expect(format.parse(extra + secret)).toBeUndefined()
    }
  })

  test('refuses another case, of one letter or of all', () => {
    expect(format.parse(secret.toUpperCase())).toBeUndefined()
    expect(format.parse(secret.toLowerCase())).toBeUndefined()
    for (let at = 0; at < secret.length; at++) {
      const letter = secret[at]!
      const flipped = letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()
      if (flipped !== letter) {
        expect(format.parse(secret.slice(0, at) + flipped + secret.slice(at + 1))).toBeUndefined()
      }
    }
  })

  test('refuses look-alikes that Unicode would fold into the letters', () => {
    const fullWidth = (code: number) => String.fromCharCode(code + 0xfee0)
    for (let at = 0; at < secret.length; at++) {
      const code = secret.charCodeAt(at)
      // The same low byte, which a careless checksum would take for the letter itself.
      for (const fake of [
        fullWidth(code),
        String.fromCharCode(code + 0x100),
        String.fromCharCode(code + 0x80),
      ]) {
        const faked = secret.slice(0, at) + fake + secret.slice(at + 1)
        expect(faked).toHaveLength(secret.length)
        expect(format.parse(faked)).toBeUndefined()
      }
    }
    expect(format.parse(secret.replace('p', 'р'))).toBeUndefined()
    expect(format.parse(`${secret.slice(0, -1)}\u0301`)).toBeUndefined()
  })

  test('refuses a key of another prefix, of an environment that is not configured, or moved to another one', () => {
    const foreign = createKeyFormat({ prefix: 'xy', environments: ['live'] })
    const staging = createKeyFormat({ prefix: 'tp', environments: ['beta'] })
    expect(format.parse(foreign.mint('live', systemEntropy))).toBeUndefined()
    expect(format.parse(staging.mint('beta', systemEntropy))).toBeUndefined()
    expect(format.parse(secret.replace('tp_live_', 'tp_test_'))).toBeUndefined()
    expect(createKeyFormat({ prefix: 'tp', environments: ['test'] }).parse(secret)).toBeUndefined()
  })

  test('refuses values of every other type without throwing', () => {
    const trap = new Proxy({}, { get: () => { throw new Error('touched') } }) // prettier-ignore
    const values = [
      undefined,
      null,
      0,
      NaN,
      1n,
      true,
      Symbol('s'),
      () => secret,
      {},
      [secret],
      { length: 44 },
      trap,
    ]
    for (const value of [...values, new String(secret), Buffer.from(secret), { toString: () => secret }]) {
      expect(format.parse(value)).toBeUndefined()
    }
  })

  test('never throws and accepts nothing by chance, whatever it is given', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.anything(), fc.string({ unit: 'binary', minLength: 40, maxLength: 48 })),
        (value) => {
          expect(format.parse(value)).toBeUndefined()
        },
      ),
    )
    fc.assert(
      fc.property(fc.stringMatching(/^tp_(live|test)_[0-9A-Za-z]{36}$/), (text) => {
        expect(format.parse(text)).toBeUndefined()
      }),
    )
  })

  test('a megabyte is refused by its length alone: 200,000 times in a moment', () => {
    const long = secret + 'A'.repeat(1_000_000)
    const started = performance.now()
    for (let i = 0; i < 200_000; i++) if (format.parse(long) !== undefined) throw new Error('accepted')
    // Reading the text each time would take minutes.
    expect(performance.now() - started).toBeLessThan(5000)
  })

  test('a text put together from parts, or cut out of a header, is recognised as well', () => {
    const header = `Bearer ${secret}`
    expect(format.parse(header.slice(7))).toBe('live')
    expect(format.parse(secret.split('').reduce((text, letter) => text + letter, ''))).toBe('live')
    expect(format.parse(`Äö ${secret}`.slice(3))).toBe('live')
  })
})

describe('environments', () => {
  test('only own names count', () => {
    expect(format.isEnvironment('live')).toBe(true)
    for (const value of ['LIVE', 'prod', '', 'constructor', undefined, ['live'], 0]) {
      expect(format.isEnvironment(value)).toBe(false)
    }
  })

  test('names that begin alike are kept apart', () => {
    const alike = createKeyFormat({ prefix: 'a', environments: ['live', 'live2', 'l'] })
    for (const environment of alike.environments) {
      expect(alike.parse(alike.mint(environment, systemEntropy))).toBe(environment)
    }
  })

  test('names of one length are kept apart', () => {
    expect(format.parse(format.mint('test', systemEntropy))).toBe('test')
  })

  test("changing the caller's list afterwards changes nothing", () => {
    const environments = ['live']
    const own = createKeyFormat({ prefix: 'tp', environments })
    environments.push('test')
    expect(own.environments).toEqual(['live'])
    expect(own.isEnvironment('test')).toBe(false)
  })
})

describe('what a key is recognised by', () => {
  test('the last four characters', () => {
    expect(format.lastFour(secret)).toBe(secret.slice(40))
    expect(format.lastFour(secret)).toHaveLength(4)
  })

  test('a hint whether a text was meant as one of our keys', () => {
    expect(format.looksLike('tp_live_typo')).toBe(true)
    for (const text of ['', 'tp', 'tplive', 'TP_live_', ' tp_live_', 'sk_live_']) {
      expect(format.looksLike(text)).toBe(false)
    }
  })
})

describe('configuration', () => {
  const bad = [
    '',
    'A',
    'Tp',
    '1a',
    'a_b',
    'a-b',
    'a b',
    'é',
    'a'.repeat(17),
    'tp\n',
    undefined,
    null,
    7,
    ['tp'],
  ]

  test.each(bad)('refuses %j as a name', (name) => {
    const asPrefix = refusal(() =>
      createKeyFormat({ prefix: name, environments: ['live'] } as KeyFormatOptions),
    )
    const asEnvironment = refusal(() =>
      createKeyFormat({ prefix: 'tp', environments: [name] } as KeyFormatOptions),
    )
    expect([asPrefix.code, asEnvironment.code]).toEqual(['config_invalid', 'config_invalid'])
    expect(asPrefix.faults.map((fault) => fault.path)).toEqual(['prefix'])
    expect(asEnvironment.faults.map((fault) => fault.path)).toEqual(['environments.0'])
  })

  test('refuses no environments, too many, and anything but a list', () => {
    const nine = Array.from({ length: 9 }, (_, i) => `e${i}`)
    for (const environments of [[], nine, undefined, null, 'live', { length: 1, 0: 'live' }]) {
      const error = refusal(() => createKeyFormat({ prefix: 'tp', environments } as KeyFormatOptions))
      expect(error.faults.map((fault) => fault.path)).toEqual(['environments'])
    }
    expect(createKeyFormat({ prefix: 'tp', environments: nine.slice(1) }).environments).toHaveLength(8)
  })

  test('names every fault at once', () => {
    const error = refusal(() => createKeyFormat({ prefix: 'TP', environments: ['live', 'Test', 'live'] }))
    expect(error.faults.map((fault) => fault.path)).toEqual(['prefix', 'environments.1', 'environments.2'])
    expect(error.faults[2]!.message).toBe('is named twice')
  })

  test('the longest names work', () => {
    const long = createKeyFormat({ prefix: 'a'.repeat(16), environments: ['b'.repeat(16)] })
    expect(long.parse(long.mint('b'.repeat(16), systemEntropy))).toBe('b'.repeat(16))
  })
})
