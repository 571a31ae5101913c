import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { toUtf8 } from '../../../src/crypto/encoding.js'
import { maskBody, maskTarget } from '../../../src/service/approvals/masking.js'
import { ann, openDesk } from './fixture.js'

const [json, form] = ['application/json', 'application/x-www-form-urlencoded']

/** What is shown of a text, in a few words. */
function shown(text: string | Uint8Array, type: string | null, pointers: readonly string[]) {
  return maskBody(typeof text === 'string' ? toUtf8(text) : text, type, pointers)
}

describe('what is masked', () => {
  test.each([
    ['{"a":1,"b":"x"}', ['/a'], '{"a":"***","b":"x"}', ['/a']],
    [
      '{ "items" : [ {"iban":"DE1", "n":1e400}, {"iban":null} ] }',
      ['/items/*/iban'],
      '{ "items" : [ {"iban":"***", "n":1e400}, {"iban":"***"} ] }',
      ['/items/0/iban', '/items/1/iban'],
    ],
    [
      '{"a":{"b":1},"c":12345678901234567890}',
      ['/a', '/a/b'],
      '{"a":"***","c":12345678901234567890}',
      ['/a'],
    ],
    ['[1,[2]]', ['/1/0'], '[1,["***"]]', ['/1/0']],
    ['{"a/b":{"~":1}}', ['/a~1b/~0'], '{"a/b":{"~":"***"}}', ['/a~1b/~0']],
    ['{"\\u0061":1}', ['/a'], '{"\\u0061":"***"}', ['/a']],
    ['{"a":1}', ['/b'], '{"a":1}', []],
    // What cannot be read to its end is not shown at all.
    ['{"a":1,"secret":"x', ['/secret'], '', ['']],
    ['{"a":1,"a":2}', ['/a'], '', ['']],
  ])('in %s by %j', (text, pointers, wanted, masked) => {
    expect(shown(text, json, pointers)).toEqual({ encoding: 'utf8', text: wanted, masked })
  })

  test.each([
    ['/card/*', 'user=ada&card%5Bnumber%5D=4111', 'user=ada&card%5Bnumber%5D=***', '/card/number'],
    ['/card/cvc', 'card[cvc]=1&card[name]=Ada', 'card[cvc]=***&card[name]=Ada', '/card/cvc'],
    ['/card/cvc', 'card.cvc=1', 'card.cvc=***', '/card/cvc'],
    // What stands within it.
    ['/card', 'card[number]=1&card[name][first]=2', 'card[number]=***&card[name][first]=***', '/card/number'],
    ['/p w', 'p+w=x&p%20w=y', 'p+w=***&p%20w=***', '/p w'],
    ['/flag', 'flag&flags', 'flag=***&flags', '/flag'],
    ['/v1.5', 'v1.5=a', 'v1.5=***', '/v1.5'],
    ['/a[b', 'a%5Bb=1', 'a%5Bb=***', '/a[b'],
    ['/a/b', 'c&[a][b]=1', 'c&[a][b]=***', '/a/b'],
    // A list, however it is written.
    ['/iban/*', 'iban=DE1&iban=DE2', 'iban=***&iban=***', '/iban'],
    ['/items/0/iban', 'items[][iban]=D&items[][n]=1', 'items[][iban]=***&items[][n]=1', '/items//iban'],
    // What may hold it.
    ['/order/iban', 'order={"iban":1}&n=1', 'order=***&n=1', '/order'],
    ['/order/iban', 'order=%20%7B%7D', 'order=***', '/order'],
    ['/order/iban', 'order=7', 'order=7', undefined],
    // Escapes that are none do not hide a name.
    ['/token', '%74oken[%zz]=x&token[%ff]=x', '%74oken[%zz]=***&token[%ff]=***', '/token/%zz'],
    ['/ü', '%c3%bc%5b%ff%5d=x', '%c3%bc%5b%ff%5d=***', '/ü/\ufffd'],
    ['/token', 'Token=x&tokens=y', 'Token=x&tokens=y', undefined],
  ])('by %s in the form and the query %s', (pointer, text, wanted, first) => {
    const body = shown(text, form, [pointer])
    expect([body.text, body.masked[0]]).toEqual([wanted, first])
    const target = maskTarget(`/contacts?${text}`, [pointer])
    expect(target).toEqual({ text: `/contacts?${wanted}`, masked: body.masked })
  })

  test('in no path', () => {
    expect(maskTarget('/token', ['/token', '/*'])).toEqual({ text: '/token', masked: [] })
    expect(maskTarget('/token?', ['/*'])).toEqual({ text: '/token?', masked: [] })
    expect(maskTarget('/a?&x=1?token=2', ['/x'])).toEqual({ text: '/a?&x=***', masked: ['/x'] })
  })

  test('all of it, by the empty pointer', () => {
    for (const type of [json, form, 'text/plain', null, 'multipart/form-data; boundary=b']) {
      expect(shown('{"a":1}', type, [''])).toEqual({ encoding: 'utf8', text: '***', masked: [''] })
    }
    expect(shown(Uint8Array.of(255), null, ['']).text).toBe('***')
    expect(maskTarget('/a?b=1', [''])).toEqual({ text: '/a?***', masked: [''] })
  })

  test('in JSON that is called something else', () => {
    for (const type of ['text/plain', form, null]) {
      expect(shown(' {"a":1}', type, ['/a']).text).toBe(' {"a":"***"}')
      expect(shown('{"a":1}&a=2', type, ['/a']).text).toBe('')
    }
    expect(shown('plain', 'text/plain', ['/a']).text).toBe('plain')
  })

  test('in a text that was cut in the middle of a letter, by leaving it out', () => {
    const cut = toUtf8('{"a":1,"b":"ü').slice(0, -1)
    for (const type of [json, form, 'text/plain', null]) {
      expect(shown(cut, type, ['/a'])).toEqual({ encoding: 'utf8', text: '', masked: [''] })
    }
    expect(shown(cut, json, []).encoding).toBe('base64')
    expect(shown(Uint8Array.of(0, 255), 'image/png', ['/a'])).toEqual({
      ...{ encoding: 'base64', text: 'AP8=', masked: [] },
    })
  })

  test('leaves no masked value in what is shown, and all else as it was', () => {
    const value = fc.jsonValue({ maxDepth: 3 })
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('a', 'b', 'secret'), value), (object) => {
        const { text } = shown(JSON.stringify(object), json, ['/secret'])
        const expected = 'secret' in object ? { ...object, secret: '***' } : object
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(expected)))
      }),
    )
  })

  it('is masked for whoever decides and shown to whoever sent it; the digest covers it', async () => {
    const desk = await openDesk({ approvals: { redact: ['/card/number', '/token'] } })
    desk.answer = { ...desk.answer, body: toUtf8('{"token":"t-1","id":7}') }
    const agent = await desk.agent()
    const body = { card: { number: '4111' } }
    const { id, digest } = (await desk.ask(agent, { body })).approval
    const shown = await desk.keyrung.approvals.get(ann, id)
    expect(shown.request!.body).toMatchObject({ text: '{"card":{"number":"***"}}', masked: ['/card/number'] })
    expect((await desk.ask(agent, { body: { card: { number: '4222' } } })).approval.digest).not.toBe(digest)
    const done = await desk.keyrung.approvals.approve(ann, id, { digest })
    expect(done.result).toMatchObject({ text: '{"token":"***","id":7}', masked: ['/token'] })
    expect(new TextDecoder().decode(desk.runs[0]!.body)).toBe(JSON.stringify(body))
    const own = await desk.keyrung.approvals.track(agent, id)
    expect(own.result).toMatchObject({ text: '{"token":"t-1","id":7}', masked: [] })
  })

  it('is not to be found where approvals are listed, decided and audited', async () => {
    const desk = await openDesk({ approvals: { redact: ['/token'] } })
    const agent = await desk.agent()
    const request = { target: '/contacts?token=canary-7f3a&page=2', pattern: null }
    const { id, digest } = (await desk.ask(agent, { request })).approval
    const listed = await desk.keyrung.approvals.list(ann)
    const shown = await desk.keyrung.approvals.get(ann, id)
    expect(shown.request).toMatchObject({ target: '/contacts?token=***&page=2', maskedQuery: ['/token'] })
    const done = await desk.keyrung.approvals.approve(ann, id, { digest })
    expect(done.status).toBe('succeeded')
    expect(JSON.stringify([listed, shown, done, await desk.events()])).not.toContain('canary')
    expect(desk.runs[0]!.target).toBe(request.target)
    expect((await desk.keyrung.approvals.track(agent, id)).request!.target).toBe(request.target)
  })
})

