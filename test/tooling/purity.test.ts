import { expect, test } from 'vitest'
import { projectRoot } from './exports.js'
import { plant } from './planted.js'
import { checkPurity } from './purity.js'

test('the core reads no clock, no randomness and no machine', () => {
  const finding = checkPurity(projectRoot)
  expect(finding.faults).toEqual([])
  expect(finding.files).toBeGreaterThan(8)
  expect(finding.identifiers).toBeGreaterThan(500)
})

test.each([
  'export const at = Date.now()',
  'export const at = new Date()',
  'export const at = (at?: Date) => at',
  'export const at = performance.now()',
  'export const x = Math.random()',
  'export const { random } = Math',
  `export const x = Math['random']()`,
  'const m = Math; export const x = m.random()',
  'export const x = crypto.getRandomValues(new Uint8Array(1))',
  'export const x = process.env',
  `export const x = globalThis['Da' + 'te' as 'Date']`,
  'setTimeout(() => 0, 1)',
  'export const x = new Intl.DateTimeFormat().format()',
  `export const x = 'a'.localeCompare('b')`,
  'export const x = (1).toLocaleString()',
  `export const x = Function('return this')()`,
  'export async function x() {}',
  'export const x = Promise.resolve(1)',
  'export const x = import.meta.url',
  'const { a = Date } = { a: 1 }',
  'export const x = { now: Date }',
  'export const x = { Date }',
])('the gate sees %s', (text) => {
  expect(checkPurity(plant({ 'src/core/a.ts': text })).faults.length).toBeGreaterThan(0)
})

test('the gate lets time as an argument and names of members pass', () => {
  const text = `
    /** Date.now() in a comment is none. */
    export interface Clock { readonly process: number; crypto(): void }
    export const later = (clock: { now: number; Date: number }, { process: x }: Clock) =>
      Math.max(clock.now, clock.Date) + x + 'Date.now()'.length
    export type Maybe<T> = T | Promise<T>
    export class Box { fetch = 1; get self() { return this.fetch } }
    export const box = { fetch: 1, self: 2 }`
  const finding = checkPurity(plant({ 'src/core/a.ts': text }))
  expect(finding).toMatchObject({ faults: [], files: 1 })
})
