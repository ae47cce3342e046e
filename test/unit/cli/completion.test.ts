import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {complete, type Manifest} from '../../../src/cli/completion.ts'

const flag = (name: string, more: object = {}) => ({[name]: {name, type: 'option' as const, summary: `The ${name}.`, ...more}})
const MANIFEST: Manifest = {
  commands: {
    'cluster:list': {
      id: 'cluster:list',
      summary: 'List.',
      args: {name: {name: 'name', multiple: true}},
      flags: {
        ...flag('namespace', {char: 'n'}),
        ...flag('output', {char: 'o', options: ['json', 'yaml']}),
        ...flag('all-namespaces', {char: 'A', type: 'boolean'}),
      },
    },
    'cluster:scale': {
      id: 'cluster:scale',
      summary: 'Scale.',
      args: {name: {name: 'name'}, workers: {name: 'workers'}},
      flags: flag('context'),
    },
    'cluster:create': {id: 'cluster:create', summary: 'Create.', args: {name: {name: 'name'}}, flags: flag('filename', {char: 'f'})},
    'cluster:rollout': {
      id: 'cluster:rollout',
      summary: 'Rollout.',
      args: {action: {name: 'action', options: ['status', 'undo']}, name: {name: 'name'}},
      flags: {},
    },
    'job:run': {id: 'job:run', summary: 'Run.', args: {}, flags: {}},
    'sandbox:serve': {id: 'sandbox:serve', hidden: true, args: {}, flags: {}},
    version: {id: 'version', summary: 'Versions.', args: {}, flags: flag('client', {type: 'boolean'})},
  },
}

const tab = (...line: string[]) => complete(MANIFEST, line)

describe('completion offers', () => {
  it.each([
    ['nouns', [''], ['cluster', 'job', 'sandbox', 'version']],
    ['verbs that begin so', ['cluster', 's'], ['scale\tScale.']],
    ['flags with what they are for', ['cluster', 'list', '--a'], ['--all-namespaces\tThe all-namespaces.']],
    ['values of a flag', ['cluster', 'list', '-o', ''], ['json', 'yaml']],
    ['words that an argument takes', ['cluster', 'rollout', ''], ['status', 'undo']],
    ['values of a flag behind "="', ['cluster', 'list', '--output=j'], ['--output=json']],
  ])('%s', (_, line, candidates) => {
    expect(tab(...line)).toMatchObject({candidates: candidates.filter((name) => name !== 'sandbox'), directive: 4})
  })

  it('names of the kind that the verb takes, in the namespace that was typed', () => {
    expect(tab('cluster', 'list', '-n', 'team', 'de').wanted).toMatchObject({
      objects: 'cluster',
      prefix: 'de',
      line: {globals: {namespace: 'team'}, words: []},
    })
    expect(tab('cluster', 'rollout', 'undo', 'd').wanted).toMatchObject({objects: 'cluster', prefix: 'd'})
    expect(tab('get', 'clusters', '').wanted).toMatchObject({objects: 'cluster'})
  })

  it('names of namespaces and contexts for their flags', () => {
    expect(tab('cluster', 'list', '-n', '').wanted?.objects).toBe('namespace')
    expect(tab('cluster', 'scale', 'x', '--context', '').wanted?.objects).toBe('context')
  })

  it('no name where one is to be invented, or where all have been given', () => {
    expect(tab('cluster', 'create', '').wanted).toBeUndefined()
    expect(tab('cluster', 'scale', 'demo', '').wanted).toBeUndefined()
  })

  it('files behind "--" and for flags that take one', () => {
    expect(tab('job', 'run', '--', 'python', '')).toEqual({candidates: [], directive: 0})
    expect(tab('cluster', 'create', '-f', '')).toEqual({candidates: [], directive: 0})
  })

  it('nothing for a word that every object has of itself', () => {
    expect(tab('constructor', '')).toEqual({candidates: [], directive: 4})
  })

  it('an answer for any line whatever', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom('cluster', 'list', '-n', '--', '-o', '--output=', 'get'))), (line) => {
        expect([0, 4]).toContain(complete(MANIFEST, line).directive)
      }),
    )
  })
})
