import {type ChildProcess, spawn} from 'node:child_process'
import {readdir, readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {afterAll, beforeAll, expect, it} from 'vitest'
import {parse} from 'yaml'
import {CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES, PODS, type Pod, SERVICES} from '../../src/api/core.ts'
import {API_VERSION, DASK_CLUSTERS, DASK_WORKER_GROUPS, type DaskCluster} from '../../src/api/dask.ts'
import type {Kind, KubeObject} from '../../src/api/object.ts'
import {isPodReady} from '../../src/api/pod-state.ts'
import {DEPLOYMENTS, REPLICA_SETS} from '../../src/cli/install/kinds.ts'
import {until} from '../conformance/ground.ts'
import {starts} from '../dask/real-dask.ts'
import {clientPython} from '../toolchain/pythons.ts'
import {upstreamDefinitions} from '../toolchain/upstream.ts'
import {type EmptyKubernetes, PYTHON, startEmptyKubernetes} from './empty-kubernetes.ts'

/** A cluster that the Python operator (from PyPI, in a Deployment of its own) has made goes on under ours, as it runs. */

const NS = {namespace: 'default'}
const OF_DEMO = 'dask.org/cluster-name=demo'

let ground: EmptyKubernetes
let load: ChildProcess | undefined
beforeAll(async () => {
  ground = await startEmptyKubernetes()
}, 120_000)
afterAll(async () => {
  load?.kill('SIGKILL')
  await ground?.stop()
})

const pods = async (selector = OF_DEMO): Promise<readonly Pod[]> => (await ground.client.list(PODS, {...NS, labelSelector: selector})).items
const uids = (found: readonly Pod[]): readonly string[] => found.map(({metadata}) => metadata.uid ?? '').toSorted()
const cluster = (): Promise<DaskCluster> => ground.client.get(DASK_CLUSTERS, {...NS, name: 'demo'})
const works = async (...args: readonly string[]): Promise<string> => {
  const {code, stdout, stderr} = await ground.dask(...args)
  expect(code, `${args.join(' ')}: ${stdout}${stderr}`).toBe(0)
  return stdout + stderr
}

/** As its chart installs it, with a process of this machine for its image. */
const installPythonOperator = async (): Promise<void> => {
  const {client} = ground
  const definitions = await upstreamDefinitions()
  for (const file of await readdir(definitions))
    await client.create(CUSTOM_RESOURCE_DEFINITIONS, parse(await readFile(join(definitions, file), 'utf8')) as KubeObject)
  await client.create(NAMESPACES, {apiVersion: 'v1', kind: 'Namespace', metadata: {name: 'old'}})
  const labels = {'app.kubernetes.io/name': 'dask-kubernetes-operator'}
  const command = [clientPython(), '-m', 'kopf', 'run', '-m', 'dask_kubernetes.operator.controller', '--all-namespaces']
  const env = [{name: 'KUBECONFIG', value: join(ground.directory, 'plane', 'kubeconfig')}]
  await client.create(DEPLOYMENTS, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {name: 'dask-kubernetes-operator', namespace: 'old', labels},
    spec: {
      replicas: 1,
      selector: {matchLabels: labels},
      template: {metadata: {labels}, spec: {containers: [{name: 'operator', image: 'python', command, env}]}},
    },
  } as unknown as KubeObject as never)
}

const PORTS = [
  {name: 'tcp-comm', containerPort: 8786, protocol: 'TCP'},
  {name: 'http-dashboard', containerPort: 8787, protocol: 'TCP'},
]

const specOf = (replicas: number): DaskCluster['spec'] => ({
  scheduler: {
    spec: {containers: [{name: 'scheduler', image: 'python', args: ['dask', 'scheduler'], ports: PORTS}]},
    service: {
      type: 'ClusterIP',
      selector: {'dask.org/cluster-name': 'demo', 'dask.org/component': 'scheduler'},
      ports: [
        {name: 'tcp-comm', protocol: 'TCP', port: 8786, targetPort: 'tcp-comm'},
        {name: 'http-dashboard', protocol: 'TCP', port: 8787, targetPort: 'http-dashboard'},
      ],
    },
  },
  worker: {
    replicas,
    spec: {containers: [{name: 'worker', image: 'python', args: ['dask', 'worker', '--name', '$(DASK_WORKER_NAME)', '--nthreads', '1']}]},
  },
})

