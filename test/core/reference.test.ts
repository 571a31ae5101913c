import { describe, expect, it } from 'vitest'
import { defineCatalog } from '../../src/core/catalog.js'
import { ladder, ladders } from '../../src/core/ladder.js'
import { reference } from '../../src/core/reference.js'

const catalog = defineCatalog({
  groups: { control: { label: 'M1 Control' }, empty: {} },
  resources: {
    cases: {
      group: 'control',
      ladder: [ladder('read', 'write-approval', 'write'), ladder('send')],
      describe: { read: 'View cases', write: 'Create cases' },
      sensitive: 'write',
    },
    tags: { ladder: ladders.readWrite },
  },
  renamed: { files: 'cases' },
})

describe('the permission reference', () => {
  it('tells for each group, resource and rung what it gives', () => {
    expect(reference(catalog)).toEqual([
      {
        name: 'control',
        label: 'M1 Control',
        resources: [
          {
            name: 'cases',
            label: 'Cases',
            formerly: ['files'],
            ladders: [
              [
                {
                  rung: 'read',
                  label: 'Read',
                  scope: 'cases:read',
                  description: 'View cases',
                  allows: ['cases:read'],
                  queues: [],
                  sensitive: false,
                },
                {
                  rung: 'write-approval',
                  label: 'Write, with approval',
                  scope: 'cases:write-approval',
                  description: null,
                  allows: ['cases:read'],
                  queues: ['cases:write'],
                  sensitive: false,
                },
                {
                  rung: 'write',
                  label: 'Write',
                  scope: 'cases:write',
                  description: 'Create cases',
                  allows: ['cases:read', 'cases:write'],
                  queues: [],
                  sensitive: true,
                },
              ],
              [
                {
                  rung: 'send',
                  label: 'Send',
                  scope: 'cases:send',
                  description: null,
                  allows: ['cases:send'],
                  queues: [],
                  sensitive: false,
                },
              ],
            ],
          },
        ],
      },
      {
        name: null,
        label: null,
        resources: [expect.objectContaining({ name: 'tags', label: 'Tags', formerly: [] })],
      },
    ])
  })

  it('is plain data', () => {
    const data = reference(catalog)
    expect(JSON.parse(JSON.stringify(data))).toEqual(data)
  })

  it('names no group where all resources have one', () => {
    const grouped = defineCatalog({
      groups: { a: {} },
      resources: { b: { group: 'a', ladder: ladders.use } },
    })
    expect(reference(grouped).map(({ name }) => name)).toEqual(['a'])
  })
})
