import { describe, expect, it, test } from 'vitest'
import { describeUnknownOption, findSimilar } from '../../src/core/suggestion.js'

describe('a suggestion', () => {
  it('is the nearest word at most two edits away', () => {
    const words = ['contacts', 'contracts', 'read', 'write']
    expect(findSimilar('contact', words)).toBe('contacts')
    expect(findSimilar('contracs', words)).toBe('contracts')
    expect(findSimilar('cnotacts', words)).toBe('contacts')
    expect(findSimilar('wirte', words)).toBe('write')
    expect(findSimilar('contacts', words)).toBe('contacts')
    expect(findSimilar('cunticts', ['contacts'])).toBe('contacts')
    expect(findSimilar('cuntictz', ['contacts'])).toBeUndefined()
    expect(findSimilar('invoices', words)).toBeUndefined()
  })

  it('is the first of equals', () => {
    expect(findSimilar('reads', ['readx', 'ready'])).toBe('readx')
  })

  it('is not made where half of a short word would be rewritten', () => {
    expect(findSimilar('sms', ['ai', 'crm'])).toBeUndefined()
    expect(findSimilar('ab', ['ac'])).toBeUndefined()
    expect(findSimilar('abc', ['abd'])).toBe('abd')
    expect(findSimilar('', ['a'])).toBeUndefined()
  })

  it('looks at the first 2,000 words only', () => {
    const words = [...Array.from({ length: 1_999 }, () => 'x'), 'contacts']
    expect(findSimilar('contact', words)).toBe('contacts')
    expect(findSimilar('contact', ['x', ...words])).toBeUndefined()
  })
})

test.each([
  ['lifecicle', 'is not an option; did you mean lifecycle?'],
  ['colour', 'is not an option'],
])('an option %s that is not known %s', (name, text) => {
  expect(describeUnknownOption(name, ['prefix', 'lifecycle'])).toBe(text)
})
