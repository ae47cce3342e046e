import {type ChildProcess, execFile, spawn} from 'node:child_process'
import {once} from 'node:events'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {setTimeout as pause} from 'node:timers/promises'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {PODS} from '../../src/api/core.ts'
import {DASK_AUTOSCALERS, DASK_CLUSTERS, DASK_JOBS} from '../../src/api/dask.ts'
import type {KubeClient} from '../../src/kube/client.ts'
import {loadKubeConfig} from '../../src/kube/config.ts'
import {connect} from '../../src/kube/connect.ts'
import {discover} from '../../src/kube/discovery.ts'
import {startInformer} from '../../src/kube/start-informer.ts'
import {type ProcessNode, startNode} from '../../src/sandbox/node/node.ts'
import {until} from '../conformance/ground.ts'
import {daskEnvironment, NEWEST_DASK} from '../toolchain/pythons.ts'
import {upstreamDefinitions} from '../toolchain/upstream.ts'
import {type ControlPlane, NODE_ADDRESS, startControlPlane} from './control-plane.ts'
import {kubectlPath} from './kubectl.ts'

/** With the definitions that the Python operator has installed: no status subresource for most kinds, and a status that is mostly pruned. */

const BIN = join(import.meta.dirname, '..', '..', 'bin', 'kubectl-dask.js')
const PYTHON = join(daskEnvironment(NEWEST_DASK), 'bin', 'python')
const namespace = 'default'

/** How long nothing may be written. The scheduler is asked for its target every two seconds, and each answer has the plan made again. */
const REST_MS = 20_000
/** The last changes have come when nothing was written for this long. */
const SETTLED_MS = 5_000

let directory = ''
let plane: ControlPlane
let node: ProcessNode
let client: KubeClient
let operator: ChildProcess
let said = ''
let kubectl: (...args: readonly string[]) => Promise<string>

const execute = (
  program: string,
  args: readonly string[],
): Promise<{readonly code: number; readonly stdout: string; readonly stderr: string}> =>
  new Promise((resolve) => {
    const env = {...process.env, KUBECONFIG: plane.kubeconfig}
    execFile(program, [...args], {timeout: 100_000, env}, (error, stdout, stderr) =>
      resolve({code: error ? (typeof error.code === 'number' ? error.code : 1) : 0, stdout, stderr}),
    )
  })
const dask = (...args: readonly string[]) => execute(process.execPath, [BIN, ...args])

/** How often the operator has written what, by its own count; its lease it renews without end. */
const writes = async (): Promise<string> => {
  const port = /health and metrics on port (\d+)/.exec(said)?.[1]
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const isWrite = (line: string): boolean =>
    line.startsWith('dask_operator_api_requests_total{') && !/verb="(get|list|watch)"|"leases"/.test(line)
  return metrics.split('\n').filter(isWrite).join('\n')
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'upstream-'))
  plane = await startControlPlane(join(directory, 'plane'))
  client = connect(loadKubeConfig({kubeconfig: plane.kubeconfig}))
  const program = await kubectlPath()
  kubectl = async (...args) => {
    const {code, stdout, stderr} = await execute(program, args)
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`)
    return stdout
  }
  await kubectl('create', '-f', await upstreamDefinitions())
  await kubectl('wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s')
  const {certificates} = plane
  node = await startNode({
    ...{client, startInformer, name: 'process-node', directory: join(directory, 'node'), python: PYTHON, log: () => undefined},
    podAddresses: {kind: 'cidr', prefix: '10.244'},
    kubelet: {address: NODE_ADDRESS, tls: {...certificates.kubelet, clientCa: certificates.ca}},
  })
  const args = ['operator', 'run', '--health-address', '127.0.0.1:0', '--kubeconfig', plane.kubeconfig]
  operator = spawn(process.execPath, [BIN, ...args], {stdio: ['ignore', 'ignore', 'pipe']})
  operator.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()))
}, 120_000)

afterAll(async () => {
  const ended = operator && once(operator, 'exit')
  operator?.kill('SIGTERM')
  await ended
  await node?.stop()
  await client?.close()
  await plane?.stop()
  await rm(directory, {recursive: true, force: true, maxRetries: 5})
})

describe("upstream's definitions", () => {
  it('are what they are said to be', async () => {
    expect(await discover(client, DASK_CLUSTERS)).toMatchObject({hasStatus: false, hasScale: true})
    expect(await discover(client, DASK_JOBS)).toMatchObject({hasStatus: true})
  })

  it('serve a cluster that is created, waited for, scaled and computes', async () => {
    const created = await dask('cluster', 'create', 'demo', '--workers', '2', '--wait', '--timeout', '90s')
    expect(created.code, created.stderr).toBe(0)
    await until(
      async () => (await client.get(DASK_CLUSTERS, {namespace, name: 'demo'})).status?.phase === 'Running',
      'the phase is Running',
    )
    const program = 'from distributed import Client; c = Client(timeout=20); print(c.submit(lambda: 42).result()); c.close()'
    expect(await dask('cluster', 'run', 'demo', '--', PYTHON, '-c', program)).toMatchObject({code: 0, stdout: '42\n'})
    await kubectl('scale', 'daskcluster', 'demo', '--replicas=1')
    const workers = async () => (await client.list(PODS, {namespace, labelSelector: 'dask.org/component=worker'})).items
    await until(async () => (await workers()).length === 1, 'one worker is left')
  })

  it('run a job to its end', async () => {
    const {code, stdout} = await dask('job', 'run', '--name', 'pi', '--workers', '1', '--', 'python', '-c', 'print("done")')
    expect({code, stdout}).toEqual({code: 0, stdout: 'done\n'})
    expect((await client.get(DASK_JOBS, {namespace, name: 'pi'})).status).toMatchObject({jobStatus: 'Successful', clusterName: 'pi'})
  })

  it('keep an autoscaler at its minimum', async () => {
    await client.create(DASK_AUTOSCALERS, {
      ...{apiVersion: DASK_AUTOSCALERS.apiVersion, kind: DASK_AUTOSCALERS.kind, metadata: {name: 'demo', namespace}},
      spec: {cluster: 'demo', minimum: 2, maximum: 3},
    })
    await until(async () => {
      const {items} = await client.list(PODS, {namespace, labelSelector: 'dask.org/cluster-name=demo,dask.org/component=worker'})
      return items.length === 2
    }, 'it has two workers')
  })

  it('say what they do not know, instead of forgetting it', async () => {
    expect(await dask('cluster', 'suspend', 'demo')).toMatchObject({code: 1, stderr: expect.stringContaining('does not know spec.suspend')})
    const unknown = expect.stringContaining('does not tell how far its rollout is')
    expect(await dask('cluster', 'rollout', 'status', 'demo')).toMatchObject({code: 1, stderr: unknown})
  })

  it('are at rest when nothing changes: no status is written again and again', async () => {
    await dask('cluster', 'wait', 'demo', '--timeout', '60s')
    // Counted by the operator itself: a write of what is pruned makes no new version.
    let [before, last] = ['', performance.now()]
    await until(async () => {
      const now = await writes()
      if (now !== before) [before, last] = [now, performance.now()]
      return performance.now() - last > SETTLED_MS
    }, 'all is settled')
    expect(before).toContain('verb="patch"')
    await pause(REST_MS)
    expect(await writes()).toBe(before)
  })

  it('let everything go that is deleted', async () => {
    await kubectl('delete', 'daskcluster,daskjob', '--all', '--timeout=60s')
    await until(async () => (await client.list(PODS, {namespace})).items.length === 0, 'all pods go')
  })
})