describe('a result with a content type that parsers differ on', () => {
  const body = 'name=ada&pin=4111'
  test.each([
    [`${form}; charset`],
    [`${form}; charset=`],
    [`${form};charset=utf-8;charset=utf-7`],
    [`${form}; charset="utf-8`],
    [`${form}; charset=utf-8 x`],
    [`${form} x`],
    [`${form},text/plain`],
    [`${form}; charset=utf-16le`],
    [`${json}; charset`],
    ['text/plain; charset=utf-7'],
    ['multipart/form-data; charset; boundary=x'],
    ['x'],
    [''],
  ])('is left out where something is to be masked: %s', (type) => {
    const leftOut = { encoding: 'utf8', text: '', masked: [''] }
    expect(shown(body, type, ['/pin'])).toEqual(leftOut)
    expect(shown('{"pin":4111}', type, ['/pin'])).toEqual(leftOut)
    expect(shown(body, type, []).text).toBe(body)
  })

  test.each([
    [form],
    [`${form} ; charset=utf-8`],
    [`${form};charset="UTF-8"`],
    [`${form}; charset=us-ascii`],
    [form.toUpperCase()],
  ])('is masked where all read it alike: %s', (type) => {
    expect(shown(body, type, ['/pin'])).toEqual({
      encoding: 'utf8',
      text: 'name=ada&pin=***',
      masked: ['/pin'],
    })
  })
})
