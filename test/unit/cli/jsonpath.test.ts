import {check, property, string} from 'fast-check'
import {describe, expect, it} from 'vitest'
import {nearest} from '../../../src/cli/did-you-mean.ts'
import {parseTemplate, renderTemplate} from '../../../src/cli/jsonpath.ts'
import {parseFormat, sortBy} from '../../../src/cli/list-format.ts'
import {UserError} from '../../../src/cli/user-error.ts'

const LIST = {
  kind: 'List',
  items: [
    {metadata: {name: 'a', labels: {'dask.org/team': 'ml'}}, spec: {replicas: 3}, status: {conditions: [{type: 'Ready', status: 'True'}]}},
    {metadata: {name: 'b', labels: {}}, spec: {replicas: 12}, status: {conditions: [{type: 'Ready', status: 'False'}]}},
  ],
}
const render = (template: string): string => renderTemplate(parseTemplate(template), LIST)

describe('a JSONPath template', () => {
  // Each of these is what kubectl prints for the same list.
  it.each([
    ['{.kind}', 'List'],
    ['{.items[*].metadata.name}', 'a b'],
    ['{.items[0].metadata.name}', 'a'],
    ['{.items[-1].metadata.name}', 'b'],
    ['{.items[0:1].metadata.name}', 'a'],
    ['{.items[0,1].metadata.name}', 'a b'],
    ["{.items[0].metadata['name', 'labels']}", 'a {"dask.org/team":"ml"}'],
    ['{.items[*].metadata.labels.dask\\.org/team}', 'ml'],
    ["{.items[*]['metadata']['name']}", 'a b'],
    ['{..name}', 'a b'],
    ['{$.items[?(@.spec.replicas>5)].metadata.name}', 'b'],
    ['{.items[?(@.metadata.name=="a")].spec.replicas}', '3'],
    ['{.items[0].status.conditions[?(@.type=="Ready")].status}', 'True'],
    ['{range .items[*]}{.metadata.name}{"\\t"}{.spec.replicas}{"\\n"}{end}', 'a\t3\nb\t12\n'],
    ['names: {.items[*].metadata.name}!', 'names: a b!'],
    ['{.items[0].nothing.here}', ''],
  ])('%s', (template, text) => {
    expect(render(template)).toBe(text)
  })

  it('shows where it is wrong', () => {
    expect(() => render('{.items[*]')).toThrow('the template "{.items[*]" is wrong at column 11: a } is missing')
    expect(() => render('{range .items[*]}x')).toThrow('a {range} has no {end}')
    expect(() => render('x{end}')).toThrow('there is an {end} without a {range}')
  })

  it('of any text is read or refused, and never anything else', () => {
    const outcome = check(
      property(string(), (text) => {
        try {
          render(text)
        } catch (error) {
          if (!(error instanceof UserError)) throw error
        }
      }),
      {numRuns: 2000},
    )
    expect(outcome.failed).toBe(false)
  })
})

describe('custom columns', () => {
  it('have a header and a path each, and <none> where there is nothing', () => {
    const objects = LIST.items.map((item) => ({apiVersion: 'v1', kind: 'X', ...item}))
    expect(parseFormat('custom-columns=NAME:.metadata.name,TEAM:.metadata.labels.dask\\.org/team')(objects, LIST, false)).toBe(
      'NAME   TEAM\na      ml\nb      <none>\n',
    )
  })
  it('are refused without a path', () => {
    expect(() => parseFormat('custom-columns=NAME')).toThrow('"NAME" is no HEADER:PATH')
  })
})

it('a misspelt format is told the nearest, and go-template what to use instead', () => {
  expect(() => parseFormat('jsn')).toThrow('"jsn" is no output format')
  expect(() => parseFormat('go-template={{.}}')).toThrow('go-template is not supported')
})

it('objects are sorted by numbers as numbers', () => {
  expect(sortBy(LIST.items, '.spec.replicas').map(({metadata}) => metadata.name)).toEqual(['a', 'b'])
  expect(sortBy(LIST.items, '{.status.conditions[0].status}').map(({metadata}) => metadata.name)).toEqual(['b', 'a'])
})

it('the nearest words are those with few letters changed, or that go on', () => {
  expect(nearest('clutser', ['cluster', 'job', 'sandbox'])).toEqual(['cluster'])
  expect(nearest('des', ['describe', 'delete'])).toEqual(['describe'])
  expect(nearest('xyzzy', ['cluster', 'job'])).toEqual([])
})
