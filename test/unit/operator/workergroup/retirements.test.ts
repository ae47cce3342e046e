import {describe, expect, it} from 'vitest'
import type {RetirementOutcome} from '../../../../src/dask/retirement.ts'
import {createRetirements, type RunRetirement} from '../../../../src/operator/workergroup/retirements.ts'
import {readmit} from '../../../../src/operator/workergroup/shrink.ts'
import type {GroupWorld, Retire} from '../../../../src/operator/workergroup/world.ts'
import {makeGroup, makePod} from '../objects.ts'

const GROUP = {namespace: 'ns', name: 'demo-default'}
const CLUSTER = {namespace: 'ns', name: 'demo'}
const podOf = (name: string) => makePod(name, makeGroup())
const order = (...names: readonly string[]): Retire => ({
  do: 'retire',
  cluster: CLUSTER,
  pods: names.map((name) => ({name, uid: `uid-${name}`, addresses: [`tcp://${name}:1`]})),
  zero: false,
  policy: {timeoutMs: 3_600_000, afterTimeout: 'keep', afterRefusal: 'keep'},
})

/** A scheduler whose answers the test gives. */
const stage = () => {
  const runs: {
    readonly addresses: readonly string[]
    report: (outcome: RetirementOutcome) => void
    end: () => void
    fail: (error: Error) => void
  }[] = []
  const run: RunRetirement = (_, addresses, {report}) =>
    new Promise((resolve, reject) => {
      runs.push({addresses, report, end: resolve, fail: reject})
    })
  const looked: string[] = []
  const retirements = createRetirements(run, () => 1000)
  const stop = new AbortController()
  retirements.start(
    ({name}) => looked.push(name),
    stop.signal,
    () => true,
  )
  const first = () => {
    const [found] = runs
    if (!found) throw new Error('no retirement has begun')
    return found
  }
  return {runs, looked, retirements, stop, first}
}

/** However busy the machine is. */
const SOON = {timeout: 10_000}

