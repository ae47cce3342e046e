import {mkdtemp, readFile, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {PODS, SERVICES} from '../../src/api/core.ts'
import {DASK_CLUSTERS, DASK_WORKER_GROUPS} from '../../src/api/dask.ts'
import {isReady, itOnOurs, onOurs, stand, until} from './ground.ts'

const ground = stand('cluster')
const {client, namespace, kubectl, dask, pods, python} = ground

const workers = (): ReturnType<typeof pods> => pods('dask.org/cluster-name=demo,dask.org/component=worker')
const readyWorkers = async (): Promise<number> => (await workers()).filter(isReady).length

const COUNT = `
import sys
from distributed import Client
with Client(sys.argv[1]) as client:
    client.wait_for_workers(int(sys.argv[2]), timeout=60)
    print(sum(client.gather(client.map(lambda x: x * x, range(100)))))
`

const LOAD = `
import os, sys, time
from distributed import Client
address, file = sys.argv[1:3]
def task(i, file=file):
    fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(fd, f"{i}\\n".encode()); os.close(fd)
    time.sleep(0.3)
    return i
with Client(address) as client:
    futures = [client.submit(task, i, pure=False) for i in range(80)]
    assert client.gather(futures) == list(range(80))
print("right")
`

describe('a DaskCluster', () => {
  it('is created with its workers, waited for, and computes', async () => {
    const created = await dask('cluster', 'create', 'demo', '--workers', '2', '--wait', '--timeout', '90s')
    expect(created.stderr).not.toContain('error')
    expect(created.code).toBe(0)
    const cluster = await client.get(DASK_CLUSTERS, {namespace, name: 'demo'})
    await onOurs(() => expect(cluster.status?.conditions?.find(({type}) => type === 'Ready')).toMatchObject({status: 'True'}))
    // Held back for two seconds, so that whoever polls for the first phase sees "Created" (contract 1.4).
    await kubectl('wait', 'daskcluster/demo', '--for=jsonpath={.status.phase}=Running', '--timeout=60s')
    expect((await python(COUNT, 'demo', '2')).trim()).toBe('328350')
  })

  it('is scaled up by kubectl scale', async () => {
    await kubectl('scale', 'daskcluster', 'demo', '--replicas=4')
    await until(async () => (await readyWorkers()) === 4, 'four workers are ready')
    expect((await client.get(DASK_WORKER_GROUPS, {namespace, name: 'demo-default'})).spec.worker.replicas).toBe(4)
  })

  it('is scaled down under load without starting a task twice', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'load-'))
    const file = join(directory, 'starts')
    const load = python(LOAD, 'demo', file)
    const lines = async (): Promise<readonly string[]> =>
      (await readFile(file, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '')
    await until(async () => (await lines()).length >= 10, 'tasks run')
    const scaled = await dask('cluster', 'scale', 'demo', '1', '--wait', '--timeout', '90s')
    expect(scaled.stderr).not.toContain('error')
    expect(await load).toContain('right')
    const started = await lines()
    expect(new Set(started).size).toBe(80)
    expect(started.length).toBe(80)
    await until(async () => (await workers()).length === 1, 'one worker is left')
    await rm(directory, {recursive: true})
  })

  itOnOurs('is described on one screen', async () => {
    const {stdout} = await dask('cluster', 'describe', 'demo')
    expect(stdout).toMatch(/Status:\s+Ready/)
    expect(stdout).toContain('demo-scheduler')
  })

  itOnOurs('has each of its groups described on one screen', async () => {
    const {stdout} = await dask('workergroup', 'describe', 'demo-default')
    expect(stdout).toMatch(/Cluster: +demo \(Ready\)\nStatus: +Ready\nWorkers: +1 of 1 ready\n/)
    expect(stdout).toMatch(/Connected: +1 with \d+ threads/)
    expect(stdout).toMatch(/Next: .+cluster logs demo -n \S+ --workers -f\n$/)
    await dask('workergroup', 'create', 'stuck', '-c', 'demo', '-w', '1', '--image', 'none.invalid/dask')
    const stuck = async (): Promise<string> => (await dask('workergroup', 'describe', 'stuck')).stdout
    await until(async () => /Status: +\w*Image\w*: /.test(await stuck()), 'it says that the image cannot be pulled')
    expect(await stuck()).toMatch(/stuck-worker-\w+ +\w*Image\w* +0 +\w+ +\S+ +\w*Image/)
    expect(await stuck()).toContain("Next: is the image's name right")
    expect((await dask('workergroup', 'delete', 'stuck', '--yes')).code).toBe(0)
  })

  it('leaves nothing behind when it is deleted', async () => {
    expect((await dask('cluster', 'delete', 'demo', '--yes')).code).toBe(0)
    await until(async () => {
      const [left, services, groups] = await Promise.all([
        client.list(PODS, {namespace}),
        client.list(SERVICES, {namespace, labelSelector: 'dask.org/cluster-name=demo'}),
        client.list(DASK_WORKER_GROUPS, {namespace}),
      ])
      return left.items.length + services.items.length + groups.items.length === 0
    }, 'pods, service and group go')
  })
})
