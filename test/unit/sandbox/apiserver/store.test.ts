import {describe, expect, it} from 'vitest'
import {makeStore} from '../../../../src/sandbox/apiserver/store.ts'

describe('the store', () => {
  const object = (name: string) => ({apiVersion: 'v1', kind: 'Pod', metadata: {name}})

  it('forgets changes that are too old, and says so', () => {
    const store = makeStore(100)
    for (let each = 0; each < 10_000; each += 1) store.put('pods', object('same'))
    expect(store.changesSince('pods', 101)).toBeUndefined()
    expect(store.changesSince('pods', store.revision() - 3)).toHaveLength(3)
    expect(store.changesSince('pods', 99)).toBeUndefined()
  })

  it('gives every write a higher revision, over all kinds', () => {
    const store = makeStore(7)
    const revisions = [store.put('pods', object('a')), store.put('services', object('a')), store.put('pods', object('a'))]
    expect(revisions.map((each) => each.metadata['resourceVersion'])).toEqual(['8', '9', '10'])
  })
})
