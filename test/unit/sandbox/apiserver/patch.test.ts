import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {jsonPatch} from '../../../../src/sandbox/apiserver/patch/json-patch.ts'
import {mergePatch} from '../../../../src/sandbox/apiserver/patch/merge-patch.ts'
import {strategicPatch} from '../../../../src/sandbox/apiserver/patch/strategic-patch.ts'
import {definitions} from '../../../../src/sandbox/apiserver/schema.ts'

const noNulls = fc.letrec<{value: unknown; object: Record<string, unknown>}>((tie) => ({
  value: fc.oneof(fc.integer(), fc.string(), fc.boolean(), fc.array(fc.integer()), tie('object')),
  object: fc.dictionary(fc.stringMatching(/^[a-c]{1,2}$/), tie('value'), {maxKeys: 4}),
})).object

describe('a merge patch', () => {
  it('with the object itself changes nothing', () => {
    fc.assert(
      fc.property(noNulls, (object) => {
        expect(mergePatch(object, object)).toEqual(object)
      }),
    )
  })

  it('applied twice does what it does once', () => {
    fc.assert(
      fc.property(noNulls, noNulls, (object, patch) => {
        const once = mergePatch(object, patch)
        expect(mergePatch(once, patch)).toEqual(once)
      }),
    )
  })

  it('leaves the object that it is given alone', () => {
    fc.assert(
      fc.property(noNulls, fc.object(), (object, patch) => {
        const before = structuredClone(object)
        mergePatch(object, patch)
        expect(object).toEqual(before)
      }),
    )
  })

  it('removes a field by null, also a nested one', () => {
    expect(mergePatch({a: 1, b: {c: 2, d: 3}}, {a: null, b: {c: null}})).toEqual({b: {d: 3}})
  })
})

/** All that the real server says, whichever operation it was. */
const UNFIT = 'the server rejected our request due to an error in our request'

describe('a JSON patch', () => {
  it('adds, replaces, removes, moves, copies and tests', () => {
    const document = {list: [1, 2], 'a/b': {c: 1}}
    const patched = jsonPatch(document, [
      {op: 'test', path: '/list/0', value: 1},
      {op: 'add', path: '/list/-', value: 3},
      {op: 'add', path: '/list/0', value: 0},
      {op: 'replace', path: '/a~1b/c', value: 2},
      {op: 'copy', from: '/a~1b', path: '/copy'},
      {op: 'move', from: '/list', path: '/moved'},
      {op: 'remove', path: '/copy/c'},
    ])
    expect(patched).toEqual({'a/b': {c: 2}, copy: {}, moved: [0, 1, 2, 3]})
    expect(document).toEqual({list: [1, 2], 'a/b': {c: 1}})
  })

  it.each([
    [{op: 'remove', path: '/x'}, UNFIT],
    [{op: 'replace', path: '/list/5', value: 1}, UNFIT],
    [{op: 'test', path: '/list/0', value: 2}, UNFIT],
    [{op: 'jump', path: '/list'}, 'unexpected JSON patch operation "jump"'],
    [{op: 'add', path: 'list', value: 1}, 'does not begin with "/"'],
  ])('refuses %j', (operation, message) => {
    expect(() => jsonPatch({list: [1]}, [operation])).toThrow(message)
  })
})

describe('a strategic merge patch', () => {
  const pod = definitions['io.k8s.api.core.v1.Pod']
  const live = {
    metadata: {labels: {a: '1'}},
    spec: {
      containers: [
        {
          name: 'worker',
          image: 'x:1',
          env: [
            {name: 'A', value: '1'},
            {name: 'B', value: '2'},
          ],
        },
        {name: 'sidecar', image: 'y'},
      ],
      tolerations: [{key: 'k'}],
    },
  }

  it('merges containers and their env by name and keeps the others', () => {
    const patch = {
      spec: {
        containers: [
          {
            name: 'worker',
            image: 'x:2',
            env: [
              {name: 'B', $patch: 'delete'},
              {name: 'C', value: '3'},
            ],
          },
        ],
      },
    }
    expect(strategicPatch(pod, live, patch)).toEqual({
      ...live,
      spec: {
        ...live.spec,
        containers: [
          {
            name: 'worker',
            image: 'x:2',
            env: [
              {name: 'A', value: '1'},
              {name: 'C', value: '3'},
            ],
          },
          live.spec.containers[1],
        ],
      },
    })
  })

  it('replaces lists that have no merge key', () => {
    expect(strategicPatch(pod, live, {spec: {tolerations: [{key: 'other'}]}})).toMatchObject({spec: {tolerations: [{key: 'other'}]}})
  })

  it('orders items as $setElementOrder says', () => {
    const patch = {spec: {'$setElementOrder/containers': [{name: 'sidecar'}, {name: 'worker'}]}}
    expect(strategicPatch(pod, live, patch)).toMatchObject({spec: {containers: [{name: 'sidecar'}, {name: 'worker'}]}})
  })

  it('needs the key of an item that it merges', () => {
    expect(() => strategicPatch(pod, live, {spec: {containers: [{image: 'x'}]}})).toThrow('does not contain declared merge key: name')
  })

  it('merges conditions by type', () => {
    const before = {
      status: {
        conditions: [
          {type: 'Ready', status: 'False'},
          {type: 'Initialized', status: 'True'},
        ],
      },
    }
    expect(strategicPatch(pod, before, {status: {conditions: [{type: 'Ready', status: 'True'}]}})).toEqual({
      status: {
        conditions: [
          {type: 'Ready', status: 'True'},
          {type: 'Initialized', status: 'True'},
        ],
      },
    })
  })
})