/** Runs until a file says enough; each task tells its start, and a result is held all the while. */
const LOAD = `
import os, sys, time
from distributed import Client
directory = sys.argv[1]
def work(i):
    with open(directory + '/starts', 'a') as file:
        file.write(f'{i}\\n')
    time.sleep(0.2)
    return i
client = Client(timeout=30)
held = client.scatter(bytes(1000), broadcast=False)
futures = []
while not os.path.exists(directory + '/enough'):
    futures += [client.submit(work, len(futures) + i, pure=False) for i in range(4)]
    while sum(not future.done() for future in futures) > 8:
        time.sleep(0.05)
assert client.gather(futures) == list(range(len(futures)))
assert len(held.result()) == 1000
open(directory + '/right', 'w').close()
`

it('a cluster of the Python operator computes', async () => {
  await installPythonOperator()
  await ground.client.create(DASK_CLUSTERS, {
    apiVersion: API_VERSION,
    kind: 'DaskCluster',
    metadata: {name: 'demo', ...NS},
    spec: specOf(3),
  })
  await until(async () => (await pods()).filter(isPodReady).length === 4, 'its Deployments have four pods that run', 90_000)
  expect((await ground.client.list(DEPLOYMENTS, {...NS, labelSelector: OF_DEMO})).items).toHaveLength(4)
  expect((await cluster()).metadata.finalizers).toContain('kopf.zalando.org/KopfFinalizerMarker')
}, 150_000)

it('an operator of ours beside it makes nothing of its own, and says what to do', async () => {
  expect(await ground.dask('operator', 'install')).toMatchObject({code: 1, stderr: expect.stringContaining('--take-over')})
})

it('goes on under ours: no pod is restarted, no task is started twice', async () => {
  const before = uids(await pods())
  const {directory, client} = ground
  load = spawn(
    process.execPath,
    [join(import.meta.dirname, '..', '..', 'bin', 'kubectl-dask.js'), 'cluster', 'run', 'demo', '--', PYTHON, '-c', LOAD, directory],
    {stdio: 'inherit', env: {...process.env, KUBECONFIG: join(directory, 'plane', 'kubeconfig')}},
  )
  await until(async () => (await starts(directory)).size > 8, 'tasks run')
  expect(await works('operator', 'install', '--take-over', '--timeout', '90s')).toContain('took over 4 running pods')
  await until(async () => JSON.stringify((await cluster()).status).includes('3 of 3 workers are ready'), 'it is ready under ours')
  expect(uids(await pods())).toEqual(before)
  expect((await pods()).flatMap(({status}) => status?.containerStatuses ?? []).map(({restartCount}) => restartCount)).toEqual([0, 0, 0, 0])
  for (const kind of [DEPLOYMENTS, REPLICA_SETS]) expect((await client.list(kind, {...NS, labelSelector: OF_DEMO})).items).toEqual([])
  const {metadata} = await cluster()
  expect(metadata.finalizers).toBeUndefined()
  expect(Object.keys(metadata.annotations ?? {}).filter((name) => name.startsWith('kopf.'))).toEqual([])

  await works('cluster', 'scale', 'demo', '1', '--wait', '--timeout', '90s')
  expect(uids(await pods('dask.org/component=worker')).every((uid) => before.includes(uid))).toBe(true)
  await works('cluster', 'scale', 'demo', '2', '--wait', '--timeout', '60s')
  expect(uids(await pods('dask.org/component=scheduler')).every((uid) => before.includes(uid))).toBe(true)
  await writeFile(join(directory, 'enough'), '')
  await until(async () => (await readdir(directory)).includes('right'), 'every result is right')
  const counts = await starts(directory)
  expect([...counts].filter(([, count]) => count > 1)).toEqual([])
}, 200_000)

it('is deleted without a trace', async () => {
  await works('cluster', 'delete', 'demo', '--yes', '--timeout', '60s')
  await until(async () => (await pods()).length === 0, 'its pods go')
  for (const kind of [DASK_WORKER_GROUPS, SERVICES, DEPLOYMENTS] as readonly Kind[])
    expect((await ground.client.list(kind, {...NS, labelSelector: OF_DEMO})).items).toEqual([])
})
