/** An API server with the CRDs and nothing behind it: the tests write what an operator and a kubelet would write, and call the built program. */

import {type ChildProcess, spawn} from 'node:child_process'
import {mkdtemp, rm} from 'node:fs/promises'
import {createServer} from 'node:https'
import type {AddressInfo} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {text} from 'node:stream/consumers'
import {fileURLToPath} from 'node:url'
import {NODES, PODS, type Pod} from '../../../src/api/core.ts'
import type {Kind, KubeObject} from '../../../src/api/object.ts'
import {applyCrds} from '../../../src/cli/crds.ts'
import type {KubeClient} from '../../../src/kube/client.ts'
import {loadKubeConfig} from '../../../src/kube/config.ts'
import {connect} from '../../../src/kube/connect.ts'
import {ifMissing} from '../../../src/kube/errors.ts'
import {startApiServer} from '../../../src/sandbox/apiserver/server.ts'
import {writeOwnKubeconfig} from '../../../src/sandbox/kubeconfig.ts'
import {makeCertificates} from '../../../src/sandbox/tls.ts'

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

const PTY = 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))'

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** One connection to a pod's log: a part of its lines, then it ends. */
export type LogScript = readonly (readonly string[])[]

export interface CliGround {
  readonly client: KubeClient
  readonly folder: string
  readonly kubeconfig: string
  /** What the node answers for the logs of a pod, one part for each connection, the last one for all that follow. */
  readonly logs: Map<string, LogScript>
  /** Resolves when the log of a pod has been asked for this often. */
  asked(pod: string, times: number): Promise<void>
  readonly env: NodeJS.ProcessEnv
  start(args: readonly string[], bin?: string): {readonly child: ChildProcess; readonly ended: Promise<Ended>}
  run(...args: readonly string[]): Promise<Ended>
  /** On a terminal of its own (by Python's `pty`), with these keys typed at once or when it shows something; all that the terminal shows comes as `stdout`. */
  runOnTerminal(args: readonly string[], typed?: string | {readonly after: string; readonly keys: string}): Promise<Ended>
  stop(): Promise<void>
}

