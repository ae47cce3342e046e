import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {PODS, type Pod} from '../../../src/api/core.ts'
import {createStore} from '../../../src/kube/store.ts'

const podOf = (
  name: string,
  resourceVersion: number,
  {uid = `uid-${name}`, owners = []}: {uid?: string; owners?: readonly string[]} = {},
): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    namespace: 'n',
    uid,
    resourceVersion: String(resourceVersion),
    ownerReferences: owners.map((owner) => ({apiVersion: 'v1', kind: 'X', name: 'x', uid: owner})),
  },
  spec: {containers: []},
})
const ref = (name: string): {readonly namespace: string; readonly name: string} => ({namespace: 'n', name})
const version = (pod: Pod | undefined): string | undefined => pod?.metadata.resourceVersion

describe('a cache', () => {
  it('never goes back to an older version, by number and not by text', () => {
    const store = createStore(PODS)
    store.put(podOf('a', 10))
    store.put(podOf('a', 9))
    expect(version(store.get(ref('a')))).toBe('10')
    store.put(podOf('a', 100))
    expect(version(store.get(ref('a')))).toBe('100')
  })

  it('does not bring back what has gone', () => {
    const store = createStore(PODS)
    store.put(podOf('a', 10))
    store.remove(ref('a'), 'uid-a')
    store.put(podOf('a', 9))
    store.replaceAll([podOf('a', 9)], '9')
    expect(store.list()).toEqual([])
  })

  it('takes back what only left its selector', () => {
    const store = createStore(PODS)
    store.put(podOf('a', 10))
    store.remove(ref('a'), 'uid-a', '11')
    store.put(podOf('a', 10))
    expect(store.list()).toEqual([])
    store.put(podOf('a', 12))
    expect(version(store.get(ref('a')))).toBe('12')
    store.remove(ref('a'), 'uid-a', '11')
    expect(version(store.get(ref('a')))).toBe('12')
  })

  it('keeps another object of the same name when the first one goes', () => {
    const changes: (string | undefined)[] = []
    const store = createStore(PODS, {
      onChange: (before, after) => changes.push(after ? `+${after.metadata.uid}` : `-${before?.metadata.uid}`),
    })
    store.put(podOf('a', 10))
    store.put(podOf('a', 20, {uid: 'second'}))
    store.remove(ref('a'), 'uid-a')
    expect(store.get(ref('a'))?.metadata.uid).toBe('second')
    expect(changes).toEqual(['+uid-a', '-uid-a', '+second'])
  })

  it('keeps what was written while a list was made', () => {
    const store = createStore(PODS)
    store.put(podOf('a', 12))
    store.put(podOf('b', 13))
    store.replaceAll([podOf('a', 9)], '10')
    expect(store.list().map(version)).toEqual(['12', '13'])
  })

  it('finds objects by their owners', () => {
    const store = createStore(PODS)
    store.put(podOf('a', 1, {owners: ['o1', 'o2']}))
    store.put(podOf('b', 2, {owners: ['o1']}))
    expect(store.ownedBy('o1').map(({metadata}) => metadata.name)).toEqual(['a', 'b'])
    store.put(podOf('a', 3, {owners: ['o2']}))
    expect(store.ownedBy('o1').map(({metadata}) => metadata.name)).toEqual(['b'])
    store.remove(ref('b'), 'uid-b')
    expect(store.ownedBy('o1')).toEqual([])
  })

  it('holds frozen objects without managedFields', () => {
    const store = createStore(PODS)
    const object = podOf('a', 1)
    store.put({...object, metadata: {...object.metadata, managedFields: [{manager: 'm'}]}} as Pod)
    const kept = store.get(ref('a'))
    expect(kept).toEqual(object)
    expect(Object.isFrozen(kept?.metadata.ownerReferences)).toBe(true)
  })

  it('holds and tells of each object what it is asked to keep', () => {
    const told: unknown[] = []
    const keep = (pod: Pod): Pod => ({...pod, spec: {containers: []}})
    const store = createStore(PODS, {keep, onChange: (_, after) => told.push(after?.spec)})
    store.put({...podOf('a', 1), spec: {containers: [{name: 'c'}]}})
    expect(store.get(ref('a'))?.spec).toEqual({containers: []})
    expect(told).toEqual([{containers: []}])
  })

  it('is what the last list says, and tells each difference once, whatever came before', () => {
    const pods = fc.uniqueArray(fc.record({name: fc.constantFrom('a', 'b', 'c', 'd'), at: fc.integer({min: 1, max: 50})}), {
      selector: ({name}) => name,
    })
    fc.assert(
      fc.property(pods, pods, (before, after) => {
        const told = new Map<string, Pod>()
        const onChange = (was: Pod | undefined, now: Pod | undefined): void => {
          const name = (now ?? was)?.metadata.name ?? ''
          expect(told.get(name)).toBe(was)
          if (now) told.set(name, now)
          else told.delete(name)
        }
        const store = createStore(PODS, {onChange})
        store.replaceAll(
          before.map(({name, at}) => podOf(name, at)),
          '50',
        )
        store.replaceAll(
          after.map(({name, at}) => podOf(name, at + 50, {uid: `second-${name}`})),
          '100',
        )
        expect(new Set(store.list())).toEqual(new Set(told.values()))
        expect(
          store
            .list()
            .map(({metadata}) => metadata.name)
            .sort(),
        ).toEqual(after.map(({name}) => name).sort())
      }),
    )
  })
})
