import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {isEqual, mergePatch} from '../../../src/api/json.ts'
import {normalise} from '../../../src/operator/engine/normalise.ts'

/** RFC 7386, as the API server applies it. */
const applied = (target: unknown, patch: unknown): unknown => {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch
  const result: Record<string, unknown> = typeof target === 'object' && target !== null && !Array.isArray(target) ? {...target} : {}
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name]
    else result[name] = applied(result[name], value)
  }
  return result
}

const json = fc.letrec((tie) => ({
  value: fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.array(tie('value'), {maxLength: 3}), tie('object')),
  object: fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('value'), {maxKeys: 3}),
})).object as fc.Arbitrary<Record<string, unknown>>

describe('law 6: a status patch', () => {
  it('makes the old status into the new one', () => {
    fc.assert(
      fc.property(json, json, (before, after) => {
        const patch = mergePatch(before, after)
        expect(isEqual(patch === undefined ? before : applied(before, patch), after)).toBe(true)
      }),
    )
  })

  it('is nothing where nothing differs', () => {
    fc.assert(fc.property(json, (status) => mergePatch(status, structuredClone(status)) === undefined))
  })
})

describe('law 5: a normalised spec', () => {
  it('holds no null, at any depth', () => {
    expect(normalise({a: null, b: [1, null, {c: null, d: 2}], e: {f: null}})).toEqual({b: [1, {d: 2}], e: {}})
  })

  it('is the very same object where there was none', () => {
    fc.assert(fc.property(json, (spec) => normalise(spec) === spec))
  })
})
