import {describe, expect, it} from 'vitest'
import type {DaskCluster} from '../../../src/api/dask.ts'
import {firstHistory, formerTemplates, isHandedDown, nextHistory, templatesOf} from '../../../src/api/history.ts'
import {makeCluster} from '../operator/objects.ts'

const TEMPLATES = 'kubernetes.dask.org/templates'
const FORMER = 'kubernetes.dask.org/former-templates'

const ofImage = (image: string): DaskCluster => {
  const made = makeCluster()
  return {...made, spec: {...made.spec, worker: {...made.spec.worker, spec: {containers: [{name: 'worker', image}]}}}}
}
const [one, two, three] = ['one', 'two', 'three'].map(ofImage) as [DaskCluster, DaskCluster, DaskCluster]
/** As a merge patch of the annotations leaves them. */
const patched = (annotations: Readonly<Record<string, string>>, patch: ReturnType<typeof nextHistory>): Record<string, string> =>
  Object.fromEntries(Object.entries({...annotations, ...patch}).flatMap(([key, value]) => (value === null ? [] : [[key, value]])))

describe('the templates that an operator keeps', () => {
  const first = firstHistory(one)
  const second = patched(first, nextHistory(two, first))

  it('are those of now and those of before the last change', () => {
    expect(nextHistory(one, first)).toBeUndefined()
    expect(nextHistory(two, second)).toBeUndefined()
    expect(formerTemplates(one, first)).toBeUndefined()
    expect(formerTemplates(two, second)).toEqual(templatesOf(one))
    expect(formerTemplates(three, patched(second, nextHistory(three, second)))).toEqual(templatesOf(two))
  })

  it('tell whether a change has come as far as the group', () => {
    expect([isHandedDown(one, {}), isHandedDown(one, first), isHandedDown(two, first)]).toEqual([true, true, false])
  })

  it('go back and forth', () => {
    const back = patched(second, nextHistory(one, second))
    expect(formerTemplates(one, back)).toEqual(templatesOf(two))
  })

  it('know a change that the operator has not seen yet', () => {
    expect(formerTemplates(three, second)).toEqual(templatesOf(two))
  })

  it('are the same whatever the order of their keys and the number of workers', () => {
    const {scheduler, worker} = templatesOf(one)
    expect(nextHistory(one, {[TEMPLATES]: JSON.stringify({worker, scheduler})})).toBeUndefined()
    const more = {...one, spec: {...one.spec, worker: {...one.spec.worker, replicas: 99}}}
    expect(nextHistory(more, first)).toBeUndefined()
  })

  it('are none where one is too long for an annotation', () => {
    const long = ofImage('x'.repeat(60_000))
    expect(firstHistory(long)).toEqual({})
    expect(nextHistory(long, {})).toBeUndefined()
    const over = patched(second, nextHistory(long, second))
    expect(Object.keys(over)).toEqual([FORMER])
    expect(nextHistory(long, over)).toBeUndefined()
    expect(formerTemplates(long, over)).toEqual(templatesOf(two))
    expect(formerTemplates(three, patched(over, nextHistory(three, over)))).toBeUndefined()
  })

  it.each(['', 'null', '[]', '{}', '{"scheduler":{},"worker":{}}', '"x"', '{'])('are none where %o stands instead', (text) => {
    expect(formerTemplates(one, {[TEMPLATES]: text})).toBeUndefined()
    expect(nextHistory(one, {[TEMPLATES]: text})).toHaveProperty([TEMPLATES])
  })
})
