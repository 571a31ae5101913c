import { expect, inject, test } from 'vitest'
import { checkPackedLinks } from './packed-links.js'
import { plant } from './planted.js'

const { failure, folder } = inject('packed')

test('the pages of the package lead to packed files and absolute addresses only', () => {
  expect(failure).toBe('')
  const { faults, links } = checkPackedLinks(folder)
  expect(faults).toEqual([])
  expect(links).toBeGreaterThan(20)
})

test('a link to a file that is not packed is seen', () => {
  const folder = plant({
    'README.md': '[a](docs/a.md#one) [b](https://acme.example/b) [c](#c) [d](examples/d.ts)',
    'docs/a.md':
      '[r](../README.md) [mail](mailto:x@acme.example)\n\n```md\n[z](z.md)\n```\n\n[e](../src/e.ts#L1)',
  })
  expect(checkPackedLinks(folder)).toEqual({
    faults: [
      'README.md: leads to examples/d.ts, which is not packed',
      'docs/a.md: leads to ../src/e.ts, which is not packed',
    ],
    links: 4,
  })
})
