import {afterAll, beforeAll, expect, it} from 'vitest'
import type {Pod} from '../../src/api/core.ts'
import type {DaskCluster} from '../../src/api/dask.ts'
import type {KubeClient} from '../../src/kube/client.ts'
import {TOO_LATE} from '../../src/kube/errors.ts'
import {openSchedulers, type Schedulers} from '../../src/operator/workergroup/schedulers.ts'
import {NEWEST_DASK} from '../toolchain/pythons.ts'
import {type RealDask, startDask} from './real-dask.ts'

/** A leader that was stopped in the middle of a retirement and goes on: its successor has let the worker back in, or retired another. */

let dask: RealDask
let schedulers: Schedulers
beforeAll(async () => {
  dask = await startDask(NEWEST_DASK)
  await Promise.all([dask.addWorker('alice'), dask.addWorker('bob')])
  // Nothing of it is asked: the scheduler is reached at its own address, and speaks no TLS.
  schedulers = openSchedulers({} as KubeClient, {outside: false})
})
afterAll(async () => {
  schedulers.close()
  await dask.stop()
})

const cluster = (): DaskCluster =>
  ({
    metadata: {name: 'demo', namespace: 'ns'},
    spec: {scheduler: {service: {ports: [{name: 'tcp-comm', port: dask.port}]}}},
  }) as unknown as DaskCluster
const scheduler = {metadata: {name: 's', namespace: 'ns', uid: 'u'}, spec: {containers: []}, status: {podIP: '127.0.0.1'}} as unknown as Pod

/** How a retirement of the first worker ended, during which the lease is held for so many questions, and what the scheduler knows of all then. */
const retireWhile = async (held: number): Promise<{readonly end: string | undefined; readonly workers: readonly string[]}> => {
  const workers = await schedulers.reach(cluster(), scheduler, async (connection) => (await connection.identity()).workers)
  const [first] = workers
  let left = held
  let end: string | undefined
  await schedulers
    .retire({name: 'demo', namespace: 'ns'}, [first?.address ?? ''], {
      zero: false,
      policy: {timeoutMs: 60_000, afterTimeout: 'keep', afterRefusal: 'keep'},
      signal: new AbortController().signal,
      isHeld: () => left-- > 0,
      report: ({is}) => {
        end = is
      },
    })
    .catch((error: Error) => {
      end = error.message
    })
  const connection = await dask.connect()
  const {workers: after} = await connection.identity()
  connection.close()
  return {end, workers: after.map(({status}) => status).toSorted()}
}

it('an operator whose lease may be another’s drains nobody, and retires nobody that drains', async () => {
  expect(await retireWhile(0)).toEqual({end: TOO_LATE, workers: ['running', 'running']})
  expect(await retireWhile(1)).toEqual({end: 'unfinished', workers: ['closing_gracefully', 'running']})
  // The one that drains is gone on with as soon as somebody leads.
  expect(await retireWhile(10)).toEqual({end: 'retired', workers: ['running']})
})