describe('retirements', () => {
  it('report each pod as soon as its own workers are gone', () => {
    const {retirements, looked, first} = stage()
    retirements.retire(GROUP, order('a', 'b'))
    const pods = [podOf('a'), podOf('b')]
    expect(retirements.of(GROUP, pods)).toEqual(
      new Map([
        ['uid-a', {is: 'underWay'}],
        ['uid-b', {is: 'underWay'}],
      ]),
    )
    first().report({address: 'tcp://b:1', is: 'retired'})
    expect(looked).toEqual(['demo-default'])
    expect(retirements.of(GROUP, pods)).toEqual(
      new Map([
        ['uid-a', {is: 'underWay'}],
        ['uid-b', {is: 'retired'}],
      ]),
    )
  })

  it('hold a pod with several workers until the last of them is gone', () => {
    const {retirements, first} = stage()
    retirements.retire(GROUP, {...order(), pods: [{name: 'a', uid: 'uid-a', addresses: ['tcp://a:1', 'tcp://a:2']}]})
    first().report({address: 'tcp://a:1', is: 'retired'})
    expect(retirements.of(GROUP, [podOf('a')]).get('uid-a')).toEqual({is: 'underWay'})
    first().report({address: 'tcp://a:2', is: 'gone'})
    expect(retirements.of(GROUP, [podOf('a')]).get('uid-a')).toEqual({is: 'retired'})
  })

  it('do not begin a second time for a pod that is under way, and go on with the others', () => {
    const {retirements, runs} = stage()
    retirements.retire(GROUP, order('a'))
    retirements.retire(GROUP, order('a', 'b'))
    expect(runs.map(({addresses}) => addresses)).toEqual([['tcp://a:1'], ['tcp://b:1']])
  })

  it('keep a refused worker’s pod, with the reason and the time', () => {
    const {retirements, first} = stage()
    retirements.retire(GROUP, order('a'))
    first().report({address: 'tcp://a:1', is: 'refused', message: 'it alone holds 3 results'})
    expect(retirements.of(GROUP, [podOf('a')]).get('uid-a')).toEqual({
      is: 'kept',
      reason: 'UniqueDataHasNoPlace',
      message: 'it alone holds 3 results',
      at: 1000,
    })
  })

  it('keep the pods when the scheduler is lost on the way, in the words of the cause', async () => {
    const {retirements, first, looked} = stage()
    retirements.retire(GROUP, order('a'))
    first().fail(new Error('connect ECONNREFUSED'))
    await expect.poll(() => looked.length, SOON).toBe(1)
    expect(retirements.of(GROUP, [podOf('a')]).get('uid-a')).toMatchObject({
      is: 'kept',
      reason: 'SchedulerUnreachable',
      message: 'connect ECONNREFUSED',
    })
  })

  it('give a pod up only when each of its workers has come to its end', () => {
    const {retirements, first} = stage()
    retirements.retire(GROUP, {...order(), pods: [{name: 'a', uid: 'uid-a', addresses: ['tcp://a:1', 'tcp://a:2']}]})
    first().report({address: 'tcp://a:1', is: 'refused', mayGo: true})
    expect(retirements.of(GROUP, [podOf('a')]).get('uid-a')).toEqual({is: 'underWay'})
    first().report({address: 'tcp://a:2', is: 'retired'})
    expect(retirements.of(GROUP, [podOf('a')]).get('uid-a')).toEqual({
      is: 'givenUp',
      reason: 'UniqueDataHasNoPlace',
      addresses: ['tcp://a:1', 'tcp://a:2'],
    })
  })

  it('ask a pod with several workers again when all of them have answered, and take it back only as long as it has all', async () => {
    const {retirements, runs, first} = stage()
    const both = {...order(), pods: [{name: 'a', uid: 'uid-a', addresses: ['tcp://a:1', 'tcp://a:2']}]}
    const view = {is: 'answered', connected: new Map([['a', [{address: 'tcp://a:1', status: 'running'}]]]), order: []} as const
    const isTakenBack = (): boolean => {
      const world = {view, retirements: retirements.of(GROUP, [podOf('a')])} as unknown as GroupWorld
      return readmit([podOf('a')], 1, world).length > 0
    }
    retirements.retire(GROUP, both)
    first().report({address: 'tcp://a:1', is: 'refused', message: 'it holds an actor'})
    retirements.retire(GROUP, both)
    expect(runs).toHaveLength(1)
    first().report({address: 'tcp://a:2', is: 'retired'})
    expect(retirements.of(GROUP, [podOf('a')]).get('uid-a')).toMatchObject({is: 'kept', message: 'it holds an actor', isPart: true})
    expect(isTakenBack()).toBe(false)

    retirements.retire(GROUP, {...order(), pods: [{name: 'a', uid: 'uid-a', addresses: ['tcp://a:1']}]})
    runs[1]?.report({address: 'tcp://a:1', is: 'refused'})
    expect(isTakenBack()).toBe(false)

    retirements.retire(GROUP, {...order(), pods: [{name: 'a', uid: 'uid-a', addresses: ['tcp://a:1']}]})
    runs[2]?.fail(new Error('connect ECONNREFUSED'))
    await expect.poll(() => retirements.of(GROUP, [podOf('a')]).get('uid-a')?.is, SOON).toBe('kept')
    expect(isTakenBack()).toBe(false)
  })

  it('tell why a worker was to be let back in that does not answer', () => {
    const {retirements, first} = stage()
    retirements.retire(GROUP, order('a'))
    first().report({address: 'tcp://a:1', is: 'unfinished', cause: 'timed-out', message: 'it does not answer'})
    expect(retirements.of(GROUP, [podOf('a')]).get('uid-a')).toMatchObject({is: 'kept', reason: 'RetirementTimedOut'})
  })

  it('wait for no other one of their cluster, however long its tasks take', () => {
    const {retirements, runs} = stage()
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) retirements.retire(GROUP, order(name))
    expect(runs).toHaveLength(6)
  })

  it('are not kept for groups that are gone, for ever', () => {
    const {retirements, runs} = stage()
    const groupOf = (index: number) => ({namespace: 'ns', name: `group-${index}`})
    for (let index = 0; index < 1001; index += 1) {
      retirements.retire(groupOf(index), order('a'))
      if (index > 0) runs.at(-1)?.report({address: 'tcp://a:1', is: 'retired'})
    }
    const known = [0, 1, 2, 1000].map((index) => retirements.of(groupOf(index), [podOf('a')]).get('uid-a')?.is)
    expect(known).toEqual(['underWay', undefined, 'retired', 'retired'])
  })

  it('forget pods that are gone', () => {
    const {retirements, first} = stage()
    retirements.retire(GROUP, order('a'))
    first().report({address: 'tcp://a:1', is: 'retired'})
    expect(retirements.of(GROUP, []).size).toBe(0)
  })

  it('begin no more once they are told to stop', () => {
    const {retirements, runs, stop} = stage()
    stop.abort()
    retirements.retire(GROUP, order('a'))
    expect(runs).toEqual([])
  })
})
