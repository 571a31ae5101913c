import { describe, expect, it, test } from 'vitest'
import { escapeHidden, findNameFault } from '../../../src/core/plain-text.js'
import { fromUtf8, toUtf8 } from '../../../src/crypto/encoding.js'
import { createKeyFormat } from '../../../src/crypto/key-format.js'
import { shownText } from '../../../src/service/approvals/shown-text.js'
import { ann, openDesk } from './fixture.js'

const format = createKeyFormat({ prefix: 'tp', environments: ['live', 'test'] })
const key = format.format('live', 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5')
const shown = shownText(format)

const percent = (text: string) =>
  [...text].map((one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`).join('')
const escaped = (text: string) => [...text].map((one) => `\\u00${one.charCodeAt(0).toString(16)}`).join('')

describe('keys in what a caller sent', () => {
  test.each([
    ['as it is', key],
    ['percent-encoded', percent(key)],
    ['percent-encoded in small letters', percent(key).toLowerCase()],
    ['percent-encoded twice', percent(key).replaceAll('%', '%25')],
    ['with its underscores encoded', key.replaceAll('_', '%5f')],
    ['escaped as JSON may', escaped(key)],
    ['escaped in JSON within JSON', escaped(key).replaceAll('\\', '\\\\')],
    ['with one letter escaped', key.replace('t', '\\u0074')],
  ])('are masked where they are written %s', (_, written) => {
    expect(shown.text(`a=${written}&b=1`)).toBe('a=***&b=1')
    expect(shown.text(`${written}x${written}`)).toBe('***x***')
    expect(fromUtf8(shown.bytes(toUtf8(`{"ü":"${written}"}`)))).toBe('{"ü":"***"}')
    expect(shown.value({ [written]: [{ note: `(${written})` }, 1, null] })).toEqual({
      '***': [{ note: '(***)' }, 1, null],
    })
  })

  test.each([
    ['another checksum', `${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`],
    ['another prefix', key.replace('tp', 'xx')],
    ['another environment', key.replace('live', 'prod')],
    ['a part', key.slice(0, -1)],
  ])('are none with %s', (_, text) => {
    expect(shown.text(text)).toBe(text)
  })

  it('are masked to deciders and webhooks, but run as they were sent', async () => {
    const desk = await openDesk()
    const agent = await desk.agent()
    const body = { note: key, path: 'a\u202eb' }
    const request = {
      target: `/contacts?api_key=${key}&k=${percent(key)}`,
      headers: [
        ['content-type', 'application/json'],
        ['x-note', `key ${key} a\xadb`],
      ] as const,
    }
    const { id, digest } = (await desk.ask(agent, { body, request })).approval
    const { request: seen } = await desk.keyrung.approvals.get(ann, id)
    expect(seen).toMatchObject({
      target: '/contacts?api_key=***&k=***',
      headers: [
        ['content-type', 'application/json'],
        ['x-note', 'key *** a\\u00adb'],
      ],
      body: { text: '{"note":"***","path":"a\\u202eb"}', bytes: toUtf8(JSON.stringify(body)).length },
    })
    desk.answer = { ...desk.answer, body: toUtf8(JSON.stringify({ secret: key })) }
    const done = await desk.keyrung.approvals.approve(ann, id, { digest, reason: 'a\u200bb' })
    expect(done).toMatchObject({ result: { text: '{"secret":"***"}' }, reason: 'a\\u200bb' })
    expect(JSON.stringify([done, await desk.events()])).not.toContain(key)
    expect(desk.runs[0]).toMatchObject({ target: request.target, body: toUtf8(JSON.stringify(body)) })
    const own = await desk.keyrung.approvals.track(agent, id)
    expect(own).toMatchObject({
      request: { target: request.target, body: { text: JSON.stringify(body) } },
      result: { text: JSON.stringify({ secret: key }) },
    })
  })

  it('are masked in bytes that are no text', async () => {
    const desk = await openDesk()
    const body = new Uint8Array([0xff, ...toUtf8(key), 0xfe])
    const headers = [['content-type', 'application/octet-stream']] as const
    const { id } = (await desk.ask(await desk.agent(), { body, request: { headers } })).approval
    const { request } = await desk.keyrung.approvals.get(ann, id)
    expect(request!.body.encoding).toBe('base64')
    expect([...Buffer.from(request!.body.text, 'base64')]).toEqual([0xff, ...toUtf8('***'), 0xfe])
  })

  it('are masked in a path that names the operation', async () => {
    const desk = await openDesk()
    const request = { target: `/contacts/${key}`, pattern: null }
    const { approval } = await desk.ask(await desk.agent(), { request })
    const detail = await desk.keyrung.approvals.get(ann, approval.id)
    const listed = await desk.keyrung.approvals.list(ann)
    expect(JSON.stringify([approval, detail, listed, await desk.events()])).not.toContain(key)
  })
})

const hidden = [
  ...[0xad, 0x34f, 0x61c, 0x115f, 0x17b4, 0x180e, 0x200b, 0x200c, 0x200d, 0x200e, 0x200f, 0x202a, 0x202b],
  ...[0x202c, 0x202d, 0x202e, 0x2060, 0x2061, 0x2062, 0x2063, 0x2064, 0x2066, 0x2067, 0x2068, 0x2069],
  ...[0x3164, 0xfe0f, 0xfeff, 0xffa0, 0xfff9, 0x1d173, 0xe0001, 0xe0061, 0xe0100],
].map((code) => [code.toString(16), String.fromCodePoint(code)] as const)

describe('what is invisible or turns the reading order', () => {
  test.each(hidden)('U+%s is escaped where it is shown', (_, character) => {
    const text = escapeHidden(`a${character}b`)
    expect(text).toMatch(/^a(?:\\u[0-9a-f]{4}){1,2}b$/)
    expect(JSON.parse(`"${text}"`)).toBe(`a${character}b`)
  })

  test.each(hidden)('U+%s is refused in the name of a key', async (_, character) => {
    const { keyrung } = await openDesk()
    const named = (name: string) => keyrung.keys.create(ann, { name, scopes: ['contacts:read'] })
    await expect(named(`a${character}b`)).rejects.toMatchObject({
      code: 'input_invalid',
      faults: [{ path: 'name' }],
    })
  })

  test.each([['\u2800'], ['\u0301'], ['\ufffc'], ['\ue000'], ['\u00a0\u2800\u0301']])(
    'a name of %j has nothing to be seen',
    async (name) => {
      const { keyrung } = await openDesk()
      await expect(keyrung.keys.create(ann, { name, scopes: ['contacts:read'] })).rejects.toMatchObject({
        faults: [{ path: 'name', message: 'must have something visible' }],
      })
    },
  )

  test.each([['Ключ 1'], ['مفتاح'], ['🔑'], ['❤️'], ['👩🏽‍💻'], ['e\u0301'], ['-'], ['名前']])(
    'the name %j is taken',
    async (name) => {
      const { keyrung } = await openDesk()
      expect((await keyrung.keys.create(ann, { name, scopes: ['contacts:read'] })).key.name).toBe(name)
    },
  )

  test.each([['👩\u200d'], ['👩\u200d\u200d👩'], ['\u200d👩'], ['👩\u200dx'], ['👩\u200b👩']])(
    'the name %j hides more than emoji are joined by',
    (name) => {
      expect(findNameFault(name, 100)).toMatch(/invisible/)
    },
  )

  it('leaves lines and all that is seen as they are', () => {
    expect(escapeHidden('a\tb\r\nc é 🔑 مفتاح')).toBe('a\tb\r\nc é 🔑 مفتاح')
    expect(escapeHidden('\u001b[2J\u0085\u2028')).toBe('\\u001b[2J\\u0085\\u2028')
  })
})
