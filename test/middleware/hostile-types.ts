import { EventEmitter } from 'node:events'
import type { IncomingMessage } from 'node:http'
import express from 'express'
import express4 from 'express4'
import type { Lot } from '../../src/testing/lot.js'

type ParserMiddleware = (request: never, response: never, next: (error?: unknown) => void) => void

const all = (): boolean => true

/** The parsers of both Express versions, each of them taking every type. */
export const realParsers: Readonly<Record<string, ParserMiddleware>> = {
  'json of Express 5': express.json({ type: all, strict: false }) as ParserMiddleware,
  'urlencoded of Express 5': express.urlencoded({ type: all, extended: false }) as ParserMiddleware,
  'nested urlencoded of Express 5': express.urlencoded({ type: all, extended: true }) as ParserMiddleware,
  'text of Express 5': express.text({ type: all }) as ParserMiddleware,
  'raw of Express 5': express.raw({ type: all }) as ParserMiddleware,
  'json of Express 4': express4.json({ type: all, strict: false }) as ParserMiddleware,
  'urlencoded of Express 4': express4.urlencoded({ type: all, extended: false }) as ParserMiddleware,
  'text of Express 4': express4.text({ type: all }) as ParserMiddleware,
}

const essences = [
  ...['application/json', 'application/json', 'Application/JSON', 'model/gltf+json', 'model/x+json'],
  ...['text/plain', 'text/html', 'application/x-www-form-urlencoded', 'application/octet-stream'],
  ...['multipart/form-data', 'application/json/x', 'json', '*/*', 'application/', ' application/json', ''],
]
const charsets = [
  ...['utf-8', 'UTF-8', 'utf8', 'utf-7', 'utf-7', 'utf-7-imap', 'utf-16', 'utf-16le', 'utf-16be', 'utf-32'],
  ...[
    'us-ascii',
    'ascii',
    'iso-8859-1',
    'latin1',
    'windows-1252',
    'x-user-defined',
    'ucs-2',
    'hex',
    'base64',
  ],
  ...['utf- 7', 'utf-8 ', 'utf-7 ', 'utf_7', 'unicode-1-1-utf-7', 'csUTF7', "utf-8''", 'utf-8, utf-7', ''],
]
const names = ['charset', 'charset', 'charset', 'Charset', 'CHARSET', 'charset ', 'charset*', 'x', 'boundary']
const plain = ['x', 'b; charset=utf-8', 'a"b', '; charset=utf-8', '\\', 'é', 'text', '']
const separators = [';', ';', '; ', '; ', ' ; ', ';;', ',', ', ', ';\t', ' ', '']
const equals = ['=', '=', '=', '=', ' =', '= ', '==', '']
const tails = ['', '', '', '', ';', ' ', '"', 'x', '\\', ', text/plain', ';charset', '; charset=utf-7']

const pick = <T>(lot: Lot, from: readonly T[]): T => from[Math.floor(lot() * from.length)]!

function quoted(lot: Lot, value: string): string {
  const escaped = pick(lot, [value, value.replace(/["\\]/g, '\\$&'), value.replace(/./gu, '\\$&')])
  return pick(lot, [value, value, `"${escaped}"`, `"${escaped}"`, `"${escaped}`, `'${value}'`])
}

/** One that is understood, however it is written. */
function tameType(lot: Lot, essence: string): string {
  const charset = pick(lot, ['utf-8', 'UTF-8', 'utf8', '\\u\\t\\f-8', 'us-ascii', 'US-ASCII'])
  const named = `${pick(lot, ['charset', 'CharSet'])}=${/[\\]/.test(charset) ? `"${charset}"` : charset}`
  const other = pick(lot, ['x="; charset=utf-7"', 'x="a\\"; charset=utf-7; y=\\""', 'boundary=b', 'x=y', ''])
  const parameters = [...(lot() < 0.7 ? [named] : []), ...(other === '' ? [] : [other])]
  if (lot() < 0.5) parameters.reverse()
  return essence + parameters.map((one) => pick(lot, [';', '; ', ' ;\t']) + one).join('')
}

/** Makes a content type such as a server may be sent: well-formed, almost so, or not at all. */
export function hostileType(lot: Lot): string {
  let type = pick(lot, lot() < 0.6 ? essences.slice(0, 9) : essences)
  if (lot() < 0.3) return tameType(lot, type)
  for (let left = Math.floor(lot() * 4); left > 0; left--) {
    const name = pick(lot, names)
    const value = pick(lot, /charset/i.test(name) || lot() < 0.2 ? charsets : plain)
    type += pick(lot, separators) + name + pick(lot, equals) + quoted(lot, value)
  }
  type += pick(lot, tails)
  if (lot() < 0.1) {
    const at = Math.floor(lot() * type.length)
    type = type.slice(0, at) + pick(lot, ['"', ';', '=', '\\', ' ', '\t', 'x', '']) + type.slice(at + 1)
  }
  // A server takes away what stands around a value.
  return type.trim()
}

/** Bodies that other charsets, and other readers, make something else of. */
export const hostileBodies: readonly Uint8Array[] = [
  '{"to":"alice","note":"+ACIALAAi-to+ACIAOgAi-mallory"}',
  '{"to":"alicé","pin":"+AOk-"}',
  '{"to":"alice","to":"mallory"}',
  '\ufeff{"to":"alice"}',
  '["alice"]',
  '"alice"',
  'to=alice&note=+ACY-to+AD0-mallory',
  'to=alic%C3%A9&to=bob&é=+AOk-',
  'plain text, é, +AOk-',
  'plain text',
  '\ufeffplain',
].map((text) => new TextEncoder().encode(text))

/** Parses a body as a framework does; throws what its parser says. */
export function parse(parser: ParserMiddleware, type: string, body: Uint8Array): Promise<unknown> {
  const headers = { 'content-type': type, 'content-length': `${body.length}` }
  const request = Object.assign(new EventEmitter(), { method: 'POST', headers, body: undefined as unknown })
  const quiet = {
    unpipe: () => undefined,
    pause: () => undefined,
    resume: () => void request.emit('end'),
  }
  return new Promise((resolve, reject) => {
    const end = (error?: unknown): void =>
      error ? reject(error as Error) : resolve((request as { body?: unknown }).body)
    parser(Object.assign(request, quiet) as never, {} as never, end)
    request.emit('data', Buffer.from(body))
    request.emit('end')
  })
}

/** A request whose body a parser has read. */
export function readRequest(type: string, body: Uint8Array): IncomingMessage {
  const headers = { 'content-type': type, 'content-length': `${body.length}` }
  return { headers, rawHeaders: Object.entries(headers).flat(), readableDidRead: true } as never
}
