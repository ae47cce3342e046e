/** The figures of the sandbox itself; started by `npm run bench -- sandbox`, and needs no control plane. */
import {execFile, spawn} from 'node:child_process'
import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises'
import {request} from 'node:https'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {setTimeout as pause} from 'node:timers/promises'
import {promisify} from 'node:util'
import {NAMESPACES, PODS, type Pod} from '../../src/api/core.ts'
import type {KubeClient} from '../../src/kube/client.ts'
import {loadKubeConfig} from '../../src/kube/config.ts'
import {connect} from '../../src/kube/connect.ts'
import {lines} from '../../src/kube/lines.ts'
import {resourcePath} from '../../src/kube/paths.ts'
import {createLimit, mapLimited} from '../../src/operator/engine/limit.ts'
import {daskEnvironment, NEWEST_DASK} from '../toolchain/pythons.ts'
import {median, perSecond} from './figures.ts'

const BIN = join(import.meta.dirname, '..', '..', 'bin', 'dask-k8s.js')
const PYTHON = join(daskEnvironment(NEWEST_DASK), 'bin', 'python')
const ROUNDS = 5
const PODS_MADE = 10_000
const IN_FLIGHT = 64
const WATCHERS = 20
const CHANGES = 10_000
/** Memory is read when what was made for the requests has had time to go. */
const SETTLE_MS = 5_000
const NAMESPACE = 'bench'
const FIRST_TASK = `
from distributed import Client
with Client() as client:
    print("done:", client.submit(sum, [1, 2]).result(), flush=True)
`

const run = promisify(execFile)
const directory = await mkdtemp(join(tmpdir(), 'bench-sandbox-'))
const home = join(directory, 'dask-k8s', 'sandbox', 'default')
const env = {...process.env, XDG_STATE_HOME: directory, KUBECONFIG: join(directory, 'kubeconfig')}
const sandbox = (...args: readonly string[]): Promise<unknown> => run(process.execPath, [BIN, 'sandbox', ...args], {env})

