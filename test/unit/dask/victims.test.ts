import {describe, expect, it} from 'vitest'
import {orderVictims, workersOf} from '../../../src/dask/victims.ts'

const worker = (name: string, host: string) => ({
  address: `tcp://${host}:4000`,
  host,
  name,
  status: 'running',
  nthreads: 1,
  memoryLimit: 0,
  lastSeen: 0,
  load: {memory: 0, cpu: 0, executing: 0, queued: 0, results: 0, resultBytes: 0, spilled: 0},
})

describe('the order of victims', () => {
  it('takes what failed, what has not begun and what is not connected before any worker', () => {
    const candidate = {hasFailed: false, isWaiting: false, addresses: [] as string[]}
    const order = orderVictims(
      [
        {...candidate, name: 'busy', addresses: ['tcp://a:1']},
        {...candidate, name: 'idle', addresses: ['tcp://b:1']},
        {...candidate, name: 'long', addresses: ['tcp://c:1']},
        {...candidate, name: 'lost'},
        {...candidate, name: 'pending', isWaiting: true},
        {...candidate, name: 'failed', hasFailed: true},
      ],
      ['tcp://b:1', 'tcp://a:1'],
    )
    expect(order.map(({name}) => name)).toEqual(['failed', 'pending', 'lost', 'idle', 'busy', 'long'])
  })

  it('takes a pod of several workers for as dear as the dearest of them', () => {
    const candidate = {hasFailed: false, isWaiting: false}
    const order = orderVictims(
      [
        {...candidate, name: 'idle-and-long', addresses: ['tcp://a:1', 'tcp://a:2']},
        {...candidate, name: 'idle-and-dear', addresses: ['tcp://b:1', 'tcp://b:2']},
        {...candidate, name: 'cheap', addresses: ['tcp://c:1', 'tcp://c:2']},
      ],
      ['tcp://b:1', 'tcp://c:1', 'tcp://c:2', 'tcp://b:2', 'tcp://a:1'],
    )
    expect(order).toEqual([
      {name: 'cheap', reason: 'its worker has the least to lose'},
      {name: 'idle-and-dear', reason: 'its worker has the least to lose'},
      {name: 'idle-and-long', reason: 'its worker has long-running tasks'},
    ])
  })
})

describe('the workers of a pod', () => {
  it('are those at its address, or of its name with or without a number', () => {
    const workers = [worker('w', '10.0.0.1'), worker('w-0', '10.0.0.2'), worker('w-x', '10.0.0.3'), worker('other', '10.0.0.9')]
    expect(workersOf({name: 'pod', workerName: 'w'}, workers).map(({name}) => name)).toEqual(['w', 'w-0'])
    expect(workersOf({name: 'pod', workerName: 'none', ip: '10.0.0.9'}, workers).map(({name}) => name)).toEqual(['other'])
  })

  it('are not those of the same name elsewhere when some are at its address', () => {
    const workers = [worker('w', '10.0.0.1'), worker('w-1', '10.0.0.2')]
    expect(workersOf({name: 'pod', workerName: 'w', ip: '10.0.0.2'}, workers).map(({name}) => name)).toEqual(['w-1'])
    expect(workersOf({name: 'pod', workerName: 'w', ip: '10.0.0.7'}, workers).map(({name}) => name)).toEqual(['w', 'w-1'])
  })
})
