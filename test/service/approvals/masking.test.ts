import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { toUtf8 } from '../../../src/crypto/encoding.js'
import { maskText } from '../../../src/service/approvals/masking.js'
import { ann, openDesk } from './fixture.js'

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
    ['{"a":1}', [''], '"***"', ['']],
    ['{"a":1}', ['/b'], '{"a":1}', []],
    // What cannot be read to its end is not shown at all.
    ['{"a":1,"secret":"x', ['/secret'], '', ['']],
    ['{"a":1,"a":2}', ['/a'], '', ['']],
  ])('in %s by %j', (text, pointers, shown, masked) => {
    expect(maskText(text, 'json', pointers)).toEqual({ text: shown, masked })
  })

  test('in forms, by the names of their fields', () => {
    const form = 'user=ada&card%5Bnumber%5D=42&card[cvc]=1&p+w=x&flag'
    expect(maskText(form, 'form', ['/card/*', '/p w', '/flag'])).toEqual({
      text: 'user=ada&card%5Bnumber%5D=***&card[cvc]=***&p+w=***&flag=***',
      masked: ['/card/number', '/card/cvc', '/p w', '/flag'],
    })
  })

  test('in JSON that is called something else', () => {
    expect(maskText(' {"a":1}', 'text', ['/a']).text).toBe(' {"a":"***"}')
    expect(maskText('plain', 'text', ['/a']).text).toBe('plain')
  })

  test('leaves no masked value in what is shown, and all else as it was', () => {
    const value = fc.jsonValue({ maxDepth: 3 })
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('a', 'b', 'secret'), value), (object) => {
        const shown = maskText(JSON.stringify(object), 'json', ['/secret']).text
        const expected = 'secret' in object ? { ...object, secret: '***' } : object
        expect(JSON.parse(shown)).toEqual(JSON.parse(JSON.stringify(expected)))
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
})
