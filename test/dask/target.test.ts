import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import type {Pod} from '../../src/api/core.ts'
import type {DaskCluster} from '../../src/api/dask.ts'
import {directDial} from '../../src/dask/dial.ts'
import type {Scheduler} from '../../src/dask/scheduler.ts'
import {createAskTarget} from '../../src/operator/autoscaler/target.ts'
import {type RealDask, startDask, until} from './real-dask.ts'

/** One task that waits for a resource which no worker has. */
const STUCK = `
import sys, time
from distributed import Client
with Client(sys.argv[1], set_as_default=False) as client:
    future = client.submit(lambda: 1, resources={"GPU": 1}, pure=False)
    print("sent", flush=True)
    time.sleep(8)
`

const scheduler = {metadata: {name: 's', uid: 'scheduler-1'}, spec: {containers: []}} as unknown as Pod

describe.each(['2022.12.1', '2026.8.0'])('the target of a scheduler of Dask %s', (version) => {
  let real: RealDask
  let connection: Scheduler
  beforeAll(async () => {
    real = await startDask(version)
    await Promise.all([real.addWorker('alice'), real.addWorker('bob')])
    connection = await real.connect()
  })
  afterAll(async () => {
    connection.close()
    await real.stop()
  })
  const clusterWith = (dashboard: number) =>
    ({spec: {scheduler: {service: {ports: [{name: 'http-dashboard', port: dashboard}]}}}}) as unknown as DaskCluster
  const ask = createAskTarget((_, __, work) => work(connection, directDial('127.0.0.1')))

  it('is the same over both ways, and HTTP tells of a task that none can run', async () => {
    const {child, output} = real.python(STUCK)
    await new Promise((resolve) => child.stdout?.once('data', resolve))
    const cluster = clusterWith(real.dashboard)
    await until(async () => (await ask({cluster, scheduler, withUnrunnable: true})).unrunnable === 1, 'the task waits')
    // The idle workers are no help: this is why nothing is taken away while a task waits.
    expect(await ask({cluster, scheduler, withUnrunnable: true})).toEqual({target: 0, unrunnable: 1, isWhole: true})
    expect(await ask({cluster, scheduler, withUnrunnable: false})).toEqual({target: 0, isWhole: false})
    await output
  })

  it('is had without HTTP too, and taken for whole only when that lasts', async () => {
    const question = {cluster: clusterWith(1), scheduler: {...scheduler, metadata: {name: 's', uid: 'mute'}}, withUnrunnable: true}
    const answers = [await ask(question), await ask(question), await ask(question), await ask(question)]
    expect(answers.map(({isWhole}) => isWhole)).toEqual([false, false, true, true])
  })
})
