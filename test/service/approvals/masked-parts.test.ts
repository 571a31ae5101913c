import { describe, expect, test } from 'vitest'
import { toUtf8 } from '../../../src/crypto/encoding.js'
import { maskBody } from '../../../src/service/approvals/masking.js'

const type = 'multipart/form-data; boundary=xyz'

/** A body with a part for each pair of headers and content. */
function parts(...given: readonly (readonly [head: string, content: string])[]): string {
  const written = given.map(([head, content]) => `--xyz\r\n${head}\r\n\r\n${content}\r\n`)
  return `${written.join('')}--xyz--\r\n`
}

const field = (name: string, content: string) =>
  [`Content-Disposition: form-data; name="${name}"`, content] as const

function shown(body: string | Uint8Array, pointers: readonly string[], contentType = type) {
  return maskBody(typeof body === 'string' ? toUtf8(body) : body, contentType, pointers)
}

const leftOut = { encoding: 'utf8', text: '', masked: [''] }

describe('multipart bodies', () => {
  test('are masked part by part, by the names of their fields', () => {
    const body = parts(field('name', 'Ada'), field('card[number]', '4111'), field('Token', 't-1'))
    expect(shown(body, ['/card', '/token'])).toEqual({
      encoding: 'utf8',
      text: parts(field('name', 'Ada'), field('card[number]', '***'), field('Token', 't-1')),
      masked: ['/card/number'],
    })
    expect(shown(body, ['/nothing'])).toEqual({ encoding: 'utf8', text: body, masked: [] })
  })

  test('tell nothing of a masked file, nor of its name', () => {
    const head =
      'Content-Disposition: form-data; name="scan"; filename="4111.png"; filename*=utf-8\'\'4111.png'
    const body = parts([`${head}\r\nContent-Type: image/png`, '4111'], field('note', 'x'))
    expect(shown(body, ['/scan']).text).toBe(parts(field('scan', '***'), field('note', 'x')))
  })

  test('are masked also where there is something in them that is no text', () => {
    const body = new Uint8Array(
      Buffer.from(parts(field('file', '\xff\x00\r\n'), field('pin', '4111')), 'latin1'),
    )
    const { encoding, text, masked } = shown(body, ['/pin'])
    expect([encoding, masked]).toEqual(['base64', ['/pin']])
    const wanted = parts(field('file', '\xff\x00\r\n'), field('pin', '***'))
    expect(Buffer.from(text, 'base64').toString('latin1')).toBe(wanted)
  })

  test.each([
    ['content-disposition:form-data;name=pin'],
    ['CONTENT-DISPOSITION: Form-Data; NAME="pin"'],
    ['Content-Type: text/plain\r\nContent-Disposition: form-data; name="pin"'],
    ['Content-Disposition: form-data; name="p\\in"'],
    ['Content-Disposition: form-data; name="pin[]"'],
    ['Content-Disposition: form-data; name="pin"; filename=""'],
  ])('are masked however the name is written: %s', (head) => {
    const { text, masked } = shown(parts([head, '4111']), ['/pin'])
    expect(text).not.toContain('4111')
    expect(masked[0]).toMatch(/^\/pin/)
  })

  test('are masked by names with quotes and letters beyond ASCII', () => {
    for (const name of ['%22ü%22', '\\"ü\\"']) {
      expect(shown(parts(field(name, '4111')), ['/"ü"']).masked).toEqual(['/"ü"'])
    }
  })

  const pin = field('pin', '4111')
  test.each([
    ['no boundary', parts(pin), 'multipart/form-data'],
    ['two boundaries', parts(pin), `${type}; boundary=abc`],
    ['a boundary with something behind it', parts(pin), `${type} x`],
    ['a boundary that is none', parts(pin), 'multipart/form-data; boundary="xyz "'],
    ['an unknown boundary', parts(pin), 'multipart/form-data; boundary=abc'],
    ['something ahead of the first part', `x\r\n${parts(pin)}`, type],
    ['something behind the last one', `${parts(pin)}x`, type],
    ['no end', parts(pin).slice(0, -8), type],
    [
      'a boundary within a line',
      parts(['Content-Disposition: form-data; name="a"', '1\r\n--xyz \r\n4111']),
      type,
    ],
    ['a boundary behind a bare line feed', parts(field('a', `1\n--xyz\n${pin[0]}\n\n4111`)), type],
    ['bare line feeds', parts(pin).replaceAll('\r\n', '\n'), type],
    ['a part without headers', '--xyz\r\n\r\n4111\r\n--xyz--\r\n', type],
    ['a part without a name', parts(['Content-Type: text/plain', '4111']), type],
    ['two dispositions', parts([`${field('a', '')[0]}\r\n${pin[0]}`, '4111']), type],
    ['two names', parts(['Content-Disposition: form-data; name="a"; name="pin"', '4111']), type],
    [
      'an encoded name',
      parts(['Content-Disposition: form-data; name="a"; name*=utf-8\'\'pin', '4111']),
      type,
    ],
    ['a folded header', parts(['Content-Disposition: form-data;\r\n name="pin"', '4111']), type],
    ['another kind of parts', parts(['Content-Type: text/plain', '4111']), 'multipart/mixed; boundary=xyz'],
  ])('are left out where there is %s', (_, body, contentType) => {
    expect(shown(body, ['/pin'], contentType)).toEqual(leftOut)
  })

  test('are shown as they are where nothing is to be masked', () => {
    expect(shown('anything', []).text).toBe('anything')
  })
})
