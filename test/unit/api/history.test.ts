import {describe, expect, it} from 'vitest'
import type {DaskCluster} from '../../../src/api/dask.ts'
import {firstHistory, isHandedDown, nextHistory, revisionsOf, templatesOf} from '../../../src/api/history.ts'
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

/** The newest one beside that of now. */
const formerTemplates = (cluster: DaskCluster, annotations: Readonly<Record<string, string>>) => {
  const former = revisionsOf(cluster, annotations).at(-2)
  return former && {scheduler: former.scheduler, worker: former.worker}
}
const numbers = (cluster: DaskCluster, annotations: Readonly<Record<string, string>>): readonly number[] =>
  revisionsOf(cluster, annotations).map(({revision}) => revision)

describe('the templates that an operator keeps', () => {
  const first = firstHistory(one)
  const second = patched(first, nextHistory(two, first))

  it('are those of now and those of before each change', () => {
    expect(nextHistory(one, first)).toBeUndefined()
    expect(nextHistory(two, second)).toBeUndefined()
    expect(formerTemplates(one, first)).toBeUndefined()
    expect(formerTemplates(two, second)).toEqual(templatesOf(one))
    const third = patched(second, nextHistory(three, second))
    expect(revisionsOf(three, third)).toEqual([one, two, three].map((each, index) => ({revision: index + 1, ...templatesOf(each)})))
    expect(formerTemplates(three, third)).toEqual(templatesOf(two))
  })

  it('tell whether a change has come as far as the group', () => {
    expect([isHandedDown(one, {}), isHandedDown(one, first), isHandedDown(two, first)]).toEqual([true, true, false])
  })

  it('go back and forth', () => {
    const back = patched(second, nextHistory(one, second))
    expect(formerTemplates(one, back)).toEqual(templatesOf(two))
    expect(numbers(one, back)).toEqual([2, 3])
    const forth = patched(back, nextHistory(two, back))
    expect(numbers(two, forth)).toEqual([3, 4])
    expect(formerTemplates(two, forth)).toEqual(templatesOf(one))
  })

  it('know a change that the operator has not seen yet', () => {
    expect(formerTemplates(three, second)).toEqual(templatesOf(two))
    expect(numbers(three, second)).toEqual([1, 2, 3])
    expect(numbers(one, {})).toEqual([1])
  })

  it('are the ten last ones, and of long ones as many as there is room for', () => {
    const numbersAfter = (images: readonly string[]): readonly number[] => {
      const clusters = images.map(ofImage) as [DaskCluster, ...DaskCluster[]]
      const kept = clusters.reduce<Record<string, string>>((all, each) => patched(all, nextHistory(each, all)), {})
      expect(Object.values(kept).join('').length).toBeLessThan(151_000)
      return numbers(clusters.at(-1) as DaskCluster, kept)
    }
    const images = Array.from({length: 13}, (_, index) => `image-${index}`)
    expect(numbersAfter(images)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13])
    expect(numbersAfter(images.map((image) => image.padEnd(40_000, 'x')))).toEqual([11, 12, 13])
  })

  it('are the same whatever the order of their keys and the number of workers', () => {
    const {scheduler, worker} = templatesOf(one)
    expect(nextHistory(one, {[TEMPLATES]: JSON.stringify({worker, scheduler, revision: 1})})).toBeUndefined()
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

  it.each(['', 'null', '[]', '[null]', '{}', '{"revision":1,"scheduler":{},"worker":{}}', '"x"', '{'])(
    'are none where %o stands instead',
    (text) => {
      expect(revisionsOf(one, {[TEMPLATES]: text, [FORMER]: text})).toEqual([{revision: 1, ...templatesOf(one)}])
      expect(nextHistory(one, {[TEMPLATES]: text})).toHaveProperty([TEMPLATES])
    },
  )
})