export async function startCliGround(): Promise<CliGround> {
  const folder = await mkdtemp(join(tmpdir(), 'cli-ground-'))
  const certificates = await makeCertificates(join(folder, 'tls'))
  const logs = new Map<string, LogScript>()
  const token = 'test'
  const server = await startApiServer({
    ...{
      directory: folder,
      address: '127.0.0.1',
      tls: {...certificates.server, ca: certificates.ca},
      serviceCidr: '127.96.0.0/16',
      kubeletClient: certificates.kubeletClient,
    },
    tokens: [{token, user: 'test', groups: ['system:masters']}],
    log: () => undefined,
  })
  const kubeconfig = join(folder, 'kubeconfig')
  await writeOwnKubeconfig(kubeconfig, {context: 'test', url: server.url, ca: certificates.ca, token})
  const client = connect(loadKubeConfig({kubeconfig}))
  await applyCrds(client, AbortSignal.timeout(10_000))
  const kubelet = await startKubelet(certificates.kubelet, logs)
  await client.create(NODES, {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {name: 'node'},
    status: {addresses: [{type: 'InternalIP', address: '127.0.0.1'}], daemonEndpoints: {kubeletEndpoint: {Port: kubelet.port}}},
  } as KubeObject)
  const env: NodeJS.ProcessEnv = {...process.env, KUBECONFIG: kubeconfig, HOME: folder, DEBUG: ''}
  const start: CliGround['start'] = (args, bin = 'kubectl-dask.js') => {
    const child = spawn(process.execPath, [join(ROOT, 'bin', bin), ...args], {cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe']})
    const closed = new Promise<number | null>((resolve) => child.on('close', resolve))
    const ended = Promise.all([closed, text(child.stdout), text(child.stderr)]).then(([code, stdout, stderr]) => ({code, stdout, stderr}))
    return {child, ended}
  }
  return {
    ...{client, folder, kubeconfig, logs, asked: kubelet.asked, env, start},
    run: (...args) => start(args).ended,
    runOnTerminal: async (args, typed = '') => {
      const program = [process.execPath, join(ROOT, 'bin', 'kubectl-dask.js'), ...args]
      const child = spawn('python3', ['-c', PTY, ...program], {
        cwd: folder,
        env: {...env, CI: undefined, TERM: 'xterm', NO_COLOR: '1'},
        stdio: ['pipe', 'pipe', 'pipe'],
      })
      if (typeof typed === 'string') child.stdin.write(typed)
      else {
        let shown = ''
        child.stdout.on('data', (data: Buffer) => {
          const wasAsked = shown.includes(typed.after)
          shown += data.toString()
          if (!wasAsked && shown.includes(typed.after)) child.stdin.write(typed.keys)
        })
      }
      const closed = new Promise<number | null>((resolve) => child.on('close', resolve))
      const [code, stdout, stderr] = await Promise.all([closed, text(child.stdout), text(child.stderr)])
      return {code, stdout, stderr}
    },
    stop: async () => {
      await client.close()
      await kubelet.stop()
      await server.stop()
      await rm(folder, {recursive: true, force: true})
    },
  }
}

/** The part of a kubelet that serves logs. */
const startKubelet = async (
  tls: {readonly cert: string; readonly key: string},
  logs: ReadonlyMap<string, LogScript>,
): Promise<{readonly port: number; asked: CliGround['asked']; stop(): Promise<void>}> => {
  const connections = new Map<string, number>()
  const changed = new EventTarget()
  const server = createServer(tls, (request, response) => {
    const [, , , pod = ''] = (request.url ?? '').split('/')
    const count = connections.get(pod) ?? 0
    connections.set(pod, count + 1)
    response.on('close', () => changed.dispatchEvent(new Event('asked')))
    const script = logs.get(pod) ?? []
    const lines = script[Math.min(count, script.length - 1)] ?? []
    const wantsTimes = request.url?.includes('timestamps=true')
    response.end(lines.map((line) => `${wantsTimes ? line : line.slice(line.indexOf(' ') + 1)}\n`).join(''))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    asked: async (pod, times) => {
      while ((connections.get(pod) ?? 0) < times) await new Promise((resolve) => changed.addEventListener('asked', resolve, {once: true}))
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

export type PodState = 'running' | 'waiting' | 'succeeded' | 'failed'

/** What a kubelet would have made of a pod. */
export const podStatus = (
  container: string,
  state: PodState,
  why: {readonly reason?: string; readonly message?: string; readonly exitCode?: number} = {},
): Pod['status'] => ({
  phase: ({running: 'Running', waiting: 'Pending', succeeded: 'Succeeded', failed: 'Failed'} as const)[state],
  conditions: [{type: 'Ready', status: state === 'running' ? 'True' : 'False'}],
  containerStatuses: [
    {
      ...{name: container, ready: state === 'running', restartCount: 0, image: 'x', imageID: 'x'},
      state:
        state === 'running'
          ? {running: {startedAt: '2026-11-23T12:00:00Z'}}
          : state === 'waiting'
            ? {waiting: {reason: why.reason ?? 'ContainerCreating', message: why.message ?? ''}}
            : {terminated: {exitCode: why.exitCode ?? 0}},
    },
  ],
})

export async function putPod(
  client: KubeClient,
  pod: {readonly name: string; readonly labels: Readonly<Record<string, string>>; readonly container: string},
  status: Pod['status'],
): Promise<void> {
  const ref = {namespace: 'default', name: pod.name}
  const object = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {...ref, labels: pod.labels},
    spec: {nodeName: 'node', containers: [{name: pod.container, image: 'x'}]},
  } satisfies Pod
  await client.create(PODS, object).catch(() => undefined)
  await setStatus(client, PODS, pod.name, status)
}

export const setStatus = async (client: KubeClient, kind: Kind, name: string, status: unknown): Promise<void> => {
  await client.patch(kind, {namespace: 'default', name}, {status}, {type: 'merge', subresource: 'status'})
}

/** The object, as soon as it is there. */
export async function appears<T extends KubeObject>(
  client: KubeClient,
  kind: Kind<T>,
  name: string,
  isSo: (object: T) => boolean = () => true,
): Promise<T> {
  const deadline = performance.now() + 10_000
  for (;;) {
    const found = await client.get(kind, {namespace: 'default', name}).catch(() => undefined)
    if (found && isSo(found)) return found
    if (performance.now() > deadline) throw new Error(`${kind.kind} "${name}" did not appear`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

export const exists = ({client}: CliGround, kind: Kind, name: string): Promise<boolean> =>
  client.get(kind, {namespace: 'default', name}).then(() => true, ifMissing(false))

/** Pods of a cluster, for `putPod`. */
export const schedulerOf = (cluster: string) => ({
  name: `${cluster}-scheduler`,
  container: 'scheduler',
  labels: {'dask.org/cluster-name': cluster, 'dask.org/component': 'scheduler'},
})
export const workerOf = (cluster: string, id: string, group = `${cluster}-default`) => ({
  name: `${group}-worker-${id}`,
  container: 'worker',
  labels: {'dask.org/cluster-name': cluster, 'dask.org/component': 'worker', 'dask.org/workergroup-name': group},
})
