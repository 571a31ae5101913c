import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { expect, test } from 'vitest'
import type { Principal } from '../../src/core/principal.js'
import { findAdmitted, noteAdmitted } from '../../src/http/admitted.js'

const principal = (keyId: string): Principal => ({
  type: 'key',
  keyId,
  secretId: 'secret_1',
  keyName: 'test',
  workspaceId: 'ws_1',
  environment: 'live',
  ownerId: null,
  address: null,
  scopes: [],
  metadata: {},
})
const as = (keyId: string) => ({
  principal: principal(keyId),
  paid: 1,
  told: { limits: null, operations: 0 },
})
const newRequest = () => new IncomingMessage(new Socket())

test('who was admitted is known for that request and that keyrung only', () => {
  const [request, other, keyrung, another] = [newRequest(), newRequest(), {}, {}]
  noteAdmitted(request, keyrung, as('key_1'))
  expect(findAdmitted(request, keyrung)).toMatchObject(as('key_1'))
  expect(findAdmitted(request, another)).toBeUndefined()
  expect(findAdmitted(other, keyrung)).toBeUndefined()
  noteAdmitted(request, another, as('key_2'))
  expect(findAdmitted(request, keyrung)).toMatchObject(as('key_1'))
  expect(findAdmitted(request, another)).toMatchObject(as('key_2'))
})

test('the note cannot be seen, copied, inherited or forged', () => {
  const [request, keyrung] = [newRequest(), {}]
  const before = Reflect.ownKeys(request)
  noteAdmitted(request, keyrung, as('key_1'))
  expect(Reflect.ownKeys(request)).toEqual(before)
  const copies = [
    Object.assign(newRequest(), request),
    Object.defineProperties(newRequest(), Object.getOwnPropertyDescriptors(request)),
    Object.create(request) as object,
    new Proxy(request, {}),
    Object.setPrototypeOf(newRequest(), Object.getPrototypeOf(request) as object) as object,
  ]
  for (const copy of copies) expect(findAdmitted(copy, keyrung)).toBeUndefined()
  expect(findAdmitted({ latest: { keyrung, principal: principal('key_1') } }, keyrung)).toBeUndefined()
})
