import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {Refusal} from '../../../../src/sandbox/apiserver/errors.ts'
import {parseLabelSelector, selectorText} from '../../../../src/sandbox/apiserver/label-selector.ts'
import {parseFieldSelector} from '../../../../src/sandbox/apiserver/selectors.ts'

const object = (labels: Record<string, string>) => ({apiVersion: 'v1', kind: 'Pod', metadata: {name: 'p', labels}, spec: {nodeName: 'n1'}})

describe('label selectors', () => {
  it.each([
    ['a=1', {a: '1'}, true],
    ['a==1', {a: '2'}, false],
    ['a!=1', {}, true],
    ['a', {a: ''}, true],
    ['!a', {a: ''}, false],
    ['a in (1, 2)', {a: '2'}, true],
    ['a notin (1,2)', {}, true],
    ['a notin (1,2),b', {b: 'x'}, true],
    ['dask.org/component=worker,dask.org/cluster-name=c', {'dask.org/component': 'worker', 'dask.org/cluster-name': 'c'}, true],
    ['n>3', {n: '4'}, true],
    ['n<3', {n: 'x'}, false],
    ['', {}, true],
  ])('%s of %j is %s', (selector, labels: Record<string, string>, expected) => {
    expect(parseLabelSelector(selector)(labels)).toBe(expected)
  })

  it.each(['a=b=c', 'a in 1', '(', ',', 'a b'])('refuses %s', (selector) => {
    expect(() => parseLabelSelector(selector)).toThrow(Refusal)
  })

  const key = fc.stringMatching(/^[a-z]([-a-z0-9]{0,8}[a-z0-9])?$/)
  const value = fc.stringMatching(/^[a-z0-9]{0,6}$/)

  it('selects exactly the labels that it names', () => {
    fc.assert(
      fc.property(fc.dictionary(key, value, {minKeys: 1, maxKeys: 4}), fc.dictionary(key, value, {maxKeys: 4}), (wanted, labels) => {
        const selects = parseLabelSelector(
          Object.entries(wanted)
            .map(([name, text]) => `${name}=${text}`)
            .join(','),
        )
        expect(selects({...labels, ...wanted})).toBe(true)
        expect(selects(labels)).toBe(Object.entries(wanted).every(([name, text]) => labels[name] === text))
      }),
    )
  })

  it('answers or refuses every text, and never fails otherwise', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          parseLabelSelector(text)({})
        } catch (error) {
          expect(error).toBeInstanceOf(Refusal)
        }
      }),
    )
  })
})

describe('a workload’s selector as text', () => {
  it('selects what it says', () => {
    const matchExpressions = [
      {key: 'tier', operator: 'In', values: ['b', 'a']},
      {key: 'old', operator: 'DoesNotExist'},
    ]
    const text = selectorText({matchLabels: {app: 'x'}, matchExpressions})
    expect(text).toBe('app=x,!old,tier in (a,b)')
    expect(parseLabelSelector(text)({app: 'x', tier: 'b'})).toBe(true)
    expect(parseLabelSelector(text)({app: 'x', tier: 'b', old: ''})).toBe(false)
  })
})

describe('field selectors', () => {
  it('compares fields as text', () => {
    const selects = parseFieldSelector('spec.nodeName=n1,metadata.name!=q', ['metadata.name', 'spec.nodeName'])
    expect(selects(object({}))).toBe(true)
  })

  it('takes a missing field as empty', () => {
    expect(parseFieldSelector('status.phase=', ['status.phase'])(object({}))).toBe(true)
  })

  it('refuses a field that the kind cannot be selected by', () => {
    expect(() => parseFieldSelector('spec.color=red', ['metadata.name'])).toThrow('field label not supported: spec.color')
  })
})
