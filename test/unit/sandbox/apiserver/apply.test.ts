import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {difference, fromFieldsV1, isSame, paths, toFieldsV1, union} from '../../../../src/sandbox/apiserver/apply/field-set.ts'
import {afterUpdate, apply} from '../../../../src/sandbox/apiserver/apply/managed-fields.ts'
import {fieldsOf} from '../../../../src/sandbox/apiserver/apply/typed.ts'
import {Refusal} from '../../../../src/sandbox/apiserver/errors.ts'
import type {ApiObject, JsonObject} from '../../../../src/sandbox/apiserver/json.ts'
import {definitions, type Schema} from '../../../../src/sandbox/apiserver/schema.ts'

const POD = definitions['io.k8s.api.core.v1.Pod']
const CONFIG_MAP = definitions['io.k8s.api.core.v1.ConfigMap']
const TIME = '2026-01-01T00:00:00Z'
const by = (name: string) => ({name, apiVersion: 'v1', subresource: undefined, time: TIME})
const map = (data: JsonObject): ApiObject => ({apiVersion: 'v1', kind: 'ConfigMap', metadata: {name: 'c'}, data})

const applied = (schema: Schema | undefined, live: ApiObject | undefined, config: ApiObject, manager: string, force = false): ApiObject =>
  apply(schema, live, config, by(manager), force) as ApiObject

describe('server-side apply', () => {
  it('makes the applied fields the manager’s own', () => {
    const made = applied(CONFIG_MAP, undefined, map({a: '1'}), 'one')
    expect(made['data']).toEqual({a: '1'})
    expect(made.metadata.managedFields).toEqual([
      {manager: 'one', operation: 'Apply', apiVersion: 'v1', time: TIME, fieldsType: 'FieldsV1', fieldsV1: {'f:data': {'f:a': {}}}},
    ])
  })

  it('removes a field that the manager applied before and leaves out now', () => {
    const made = applied(CONFIG_MAP, undefined, map({a: '1', b: '2'}), 'one')
    expect(applied(CONFIG_MAP, made, map({a: '1'}), 'one')['data']).toEqual({a: '1'})
  })

  it('keeps such a field while another manager has it too', () => {
    const both = applied(CONFIG_MAP, applied(CONFIG_MAP, undefined, map({a: '1', b: '2'}), 'one'), map({b: '2'}), 'two')
    expect(applied(CONFIG_MAP, both, map({a: '1'}), 'one')['data']).toEqual({a: '1', b: '2'})
  })

  it('refuses to change another manager’s field, in the words of the real server', () => {
    const made = applied(CONFIG_MAP, undefined, map({a: '1', b: '2'}), 'one')
    expect(() => applied(CONFIG_MAP, made, map({a: '2'}), 'two')).toThrow('Apply failed with 1 conflict: conflict with "one": .data.a')
    expect(() => applied(CONFIG_MAP, made, map({a: '2', b: '3'}), 'two')).toThrow(
      'Apply failed with 2 conflicts: conflicts with "one":\n- .data.a\n- .data.b',
    )
  })

  it('hands the field over by force', () => {
    const made = applied(CONFIG_MAP, applied(CONFIG_MAP, undefined, map({a: '1'}), 'one'), map({a: '2'}), 'two', true)
    expect(made['data']).toEqual({a: '2'})
    expect(made.metadata.managedFields?.map((each) => each.manager)).toEqual(['two'])
  })

  it('conflicts with a plain update and tells its version', () => {
    const created = afterUpdate(CONFIG_MAP, undefined, map({a: '1'}), by('kubectl-create'))
    expect(() => applied(CONFIG_MAP, created, map({a: '2'}), 'one')).toThrow('conflict with "kubectl-create" using v1: .data.a')
  })

  it('owns list items by their keys', () => {
    const pod = (containers: readonly JsonObject[]): ApiObject => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {name: 'p'},
      spec: {containers},
    })
    const one = applied(POD, undefined, pod([{name: 'a', image: 'x', ports: [{containerPort: 80}]}]), 'one')
    const two = applied(POD, one, pod([{name: 'b', image: 'y'}]), 'two')
    expect(two['spec']).toEqual({
      containers: [
        {name: 'a', image: 'x', ports: [{containerPort: 80}]},
        {name: 'b', image: 'y'},
      ],
    })
    expect(() => applied(POD, two, pod([{name: 'a', image: 'z'}]), 'two')).toThrow('.spec.containers[name="a"].image')
    expect(applied(POD, two, pod([]), 'two')['spec']).toEqual(one['spec'])
  })

  it('refuses two items with one key', () => {
    const env = [
      {name: 'A', value: '1'},
      {name: 'A', value: '2'},
    ]
    const pod: ApiObject = {apiVersion: 'v1', kind: 'Pod', metadata: {name: 'p'}, spec: {containers: [{name: 'a', env}]}}
    expect(() => applied(POD, undefined, pod, 'one')).toThrow('.spec.containers[name="a"].env: duplicate entries for key [name="A"]')
  })

  it('is a refusal with the fields as causes', () => {
    const made = applied(CONFIG_MAP, undefined, map({a: '1'}), 'one')
    try {
      applied(CONFIG_MAP, made, map({a: '2'}), 'two')
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(Refusal)
      expect((error as Refusal).details?.causes).toEqual([
        {reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.data.a'},
      ])
    }
  })
})

describe('a plain update', () => {
  it('takes what it changes from the other managers', () => {
    const made = applied(CONFIG_MAP, undefined, map({a: '1', b: '2'}), 'one')
    const changed = afterUpdate(CONFIG_MAP, made, {...made, data: {a: '9', b: '2'}}, by('edit'))
    expect(changed.metadata.managedFields?.map(({manager, fieldsV1}) => [manager, fieldsV1])).toEqual([
      ['one', {'f:data': {'f:b': {}}}],
      ['edit', {'f:data': {'f:a': {}}}],
    ])
  })
})

describe('field sets', () => {
  const value = fc.letrec<{value: unknown; object: Record<string, unknown>}>((tie) => ({
    value: fc.oneof(fc.integer(), fc.array(fc.integer()), tie('object')),
    object: fc.dictionary(fc.stringMatching(/^[a-c]$/), tie('value'), {maxKeys: 3}),
  })).object
  const set = value.map((each) => fromFieldsV1(toFieldsV1(fieldsOf(undefined, {root: each}))))

  it('survive FieldsV1', () => {
    fc.assert(
      fc.property(set, (each) => {
        expect(isSame(fromFieldsV1(toFieldsV1(each)), each)).toBe(true)
      }),
    )
  })

  it('keep the laws of sets', () => {
    fc.assert(
      fc.property(set, set, (a, b) => {
        expect(isSame(union(a, b), union(b, a))).toBe(true)
        expect(isSame(union(difference(a, b), b), union(a, b))).toBe(true)
        expect(paths(difference(a, b)).every((path) => !paths(b).includes(path))).toBe(true)
      }),
    )
  })
})

describe('apply of anything', () => {
  it('twice is the same as once', () => {
    const data = fc.dictionary(fc.stringMatching(/^[a-d]$/), fc.string(), {maxKeys: 4})
    fc.assert(
      fc.property(data, data, (before, config) => {
        const live = afterUpdate(CONFIG_MAP, undefined, map(before), by('first'))
        const once = applied(CONFIG_MAP, live, map(config), 'one', true)
        expect(applied(CONFIG_MAP, once, map(config), 'one', false)).toEqual(once)
        expect(once['data']).toEqual({...before, ...config})
      }),
    )
  })
})