const rows: string[] = []
const tell = (what: string, figure: string, goal: string): void => {
  console.error(`${what}: ${figure}`)
  rows.push(`| ${what} | ${figure} | ${goal} |`)
}
const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`

/** Asks until the server says that it is ready: at the port of last time, with the authority that is kept. */
const isReady = async (port: string, ca: string): Promise<void> => {
  const ask = (): Promise<boolean> =>
    new Promise((resolve) => {
      const asked = request({host: '127.0.0.1', port, path: '/readyz', ca, agent: false}, (response) => {
        response.resume()
        resolve(response.statusCode === 200)
      })
      asked.on('error', () => resolve(false))
      asked.end()
    })
  while (!(await ask())) await pause(5)
}

const benchStart = async (): Promise<void> => {
  const [ready, usable]: [number[], number[]] = [[], []]
  const port = await readFile(join(home, 'port'), 'utf8')
  const {ca} = JSON.parse(await readFile(join(home, 'tls', 'certificates.json'), 'utf8')) as {readonly ca: string}
  for (let round = 0; round < ROUNDS; round++) {
    const began = performance.now()
    const up = sandbox('up', '--python', PYTHON).then(() => usable.push(performance.now() - began))
    await isReady(port, ca)
    ready.push(performance.now() - began)
    await up
    await sandbox('down')
  }
  tell('`sandbox up` until `/readyz` says ok (median of 5)', seconds(median(ready)), '1 s')
  tell('`sandbox up` until the command has ended and the context is usable (median of 5)', seconds(median(usable)), '–')
}

const benchFirstTask = async (): Promise<void> => {
  const script = join(directory, 'first.py')
  await writeFile(script, FIRST_TASK)
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const began = performance.now()
    const child = spawn(process.execPath, [BIN, 'sandbox', 'run', '-w', '1', '--python', PYTHON, '--', 'python', script], {env})
    let said = ''
    child.stderr.resume()
    child.stdout.on('data', (chunk: Buffer) => {
      const was = said
      said += chunk.toString()
      if (said.includes('done: 3') && !was.includes('done: 3')) times.push(performance.now() - began)
    })
    await new Promise((resolve) => child.once('exit', resolve))
    if (times.length !== round + 1) throw new Error(`sandbox run ended without its task: ${said}`)
  }
  tell('`sandbox run -w 1` until its first Dask task is done and told (median of 5)', seconds(median(times)), '5 s')
}

/** As a worker of a cluster is; where none can run, since no machine runs so many. */
const pod = (index: number): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: `demo-default-worker-${index}`,
    namespace: NAMESPACE,
    labels: {'dask.org/cluster-name': 'demo', 'dask.org/component': 'worker', 'dask.org/workergroup-name': 'demo-default'},
  },
  spec: {
    schedulerName: 'nobody',
    containers: [
      {
        ...{name: 'worker', image: 'ghcr.io/dask/dask:latest'},
        args: ['dask', 'worker', '--name', '$(DASK_WORKER_NAME)', '--dashboard', '--dashboard-address', '8788'],
        env: [{name: 'DASK_SCHEDULER_ADDRESS', value: 'tcp://demo-scheduler.bench.svc:8786'}],
        ports: [{name: 'http-dashboard', containerPort: 8788, protocol: 'TCP'}],
        resources: {requests: {cpu: '1', memory: '2Gi'}, limits: {cpu: '1', memory: '2Gi'}},
      },
    ],
  },
})

const residentMegabytes = async (pid: number): Promise<number> =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024

const benchPods = async (client: KubeClient, pid: number): Promise<void> => {
  await client.create(NAMESPACES, {apiVersion: 'v1', kind: 'Namespace', metadata: {name: NAMESPACE}})
  const before = await residentMegabytes(pid)
  const pods = Array.from({length: PODS_MADE}, (_, index) => pod(index))
  const began = performance.now()
  await mapLimited(createLimit(IN_FLIGHT), '', pods, async (each) => void (await client.create(PODS, each)))
  const rate = perSecond(PODS_MADE, performance.now() - began)
  tell(`pod creations a second, one client, ${PODS_MADE} of them (${IN_FLIGHT} in flight)`, `${rate}/s`, '2,000/s')
  await pause(SETTLE_MS)
  const after = await residentMegabytes(pid)
  tell(
    `resident memory with ${PODS_MADE} pods: API server, node and operator in one process`,
    `${after.toFixed(0)} MB (${before.toFixed(0)} MB without)`,
    '200 MB',
  )
}

/** Resolves when it has seen so many changes; rejects where one is told twice, out of order, or not at all. */
const watcher = async (client: KubeClient, resourceVersion: string): Promise<void> => {
  const path = `${resourcePath(PODS, NAMESPACE)}?watch=true&labelSelector=dask.org/component=worker&resourceVersion=${resourceVersion}`
  const {body} = await client.raw({path})
  let [seen, last] = [0, 0]
  for await (const line of lines(body)) {
    const {type, object} = JSON.parse(line) as {readonly type: string; readonly object: Pod}
    const revision = Number(object.metadata.resourceVersion)
    if (type !== 'MODIFIED' || revision <= last) throw new Error(`a watch said ${type} at ${revision} after ${last}`)
    last = revision
    seen += 1
    if (seen === CHANGES) return
  }
  throw new Error(`a watch ended after ${seen} of ${CHANGES} changes`)
}

const benchWatches = async (client: KubeClient): Promise<void> => {
  const {metadata} = await client.list(PODS, {namespace: NAMESPACE, limit: 1})
  const watchers = Array.from({length: WATCHERS}, () => watcher(client, metadata.resourceVersion ?? ''))
  const began = performance.now()
  const numbers = Array.from({length: CHANGES}, (_, index) => index)
  const change = async (index: number): Promise<void> => {
    const ref = {namespace: NAMESPACE, name: pod(index % PODS_MADE).metadata.name}
    await client.patch(PODS, ref, {metadata: {annotations: {change: String(index)}}}, {type: 'merge'})
  }
  await Promise.all([mapLimited(createLimit(IN_FLIGHT), '', numbers, change), ...watchers])
  const took = performance.now() - began
  const events = perSecond(WATCHERS * CHANGES, took)
  tell(`${CHANGES} changes to ${WATCHERS} watchers`, `none lost, ${seconds(took)}, ${events} events/s`, 'none lost')
}

try {
  // Its certificates and the caches of files and of code are made once.
  await sandbox('up', '--python', PYTHON)
  await sandbox('down')
  await benchStart()
  await benchFirstTask()
  await sandbox('up', '--python', PYTHON)
  const {pid} = JSON.parse(await readFile(join(home, 'state.json'), 'utf8')) as {readonly pid: number}
  const client = connect(loadKubeConfig({kubeconfig: join(home, 'kubeconfig')}))
  await benchPods(client, pid)
  await benchWatches(client)
  await client.close()
  console.log(['| the sandbox | measured | goal |', '| --- | --- | --- |', ...rows].join('\n'))
} finally {
  await sandbox('down')
  await rm(directory, {recursive: true, force: true, maxRetries: 5})
}
