import Database from 'better-sqlite3'
import { beforeEach, describe, expect, it } from 'vitest'
import { createRecords, type Place, type Records } from '../../examples/trustpager/records.js'

const acme: Place = { workspaceId: 'acme', collection: 'contacts' }
const borealis: Place = { ...acme, workspaceId: 'borealis' }

let records: Records
beforeEach(() => {
  records = createRecords(new Database(':memory:'))
})

const everything = { workspaceId: 'acme', collections: ['contacts'], limit: 100 }

describe("TrustPager's records", () => {
  it('are created, read, changed, replaced and deleted', () => {
    const { id } = records.create(acme, { name: 'Ada', city: 'Bern' })
    expect(records.find(acme, id)).toMatchObject({ id, collection: 'contacts', name: 'Ada', city: 'Bern' })
    expect(records.update(acme, id, { city: 'Basel' })).toMatchObject({ name: 'Ada', city: 'Basel' })
    expect(records.replace(acme, id, { name: 'Grace' })).not.toHaveProperty('city')
    expect(records.delete(acme, id)).toBe(true)
    expect(records.find(acme, id)).toBeUndefined()
    expect([records.delete(acme, id), records.update(acme, id, {}), records.replace(acme, id, {})]).toEqual([
      false,
      undefined,
      undefined,
    ])
  })

  it('are seen by their own workspace only, under the same id too', () => {
    records.put(acme, 'same', { name: 'Acme’s' })
    records.put(borealis, 'same', { name: 'Borealis’' })
    expect(records.find(acme, 'same')!['name']).toBe('Acme’s')
    const { id } = records.create(borealis, { name: 'Other' })
    expect(records.find(acme, id)).toBeUndefined()
    expect(records.update(acme, id, { name: 'Mine' })).toBeUndefined()
    expect(records.delete(acme, id)).toBe(false)
    expect(records.search(everything).records.map((record) => record.id)).toEqual(['same'])
    records.delete(acme, 'same')
    expect(records.find(borealis, 'same')!['name']).toBe('Borealis’')
  })

  it('do not take over what the server sets', () => {
    const { id, created_at } = records.create(acme, { id: 'mine', created_at: 'never', collection: 'deals' })
    expect(id).not.toBe('mine')
    expect(records.find(acme, id)).toEqual({ id, collection: 'contacts', created_at, updated_at: created_at })
  })

  it('are paged through without a gap or a repeat, whatever is deleted meanwhile', () => {
    const made = Array.from({ length: 7 }, (_, i) => records.put(acme, `rec_${i}`, { i }).id)
    const first = records.search({ ...everything, limit: 3 })
    expect(first.next).toBe(made[2])
    records.delete(acme, first.next!)
    const second = records.search({ ...everything, limit: 3, after: first.next! })
    const third = records.search({ ...everything, limit: 3, after: second.next! })
    expect(third.next).toBeNull()
    expect([first, second, third].flatMap((page) => page.records.map((record) => record['i']))).toEqual([
      0, 1, 2, 3, 4, 5, 6,
    ])
  })

  it('are found by part of any text, nested too, and by the exact value of a field', () => {
    records.put(acme, 'a', { name: 'Ada Lovelace', tags: ['100%'], age: 36, vip: true })
    records.put(acme, 'b', { name: 'Grace Hopper', home: { city: 'Adaville' }, age: 85, vip: false })
    const find = (wanted: object): string[] =>
      records.search({ ...everything, ...wanted }).records.map((record) => record.id)
    expect(find({ text: 'ADA' })).toEqual(['a', 'b'])
    expect(find({ text: '%' })).toEqual(['a'])
    expect(find({ text: 'name' })).toEqual([])
    expect(find({ equals: { age: 85 } })).toEqual(['b'])
    expect(find({ equals: { vip: true, name: 'Ada Lovelace' } })).toEqual(['a'])
    expect(find({ equals: { vip: true, name: 'Grace Hopper' } })).toEqual([])
    expect(find({ equals: { "name') or 1=1 --": 'x' } })).toEqual([])
  })

  it('take with them what stands below them, and nothing else', () => {
    records.put(acme, 'c', {})
    records.put(acme, 'c0', {})
    const notes = { ...acme, collection: 'contacts/c/notes' }
    const others = { ...acme, collection: 'contacts/c0/notes' }
    records.put(notes, 'n', {})
    records.put(others, 'n', {})
    records.delete(acme, 'c')
    expect(records.find(notes, 'n')).toBeUndefined()
    expect(records.find(others, 'n')).toBeDefined()
    expect(records.find(acme, 'c0')).toBeDefined()
  })

  it('keep hostile names as plain data', () => {
    const hostile = JSON.parse('{"__proto__": {"admin": true}, "constructor": 1}') as Record<string, unknown>
    const { id } = records.create(acme, hostile)
    const read = records.update(acme, id, { name: 'x' })!
    expect(Object.getOwnPropertyDescriptor(read, '__proto__')?.value).toEqual({ admin: true })
    expect((read as { admin?: unknown }).admin).toBeUndefined()
    expect(({} as { admin?: unknown }).admin).toBeUndefined()
  })
})
