import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {parseEnv, parsePair} from '../../../src/cli/pairs.ts'
import {UserError} from '../../../src/cli/user-error.ts'

describe('--env', () => {
  it('splits at the first "=" alone, so that values may hold more of them', () => {
    const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.-]*$/)
    fc.assert(
      fc.property(name, fc.string({unit: 'grapheme'}), (key, value) => {
        expect(parseEnv(`${key}=${value}`)).toEqual({name: key, value})
      }),
    )
  })

  it('takes an empty value', () => {
    expect(parseEnv('A=')).toEqual({name: 'A', value: ''})
  })

  it.each(['A', '', '=x', 'ä=1', 'A\n=1'])('refuses %j', (text) => {
    expect(() => parseEnv(text)).toThrow(UserError)
  })
})

describe('--label', () => {
  it('keeps the rest of the value', () => {
    expect(parsePair('a.b/c=d=e')).toEqual(['a.b/c', 'd=e'])
  })

  it.each(['', 'a', '=a'])('refuses %j', (text) => {
    expect(() => parsePair(text)).toThrow(UserError)
  })
})
